"""Documents on the disk: canonical, whole or not at all, and nothing of them ever lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from graphs import broken_documents, tv_problem, whole_documents
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes import files, migrations
from nodes.document import Document
from nodes.errors import FileError
from nodes.files import dumps, load, loads, resolve, save

SAMPLES = Path(__file__).parent / "samples"


@settings(max_examples=100, deadline=None)
@given(st.one_of(broken_documents(), whole_documents(most=4)))
def test_save_load_save_is_byte_identical(document: Document) -> None:
    text = dumps(document)
    again = loads(text)
    assert dumps(again) == text
    assert [n.name for n in again.nodes] == [n.name for n in document.nodes]
    assert again.wires == document.wires
    text.encode("utf-8")


def test_what_is_unknown_survives_an_edit_elsewhere() -> None:
    """A document of a later version of the same schema, edited here."""
    raw = json.loads((SAMPLES / "schema1.dprox").read_text(encoding="utf-8"))
    raw["schema"] = migrations.SCHEMA
    raw["layers"] = [{"title": "later", "members": ["a", {"deep": [1, 2.5, None]}]}]
    raw["nodes"][0]["colour"] = {"tag": "red"}
    raw["nodes"][0]["parameters"]["gamma"] = [1, {"b": 2, "a": 1}]
    raw["nodes"].append({**raw["nodes"][0], "id": "later", "name": "later", "type": "tomorrow"})
    raw["wires"][0]["bend"] = 0.5
    raw["wires"].append(
        {"source": "later", "output": "coarse", "target": raw["nodes"][0]["id"], "input": "level"}
    )
    document = loads(json.dumps(raw))
    assert document.by_name("later").is_placeholder  # type: ignore[union-attr]
    text = dumps(document)
    assert dumps(loads(text)) == text
    kept = json.loads(text)
    for key in ("layers", "nodes", "wires"):
        assert kept[key] == raw[key]


def test_the_frozen_document_of_every_schema_opens_and_saves_unchanged() -> None:
    for schema in range(1, migrations.SCHEMA + 1):
        path = SAMPLES / f"schema{schema}.dprox"
        document = load(path)
        assert len(document) == {1: 13, 2: 19}[schema]
        if schema == migrations.SCHEMA:
            assert dumps(document) == path.read_text(encoding="utf-8")


def test_older_schemas_go_through_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def second(content: dict[str, Any]) -> dict[str, Any]:
        return {**content, "title": content["title"] + " two"}

    def third(content: dict[str, Any]) -> dict[str, Any]:
        return {**content, "title": content["title"] + " three"}

    monkeypatch.setattr(migrations, "SCHEMA", 3)
    monkeypatch.setattr(files, "SCHEMA", 3)
    monkeypatch.setattr(migrations, "MIGRATIONS", {1: second, 2: third})
    document = loads('{"format": "dprox-studio", "schema": 1, "title": "one"}')
    assert document.title == "one two three"
    assert '"schema": 3' in dumps(document)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("{", "damaged or not a document of the studio: line 1"),
        ("hello", "damaged or not a document of the studio"),
        ("[]", "is not a document of the studio"),
        ("3", "is not a document of the studio"),
        ('{"nodes": []}', "is not a document of the studio"),
        ('{"format": "other", "schema": 1}', "is not a document of the studio"),
        ('{"format": "dprox-studio"}', "its schema is None"),
        ('{"format": "dprox-studio", "schema": true}', "its schema is True"),
        ('{"format": "dprox-studio", "schema": 0}', "its schema is 0"),
        ('{"format": "dprox-studio", "schema": 99}', "saved by a newer version of the studio"),
        ('{"format": "dprox-studio", "schema": 1, "nodes": {}}', '"nodes" is not a list'),
        ('{"format": "dprox-studio", "schema": 1, "nodes": [3]}', "node 1 is not an object"),
        ('{"format": "dprox-studio", "schema": 1, "title": 3}', '"title" is missing or not text'),
        ('{"format": "dprox-studio", "schema": 1, "nodes": [{}]}', 'node 1: "name" is missing'),
        (
            '{"format": "dprox-studio", "schema": 1, "nodes": [{"name": "a b", "id": "1"}]}',
            'node 1: "a b" cannot be a name',
        ),
        (
            '{"format": "dprox-studio", "schema": 1, "nodes": '
            '[{"name": "a", "id": "1", "type": "grad", "position": [1]}]}',
            "position is not two numbers",
        ),
        (
            '{"format": "dprox-studio", "schema": 1, "nodes": '
            '[{"name": "a", "id": "1", "type": "grad"}, {"name": "b", "id": "1", "type": "grad"}]}',
            "Two nodes have the id 1",
        ),
        (
            '{"format": "dprox-studio", "schema": 1, "nodes": '
            '[{"name": "a", "id": "1", "type": "grad"}, {"name": "a", "id": "2", "type": "grad"}]}',
            "Two nodes are named a",
        ),
        (
            '{"format": "dprox-studio", "schema": 1, "wires": '
            '[{"source": "1", "output": "a", "target": "2", "input": "b"}]}',
            'wire 1 leads to a node "1" that is not there',
        ),
        ('{"format": "dprox-studio", "schema": 1, "x": NaN}', "NaN is not a finite number"),
        ('{"format": "dprox-studio", "schema": 1, "x": 1e999}', "1e999 is not a finite number"),
        ('{"format": "dprox-studio", "schema": 1, "x": 1, "x": 2}', "an entry appears twice"),
        ("[" * 100_000, "not valid JSON"),
        ('{"schema": ' + "9" * 5000 + "}", "not valid JSON"),
    ],
)
def test_damaged_and_foreign_files_are_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(FileError) as caught:
        loads(text, "deblur.dprox")
    message = str(caught.value)
    assert sentence in message
    assert message.startswith('"deblur.dprox"')
    assert message.endswith((".", "it."))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_cut_short_or_scrambled_files_never_give_a_traceback(data: st.DataObject) -> None:
    text = (SAMPLES / "schema1.dprox").read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 80)))
    filling = data.draw(st.sampled_from(["", "[", "null", '"', "3", "{}", ",", "\ud800", "true"]))
    try:
        document = loads(text[:start] + filling + text[end:])
    except FileError:
        return
    assert dumps(loads(dumps(document))) == dumps(document)


def test_files_that_are_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no file"):
        load(tmp_path / "missing.dprox")
    with pytest.raises(FileError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "photo.dprox").write_bytes(b"\x89PNG\r\n\xff\xfe")
    with pytest.raises(FileError, match="it is no text"):
        load(tmp_path / "photo.dprox")
    with pytest.raises(FileError, match=r'There is no example "nothing". There are: .*deconvol'):
        resolve("example:nothing")


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "windows.dprox"
    path.write_text(dumps(tv_problem()[0].document), encoding="utf-8-sig")
    assert len(load(path)) == 13


def test_saving_keeps_the_last_version_beside_it(tmp_path: Path) -> None:
    graph, _ = tv_problem()
    path = tmp_path / "tv.dprox"
    save(graph.document, path)
    first = path.read_bytes()
    assert os.listdir(tmp_path) == ["tv.dprox"]
    graph.add("disk_psf")
    save(graph.document, path)
    assert (tmp_path / "tv.dprox~").read_bytes() == first
    assert path.read_bytes() == dumps(graph.document).encode()
    assert sorted(os.listdir(tmp_path)) == ["tv.dprox", "tv.dprox~"]
    assert graph.document.path == path


def test_saving_through_a_link_keeps_the_link_and_the_mode(tmp_path: Path) -> None:
    graph, _ = tv_problem()
    real, link = tmp_path / "real.dprox", tmp_path / "link.dprox"
    save(graph.document, real)
    real.chmod(0o640)
    link.symlink_to(real)
    save(graph.document, link)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("step", ["write", "fsync", "replace", "mkstemp", "backup"])
def test_a_full_disk_leaves_the_old_file_and_no_litter(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, _ = tv_problem()
    path = tmp_path / "tv.dprox"
    save(graph.document, path)
    before = path.read_bytes()
    graph.add("disk_psf")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "write":
        real = os.fdopen

        def fdopen(descriptor: int, mode: str) -> Any:
            file = real(descriptor, mode, buffering=0)

            class Full:
                def __enter__(self) -> Full:
                    return self

                def __exit__(self, *_: object) -> None:
                    file.close()

                write = staticmethod(full)

            return Full()

        monkeypatch.setattr(files.os, "fdopen", fdopen)
    elif step == "fsync":
        monkeypatch.setattr(files.os, "fsync", full)
    elif step == "replace":
        monkeypatch.setattr(Path, "replace", full)
    elif step == "mkstemp":
        monkeypatch.setattr(files.tempfile, "mkstemp", full)
    else:
        monkeypatch.setattr(files.os, "link", full)
        monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(FileError) as caught:
        save(graph.document, path)
    monkeypatch.undo()
    assert str(caught.value) == (
        f'"tv.dprox" could not be saved to "{tmp_path}": no space left on device. '
        "The file on the disk is unchanged."
    )
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["tv.dprox"]


def test_a_file_system_that_is_really_full(tmp_path: Path) -> None:
    """A limit on file sizes is a full disk that every machine can have."""
    resource = pytest.importorskip("resource")
    del resource
    path = tmp_path / "tv.dprox"
    program = (
        "import resource, signal, sys\n"
        "from nodes.commands import AddNode, History, new_node\n"
        "from nodes.document import Document\n"
        "from nodes.errors import FileError\n"
        "from nodes.files import save\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "document = Document(title='first')\n"
        "save(document, sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))\n"
        "History(document).do(AddNode(new_node(document, 'load_image')))\n"
        "try:\n"
        "    save(document, sys.argv[1])\n"
        "except FileError as error:\n"
        "    print(error)\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        text=True,
        cwd=root,
        check=True,
    )
    assert "could not be saved" in done.stdout
    assert load(path).title == "first"
    assert os.listdir(tmp_path) == ["tv.dprox"]


def test_folders_that_cannot_be_written(tmp_path: Path) -> None:
    graph, _ = tv_problem()
    with pytest.raises(FileError, match="no such file or directory"):
        save(graph.document, tmp_path / "missing" / "tv.dprox")
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileError, match="not a directory"):
        save(graph.document, tmp_path / "file" / "tv.dprox")


@pytest.mark.skipif(os.name != "posix", reason="folders have no modes elsewhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    """In a child process, because the superuser may write everywhere and gives that up here."""
    graph, _ = tv_problem()
    locked = tmp_path / "locked"
    locked.mkdir()
    save(graph.document, locked / "tv.dprox")
    private = [folder for folder in tmp_path.parents if folder.stat().st_mode & 0o777 == 0o700]
    for folder in (locked, tmp_path, *private):
        folder.chmod(0o755)
    locked.chmod(0o555)
    (tmp_path / "said").touch(0o666)
    (tmp_path / "said").chmod(0o666)
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            save(graph.document, locked / "tv.dprox")
        except FileError as error:
            (tmp_path / "said").write_text(str(error), encoding="utf-8")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    locked.chmod(0o755)
    assert "could not be saved" in (tmp_path / "said").read_text(encoding="utf-8")
    assert os.listdir(locked) == ["tv.dprox"]


def test_a_read_only_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, _ = tv_problem()
    path = tmp_path / "tv.dprox"
    save(graph.document, path)
    # The superuser may write everything, so the answer of the system is given here.
    monkeypatch.setattr(files.os, "access", lambda *_: False)
    with pytest.raises(FileError, match="the file is read-only"):
        save(graph.document, path)


def test_every_example_opens_and_is_canonical() -> None:
    for name in files.examples():
        path = resolve(f"example:{name}")
        assert dumps(load(path)) == path.read_text(encoding="utf-8")
