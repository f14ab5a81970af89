"""Operators that put values into another shape or order, pick some, or join several."""

from __future__ import annotations

from typing import Any

from nodes.catalogue.operators import DATA, OUTPUT, operand
from nodes.parameter import Parameter
from nodes.spec import Form, NodeSpec, Notation, Port, PortType

__all__ = ["SPECS"]


def _shaping(type: str, title: str, tex: str, html: str, **more: Any) -> NodeSpec:
    """A node type named like its function, with one operand unless told otherwise."""
    level = more.pop("level", 2)
    binds = more.pop("operand", 0)
    return NodeSpec(
        type=type,
        title=title,
        category="operators",
        function=type,
        inputs=more.pop("inputs", (operand(),)),
        outputs=(OUTPUT,),
        inline=True,
        polymorphic=True,
        notation=Notation(tex=tex, html=html, level=level, operand=binds),
        **more,
    )


def _axis(default: int, help: str, **more: Any) -> Parameter:
    return Parameter(
        "axis", "axis", "int", default, minimum=-8, maximum=7, soft=(-4, 3), help=help, **more
    )


def _text(name: str, title: str, default: str, grammar: str, help: str) -> Parameter:
    return Parameter(name, title, "text", default, grammar=grammar, help=help)


SPECS = (
    _shaping(
        "reshape",
        "Reshape",
        r"\operatorname{ reshape}\left( {x}; {shape} \right)",
        "reshape({x}; {shape})",
        stem="reshaped",
        icon="mdi6.view-grid-plus-outline",
        parameters=(
            _text(
                "shape",
                "new shape",
                "-1",
                "shape",
                "Extents such as 3, -1, in row-major order; one may be -1, for what is left.",
            ),
        ),
        formula="x in another shape",
        summary=lambda p: f"to {p.get('shape')}",
        keywords=("shape", "flatten", "vector", "matrix", "view"),
    ),
    _shaping(
        "permute",
        "Permute axes",
        r"\operatorname{ permute}\left( {x}; {axes} \right)",
        "permute({x}; {axes})",
        stem="permuted",
        icon="mdi6.axis-arrow",
        parameters=(
            _text(
                "axes",
                "order",
                "0, 1, 3, 2",
                "order",
                "Which axis comes first, second, …, counted from 0; each once. 0, 1, 3, 2 "
                "exchanges height and width.",
            ),
        ),
        formula="x with its axes in another order",
        summary=lambda p: str(p.get("axes")),
        keywords=("transpose", "axes", "order", "swap"),
    ),
    _shaping(
        "sum_over",
        "Sum",
        r"\operatorname{ sum}_{{axes}}\left( {x} \right)",
        "sum<sub>{axes}</sub>({x})",
        stem="sums",
        icon="mdi6.sigma",
        parameters=(
            _text(
                "axes",
                "over axes",
                "-2, -1",
                "order",
                "The axes to sum over, from 0, or from -1 at the end. -2, -1 sums over height and "
                "width.",
            ),
            Parameter(
                "keepdim",
                "keep axes",
                "bool",
                False,
                quiet=True,
                help="Whether these axes stay, of one element each.",
            ),
        ),
        formula="Σ x over some axes",
        summary=lambda p: f"over {p.get('axes')}",
        keywords=("sum", "total", "mean", "average", "reduce", "budget"),
    ),
    _shaping(
        "broadcast_to",
        "Repeat",
        r"\operatorname{ repeat}\left( {x}; {shape} \right)",
        "repeat({x}; {shape})",
        stem="repeated",
        icon="mdi6.content-copy",
        parameters=(
            _text(
                "shape",
                "new shape",
                "1, 3, 64, 64",
                "shape",
                "Extents such as 5, 3, 64, 64; where x has one element along an axis, or lacks "
                "it at the front, its values are repeated.",
            ),
        ),
        formula="x again along axes of one element",
        summary=lambda p: f"to {p.get('shape')}",
        keywords=("broadcast", "expand", "tile", "copy", "frames", "batch"),
    ),
    _shaping(
        "index",
        "Pick",
        "{x}[{where}]",
        "{x}[{where}]",
        operand=2,
        form=Form.INDEX,
        stem="picked",
        icon="mdi6.code-brackets",
        parameters=(
            _text(
                "where",
                "what",
                "0",
                "index",
                "One entry an axis: a number picks one, 2:5 those from 2 to 4, ::2 every second, "
                "... stands for all axes between.",
            ),
        ),
        formula="x[i]",
        summary=lambda p: f"[{p.get('where')}]",
        keywords=("index", "slice", "part", "channel", "sample"),
    ),
    _shaping(
        "vstack",
        "Stack",
        r"\left[ {parts} \right]",
        "[{parts}]",
        inputs=(
            Port(
                "parts",
                "parts",
                PortType.EXPRESSION,
                multiple=True,
                also=DATA,
                help="Variables, operators or images, alike in shape but along the axis.",
            ),
        ),
        stem="stacked",
        icon="mdi6.layers-plus",
        parameters=(
            _axis(0, "Along which axis they come behind each other; -1 is the last.", quiet=True),
        ),
        formula="[a; b; …]",
        summary=lambda p: f"axis {p.get('axis')}",
        keywords=("concatenate", "vstack", "join", "behind each other"),
    ),
    _shaping(
        "split",
        "Piece",
        r"\operatorname{ piece}_{{piece}}\left( {x}; {sizes} \right)",
        "piece<sub>{piece}</sub>({x}; {sizes})",
        form=Form.PIECE,
        stem="piece",
        icon="mdi6.content-cut",
        parameters=(
            _text(
                "sizes",
                "pieces",
                "2",
                "pieces",
                "Into how many equal pieces x is cut, or how long each is: 2, 4.",
            ),
            _axis(-1, "Along which axis x is cut; -1 is the last."),
            Parameter(
                "piece",
                "which",
                "int",
                0,
                minimum=0,
                maximum=4096,
                soft=(0, 8),
                help="Which of the pieces, counted from 0.",
            ),
        ),
        formula="x = [piece 0; piece 1; …]",
        about="One of the pieces that an expression or an image is cut into along an axis; the "
        "opposite of a stack.\n\nA node for each piece that is needed.",
        summary=lambda p: f"{p.get('piece')} of {p.get('sizes')}",
        keywords=("split", "cut", "part", "unstack"),
    ),
)
