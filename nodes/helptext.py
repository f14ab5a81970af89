"""Help pages, read from the library's docstrings without importing the library."""

from __future__ import annotations

import importlib.util
import logging
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Imported where it is used: it takes longer than all the rest of this package.
    import griffe

__all__ = ["Help", "library_object", "read_help"]

_LOG = logging.getLogger(__name__)
_LIBRARY = "dprox_core"


@dataclass(frozen=True)
class Help:
    """What is known about a function of the library.

    Attributes:
        summary: its meaning in one line.
        description: formula and conventions, paragraphs.
        arguments: (name, meaning) in order.
        returns: what it gives back.
        raises: (error, when) in order.
        example: source text.
        reference: paper and equation.
    """

    summary: str = ""
    description: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    returns: str = ""
    raises: tuple[tuple[str, str], ...] = ()
    example: str = ""
    reference: str = ""
    signature: str = field(default="", compare=False)

    def __str__(self) -> str:
        parts = [self.summary, self.description]
        parts += [f"{name}: {meaning}" for name, meaning in self.arguments]
        parts += [f"Returns: {self.returns}" if self.returns else "", self.example, self.reference]
        return "\n\n".join(part for part in parts if part)

    def argument(self, name: str) -> str:
        """The meaning of one argument; empty when the docstring says nothing."""
        return dict(self.arguments).get(name, "")

    def html(self) -> str:
        """The page as rich text."""
        parts = [f"<p><b>{_inline(self.summary)}</b></p>"] if self.summary else []
        parts += [f"<p>{_inline(text)}</p>" for text in self.description.split("\n\n") if text]
        if self.arguments:
            rows = "".join(
                f"<tr><td><code>{escape(name)}</code>&nbsp;&nbsp;</td><td>{_inline(text)}</td></tr>"
                for name, text in self.arguments
            )
            parts.append(f"<table>{rows}</table>")
        if self.returns:
            parts.append(f"<p><b>Returns</b> {_inline(self.returns)}</p>")
        if self.example:
            parts.append(f"<pre>{escape(self.example)}</pre>")
        if self.reference:
            parts.append(f"<p><i>{_inline(self.reference)}</i></p>")
        return "\n".join(parts)


@cache
def read_help(function: str) -> Help:
    """The help of a library function or method, such as ``conv`` or ``Problem.solve``.

    Returns:
        An empty page when the library is not there or has no such name: help is never a
        reason to fail.
    """
    try:
        found = library_object(function)
        if found is None or found.docstring is None:
            return Help()
        return _convert(found)
    except Exception:  # griffe parses whatever is on disk, half-written files included
        _LOG.warning("No help for %s", function, exc_info=True)
        return Help()


def library_object(name: str) -> griffe.Object | None:
    """The static description of a public name of the library; None if there is none."""
    import griffe

    package = _package()
    if package is None:
        return None
    try:
        found: griffe.Object | griffe.Alias = package[name]
        target = found.final_target if isinstance(found, griffe.Alias) else found
        if isinstance(target, griffe.Module) and target.name in target.members:
            # A module that holds a function of its own name hides it.
            inner = target[target.name]
            target = inner.final_target if isinstance(inner, griffe.Alias) else inner
        return target
    except (KeyError, griffe.AliasResolutionError, griffe.CyclicAliasError):
        return None


@cache
def _package() -> griffe.Object | None:
    import griffe

    located = importlib.util.find_spec(_LIBRARY)
    if located is None or not located.submodule_search_locations:
        return None
    root = Path(next(iter(located.submodule_search_locations))).parent
    logging.getLogger("griffe").setLevel(logging.ERROR)
    loaded = griffe.load(
        _LIBRARY, search_paths=[root], docstring_parser="google", allow_inspection=False
    )
    assert isinstance(loaded, griffe.Object)
    return loaded


def _convert(found: griffe.Object) -> Help:
    import griffe

    assert found.docstring is not None
    texts: list[str] = []
    arguments: list[tuple[str, str]] = []
    raises: list[tuple[str, str]] = []
    returns = example = reference = ""
    for section in found.docstring.parse("google", warnings=False):
        kind = section.kind
        if kind is griffe.DocstringSectionKind.text:
            texts.append(section.value)
        elif kind is griffe.DocstringSectionKind.parameters:
            arguments = [(item.name, _one_line(item.description)) for item in section.value]
        elif kind is griffe.DocstringSectionKind.raises:
            raises = [(str(item.annotation), _one_line(item.description)) for item in section.value]
        elif kind is griffe.DocstringSectionKind.returns:
            returns = _one_line(" ".join(item.description for item in section.value))
        elif kind is griffe.DocstringSectionKind.examples:
            example = "\n".join(str(text) for _, text in section.value).strip()
        elif kind is griffe.DocstringSectionKind.admonition:
            title = (section.title or "").lower()
            if title.startswith("example"):
                example = section.value.description.strip()
            elif title.startswith("reference"):
                reference = _one_line(section.value.description)
    summary, _, description = "\n\n".join(texts).strip().partition("\n\n")
    paragraphs = [_one_line(text) for text in description.split("\n\n")]
    return Help(
        summary=_one_line(summary),
        description="\n\n".join(text for text in paragraphs if text),
        arguments=tuple(arguments),
        returns=returns,
        raises=tuple(raises),
        example=example,
        reference=reference,
        signature=_signature(found),
    )


def _signature(found: griffe.Object) -> str:
    import griffe

    if not isinstance(found, griffe.Function):
        return found.name
    shown = [
        f"{p.name}={p.default}" if p.default is not None else p.name
        for p in found.parameters
        if p.name != "self"
    ]
    return f"{found.name}({', '.join(shown)})"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _inline(text: str) -> str:
    pieces = escape(text).split("``")
    return "".join(
        f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces)
    )
