"""A document with everything it speaks of, in one file.

A bundle is a zip file: ``document.dprox``, and the files it names in ``assets/``. It is opened by
unpacking it into a folder of the user's cache that is called by its content; the document there
names its files by relative paths, as any other document does.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from nodes.assets import ASSETS, assets_of, collect
from nodes.document import Document
from nodes.errors import FileError
from nodes.history import History

__all__ = ["BUNDLE", "beside", "is_bundle", "is_unpacked", "new_home", "pack", "unpack"]

#: The ending of a bundle's name.
BUNDLE = ".dproxz"
DOCUMENT = "document.dprox"
_LARGEST = 4 * 2**30
_LARGEST_DOCUMENT = 64 * 2**20
_DAYS = 30
# The same content gives the same bytes, whenever it is packed.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def is_bundle(path: str | os.PathLike[str]) -> bool:
    """Whether a file is called as bundles are."""
    return Path(path).suffix.lower() == BUNDLE


def _folder() -> Path:
    from platformdirs import user_cache_path  # only bundles need it, not every start

    return user_cache_path("dprox-studio", appauthor=False) / "bundles"


def is_unpacked(document: Document) -> bool:
    """Whether a document lies in the cache, unpacked from a bundle."""
    path = document.path
    if path is None or path.name != DOCUMENT:
        return False
    return path.absolute().parent.parent == _folder().absolute()


def new_home() -> Path:
    """An empty folder for a document that is becoming a bundle.

    Raises:
        OSError: it cannot be made.
    """
    _folder().mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="new-", dir=_folder()))


def unpack(path: Path) -> Path:
    """Unpack a bundle; gives the document in the folder where its files lie.

    Raises:
        FileError: it is missing, unreadable, damaged, or there is no room for it.
    """
    name = path.name
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:32]
        home = _folder() / digest
        if not (home / DOCUMENT).is_file():
            _extract(path, home)
        os.utime(home)
        _forget_old(home)
    except FileNotFoundError:
        raise FileError(f'There is no file "{path}".') from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FileError(
            f'"{name}" is damaged: {str(error).rstrip(".") or "it ends too early"}. The file on '
            "the disk is as it was; open a copy, or the bundle kept beside it as "
            f'"{name}~".'
        ) from error
    except OSError as error:
        raise FileError(f'"{name}" cannot be opened: {error.strerror or error}.') from error
    return home / DOCUMENT


def _extract(path: Path, home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=home.parent))
    try:
        with zipfile.ZipFile(path) as bundle:
            infos = [info for info in bundle.infolist() if not info.is_dir()]
            if DOCUMENT not in {info.filename for info in infos}:
                raise zipfile.BadZipFile("it holds no document")
            if sum(info.file_size for info in infos) > _LARGEST:
                raise zipfile.BadZipFile("it unpacks to more than 4 GB")
            for info in infos:
                parts = PurePosixPath(info.filename).parts
                inside = len(parts) == 2 and parts[0] == ASSETS and parts[1] not in ("..", ".")
                if info.filename != DOCUMENT and (not inside or "\\" in info.filename):
                    raise zipfile.BadZipFile(f'it holds "{info.filename}", which is no asset')
                if info.filename == DOCUMENT and info.file_size > _LARGEST_DOCUMENT:
                    raise zipfile.BadZipFile("its document is too large")
                target = stage.joinpath(*parts)
                target.parent.mkdir(exist_ok=True)
                with bundle.open(info) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink, 2**20)
        try:
            stage.replace(home)
        except OSError:
            if not (home / DOCUMENT).is_file():  # another window may have been faster
                raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _forget_old(kept: Path) -> None:
    """What has not been opened for a month goes; it can be unpacked again."""
    limit = time.time() - _DAYS * 86400
    for other in kept.parent.iterdir():
        try:
            if other != kept and other.stat().st_mtime < limit:
                shutil.rmtree(other, ignore_errors=True)
        except OSError:
            continue


def pack(document: Document, home: Path, target: Path) -> None:
    """Write a document whose files lie in ``home`` as a bundle, whole or not at all.

    The bundle it replaces is kept beside it as ``NAME.dproxz~``.

    Raises:
        FileError: it cannot be written; what was there is as it was.
    """
    from nodes.files import dumps, replaced

    names = sorted({a.value for a in assets_of(document) if a.value.startswith(f"{ASSETS}/")})
    try:
        with replaced(target, backup=True) as file, zipfile.ZipFile(file, "w") as bundle:
            bundle.writestr(_info(DOCUMENT), dumps(document).encode("utf-8"))
            for name in names:
                source = home / name
                if not source.is_file():
                    continue  # the checks say that it is not there
                with (
                    source.open("rb") as asset,
                    bundle.open(_info(name), "w", force_zip64=True) as entry,
                ):
                    shutil.copyfileobj(asset, entry, 2**20)
    except OSError as error:
        raise FileError(
            f'"{target.name}" could not be saved to "{target.parent}": '
            f"{error.strerror or error}. The file on the disk is unchanged."
        ) from error


def beside(document: Document, script: Path) -> Document:
    """The document to write a script of: what lies in a bundle is copied beside the script.

    A script that named files in the cache would lose them as soon as the cache is emptied, and
    could not be taken along. A document that comes from no bundle is given back as it is.

    Raises:
        OSError: a file cannot be copied.
    """
    if document.path is None or not is_unpacked(document):
        return document
    home = document.path.absolute().parent
    folder = script.absolute().parent
    moved = document.copy()
    moved.path = folder / f"{script.stem}{BUNDLE}"
    step = collect(document, home, folder / f"{script.stem} files", folder)
    if step is not None:
        History(moved).do(step)
    return moved


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info
