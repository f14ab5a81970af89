"""Documents that a person keeps to begin from: each a bundle in a folder of the settings."""

from __future__ import annotations

import shutil
from pathlib import Path

from app.settings import Settings
from nodes.assets import take_in
from nodes.bundle import BUNDLE, new_home, pack
from nodes.commands import History
from nodes.document import Document

__all__ = ["keep", "templates"]

_LONGEST = 60


def _folder(settings: Settings) -> Path:
    return settings.recovery.parent / "templates"


def templates(settings: Settings) -> list[Path]:
    """The templates there are, by name."""
    return sorted(_folder(settings).glob(f"*{BUNDLE}"), key=lambda path: path.stem.lower())


def keep(document: Document, base: Path, title: str, settings: Settings) -> Path:
    """Keep a copy of a document, with every file it names, to begin from.

    Args:
        document: it is left alone.
        base: the folder that its relative paths start from.
        title: what the template is called; one of this name is not replaced.
        settings: say where templates lie.

    Raises:
        FileError: it cannot be written.
        OSError: a file it names cannot be copied.
    """
    name = "".join(c if c.isalnum() or c in " -_().,'" else " " for c in title)
    name = " ".join(name.split()).strip(". ")[:_LONGEST] or "Template"
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    target, number = folder / f"{name}{BUNDLE}", 2
    while target.exists():
        target, number = folder / f"{name} {number}{BUNDLE}", number + 1
    home = new_home()
    try:
        copy = document.copy()
        step, _missing = take_in(copy, base, home)
        if step is not None:
            History(copy).do(step)
        pack(copy, home, target)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return target
