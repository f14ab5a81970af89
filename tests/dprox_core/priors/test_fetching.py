"""Fetching public weights, from a server on this machine."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from dprox_core.errors import ParameterError
from dprox_core.priors import fetching
from dprox_core.priors.denoisers.ffdnet import FFDNet
from dprox_core.priors.fetching import RELEASES, Release, fetch
from dprox_core.priors.weights import WeightsError, load


class Server(ThreadingHTTPServer):
    content = b""
    requests = 0
    cut = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests += 1
        if self.path != "/a.pth":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content[: len(self.server.content) - self.server.cut])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    torch.save(FFDNet(1, 40, 4).state_dict(), tmp_path / "source.pth")
    with Server(("127.0.0.1", 0), Answer) as server:
        server.content = (tmp_path / "source.pth").read_bytes()
        monkeypatch.setenv("DPROX_WEIGHTS", str(tmp_path / "cache"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setitem(RELEASES, "test", Release(f"{server.url}/a.pth"))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_fetched_once_with_progress(server: Server, monkeypatch) -> None:
    monkeypatch.setattr(fetching, "CHUNK", 10_000)
    seen: list[tuple[int, int | None]] = []
    path = fetch("test", progress=lambda done, total: seen.append((done, total)))
    size = len(server.content)
    assert path.read_bytes() == server.content
    assert seen[-1] == (size, size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) > 2
    assert fetch("test") == path
    assert server.requests == 1
    assert isinstance(load(path), FFDNet)


def test_a_file_changed_on_disk_is_fetched_again(server: Server) -> None:
    path = fetch("test")
    path.write_bytes(b"something else")
    assert fetch("test").read_bytes() == server.content
    assert server.requests == 2


def test_the_checksum_decides(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    good = Release(f"{server.url}/a.pth", digest(server.content))
    monkeypatch.setitem(RELEASES, "test", good)
    assert fetch("test").exists()
    monkeypatch.setitem(RELEASES, "bad", Release(good.url, digest(b"other")))
    with pytest.raises(WeightsError, match="another checksum"):
        fetch("bad")
    assert [p.name for p in fetching.cache_folder().iterdir() if p.name.startswith("bad")] == []


def test_a_broken_download_leaves_nothing(server: Server) -> None:
    server.cut = 500
    with pytest.raises(WeightsError, match="broke off"):
        fetch("test")
    assert list(fetching.cache_folder().iterdir()) == []


def test_what_the_server_refuses_is_told(server: Server, monkeypatch) -> None:
    monkeypatch.setitem(RELEASES, "gone", Release(f"{server.url}/gone.pth"))
    with pytest.raises(WeightsError, match="404"):
        fetch("gone")


def test_without_a_connection_there_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(("127.0.0.1", 0), Answer) as closed:
        url = f"{closed.url}/a.pth"
    monkeypatch.setitem(RELEASES, "test", Release(url))
    with pytest.raises(WeightsError, match="connected to the network"):
        fetch("test", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ParameterError, match="drunet_color"):
        fetch("drunet_colour")


def test_every_release_is_named_and_encrypted() -> None:
    for release in RELEASES.values():
        assert release.url.startswith("https://")
        assert release.licence
