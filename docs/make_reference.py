"""The reference pages, made from the specs and the docstrings.

    python -m docs.make_reference [--out docs]

Writes ``nodes.md`` (every node: ports, parameters, formula, help) and ``library.md`` (every public
name of dprox_core). A test holds the committed pages against what this gives.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import griffe

from nodes.catalogue import CATALOGUE, CATEGORIES
from nodes.helptext import Help, library_object, read_help
from nodes.parameter import Parameter, number_text
from nodes.spec import NodeSpec, Port

__all__ = ["library_page", "nodes_page"]

ROOT = Path(__file__).resolve().parent.parent


def nodes_page() -> str:
    """The page of all nodes, by category."""
    lines = [
        "# Nodes",
        "",
        "Made by `python -m docs.make_reference` from the specs and the library's docstrings.",
        "",
    ]
    for key, category in CATEGORIES.items():
        specs = [spec for spec in CATALOGUE.values() if spec.category == key]
        if specs:
            names = ", ".join(f"[{s.title}](#{_anchor(s.title)})" for s in specs)
            lines.append(f"- **{category.title}**: {names}")
    for key, category in CATEGORIES.items():
        specs = [spec for spec in CATALOGUE.values() if spec.category == key]
        if specs:
            lines += ["", f"## {category.title}"]
        for spec in specs:
            lines += ["", *_node(spec)]
    return "\n".join(lines) + "\n"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _node(spec: NodeSpec) -> Iterator[str]:
    page = spec.help()
    yield f"### {spec.title}"
    yield ""
    if spec.formula:
        yield f"> {spec.formula}"
        yield ""
    yield page.summary or f"{spec.title}."
    for paragraph in filter(None, page.description.split("\n\n")):
        yield ""
        yield paragraph
    rows = [_port(port, "in") for port in spec.inputs]
    rows += [_port(port, "out") for port in spec.outputs]
    rows += [_parameter(parameter) for parameter in spec.parameters]
    if rows:
        yield ""
        yield "| name | what | values |"
        yield "|---|---|---|"
        yield from rows
    if page.reference:
        yield ""
        yield f"*{' '.join(page.reference.split())}*"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _port(port: Port, way: str) -> str:
    wires = "any number of wires" if port.multiple else "optional" if port.optional else ""
    types = " or ".join(port.accepted) if way == "in" else str(port.type)
    values = ", ".join(filter(None, (types, wires)))
    return f"| {way}: {port.title} | {_cell(port.help)} | {values} |"


def _parameter(parameter: Parameter) -> str:
    values: list[str] = []
    if parameter.choices:
        values.append(" or ".join(parameter.choices))
    if parameter.above is not None:
        values.append(f"above {number_text(parameter.above)}")
    if parameter.minimum is not None:
        values.append(f"from {number_text(parameter.minimum)}")
    if parameter.maximum is not None:
        values.append(f"to {number_text(parameter.maximum)}")
    if parameter.odd:
        values.append("odd")
    if parameter.unit:
        values.append(parameter.unit)
    default = parameter.default
    shown = (
        number_text(default)
        if isinstance(default, int | float) and not isinstance(default, bool)
        else str(default)
    )
    values.append("automatic unless given" if default is None else f"default {shown}")
    return f"| {parameter.title} | {_cell(parameter.help)} | {_cell(', '.join(values))} |"


def library_page() -> str:
    """The page of every public name of the library."""
    lines = [
        "# The library",
        "",
        "Every public name of `import dprox_core as dp`. Made by `python -m docs.make_reference`",
        "from the docstrings; [conventions.md](conventions.md) says what is common to all.",
    ]
    for name in _public():
        found = library_object(name)
        if isinstance(found, griffe.Function | griffe.Class):
            lines += ["", *_entry(name, found, read_help(name))]
    return "\n".join(lines) + "\n"


def _public() -> list[str]:
    text = (ROOT / "dprox_core" / "__init__.py").read_text(encoding="utf-8")
    listed = re.search(r"__all__ = \[(.*?)\]", text, re.S)
    assert listed is not None, "dprox_core/__init__.py lists its public names in __all__"
    return sorted(re.findall(r'"(\w+)"', listed[1]), key=str.casefold)


def _entry(name: str, found: griffe.Function | griffe.Class, page: Help) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    yield f"```python\ndp.{name}{_signature(found)}\n```"
    yield ""
    yield page.summary
    for paragraph in filter(None, page.description.split("\n\n")):
        yield ""
        yield paragraph
    if page.arguments:
        yield ""
        yield from (f"- `{argument}`: {_cell(text)}" for argument, text in page.arguments)
    if page.returns:
        yield ""
        yield f"Returns: {_cell(page.returns)}"
    if page.raises:
        yield ""
        yield from (f"Raises `{error}`: {_cell(when)}" for error, when in page.raises)
    if page.example:
        yield ""
        yield f"```python\n{page.example}\n```"
    if page.reference:
        yield ""
        yield f"*{_cell(page.reference)}*"


def _signature(found: griffe.Function | griffe.Class) -> str:
    written: list[str] = []
    star = False
    for p in found.parameters:
        if p.name in ("self", "cls"):
            continue
        kind = p.kind
        if kind is griffe.ParameterKind.keyword_only and not star:
            written.append("*")
            star = True
        prefix = {
            griffe.ParameterKind.var_positional: "*",
            griffe.ParameterKind.var_keyword: "**",
        }.get(kind or griffe.ParameterKind.positional_or_keyword, "")
        star = star or prefix == "*"
        variadic = bool(prefix)
        default = "" if p.default is None or variadic else f"={p.default}"
        written.append(f"{prefix}{p.name}{default}")
    return f"({', '.join(written)})"


def main() -> int:
    """Write both pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    out = parser.parse_args().out
    for name, text in (("nodes.md", nodes_page()), ("library.md", library_page())):
        (out / name).write_text(text, encoding="utf-8")
        print(out / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
