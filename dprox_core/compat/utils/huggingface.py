"""The published reference's downloads, which are not part of this library."""

from __future__ import annotations

from typing import Any, NoReturn

from dprox_core.compat.errors import MissingError

__all__ = ["download_dataset", "load_checkpoint", "load_image", "load_path"]


def _missing(name: str, path: object) -> NoReturn:
    raise MissingError(
        f"hf.{name} downloads from the hub of the published reference; this library downloads "
        f"nothing behind your back. Get {path} yourself and give its path: imread(path) for "
        "pictures, weights=path for networks.",
        expected="a local file",
        got=path,
        where=name,
    )


def load_path(path: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Not offered."""
    _missing("load_path", path)


def load_image(path: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Not offered."""
    _missing("load_image", path)


def load_checkpoint(path: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Not offered."""
    _missing("load_checkpoint", path)


def download_dataset(path: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Not offered."""
    _missing("download_dataset", path)
