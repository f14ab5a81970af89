"""The files that a document speaks of: pictures, kernels, weights, numbers, networks."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nodes.commands import Command, Macro, SetParameter
from nodes.document import Document
from nodes.groups import GROUP
from nodes.imagefiles import locate

__all__ = ["Asset", "assets_of", "collect", "follow", "portable", "take_in"]

_SAMPLE = "sample:"
#: The folder of a bundle that holds what its document speaks of.
ASSETS = "assets"


@dataclass(frozen=True)
class Asset:
    """A parameter that names a file.

    Attributes:
        node, parameter: where it is named.
        value: as it is written there.
    """

    node: str
    parameter: str
    value: str

    def file(self, base: Path | None) -> Path:
        """The file that is meant; it need not exist."""
        return locate(self.value, base)

    def command(self, value: str) -> Command:
        """Write another name there."""
        return SetParameter(self.node, self.parameter, value)


def assets_of(document: Document) -> Iterator[Asset]:
    """Every file that a document names, apart from the samples that come with the studio."""
    for node in document.nodes:
        for parameter in node.spec.parameters if node.spec is not None else ():
            if node.type == GROUP and parameter.name not in node.parameters:
                continue  # it follows the definition, whose node is asked itself
            value = node.value(parameter.name)
            named = parameter.kind == "path" and isinstance(value, str) and value.strip()
            if named and not str(value).startswith(_SAMPLE):
                yield Asset(node.id, parameter.name, str(value))


def portable(path: Path, base: Path | None) -> str:
    """A path as it is kept in a document: relative where it lies beside or below it."""
    if base is not None:
        try:
            return path.absolute().relative_to(base.absolute()).as_posix()
        except ValueError:
            pass
    return path.absolute().as_posix()


def follow(document: Document, old: Path, new: Path) -> Macro | None:
    """The command that keeps every file within reach when the document moves to a folder."""
    commands = []
    if os.path.abspath(old) == os.path.abspath(new):
        return None
    for asset in assets_of(document):
        file = asset.file(old)
        wanted = portable(file, new)
        if file.exists() and wanted != asset.value:
            commands.append(asset.command(wanted))
    return Macro("Keep files within reach", tuple(commands)) if commands else None


def collect(document: Document, old: Path, folder: Path, base: Path) -> Macro | None:
    """Copy every file that lies below ``old`` into a folder; the command that names the copies.

    Raises:
        OSError: a file cannot be copied.
    """
    commands = []
    for asset in assets_of(document):
        file = asset.file(old)
        if file.is_file() and file.absolute().is_relative_to(old.absolute()):
            commands.append(asset.command(portable(_copied(file, folder), base)))
    return Macro("Take files out of the bundle", tuple(commands)) if commands else None


def take_in(document: Document, old: Path | None, home: Path) -> tuple[Macro | None, list[str]]:
    """Copy what a document names into the folder of its bundle.

    Returns:
        The command that names the copies, and the names of files that are not there.

    Raises:
        OSError: a file cannot be copied.
    """
    commands, missing = [], []
    for asset in assets_of(document):
        file = asset.file(old)
        if not file.is_file():
            missing.append(asset.value)
            continue
        copy = _copied(file, home / ASSETS)
        wanted = f"{ASSETS}/{copy.name}"
        if wanted != asset.value:
            commands.append(asset.command(wanted))
    return (Macro("Take files into the bundle", tuple(commands)) if commands else None), missing


def _copied(file: Path, folder: Path) -> Path:
    """A file of the same content in a folder, under its own name or the next free one."""
    if file.absolute().parent == folder.absolute():
        return file
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        name = file.name if number == 1 else f"{file.stem}-{number}{file.suffix}"
        target = folder / name
        if not target.exists():
            shutil.copyfile(file, target)
            return target
        if filecmp.cmp(file, target, shallow=False):
            return target
        number += 1
