"""Expressions as people write them in code, as TeX that mathtext and LaTeX both read."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence

__all__ = ["name_tex", "number_tex", "tex_of"]

_GREEK = frozenset(
    re.findall(
        r"\w+",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
        "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega",
    )
)

Template = Callable[[Sequence[str], dict[str, str]], str]


def _norm(index: str, power: str = "") -> Template:
    return lambda a, options: rf"\Vert {a[0]} \Vert_{{{index}}}{power}"


def _set(symbol: str) -> Template:
    return lambda a, options: rf"\iota_{{{symbol}}}\left({a[0]}\right)"


# What has a sign of its own. Arguments come without brackets; operators put them where needed.
_FUNCTIONS: dict[str, Template] = {
    "sum_squares": _norm("2", "^2"),
    "norm1": _norm("1"),
    "norm2": _norm("2"),
    "norm_inf": _norm(r"\infty"),
    "group_norm1": _norm("2,1"),
    "nuclear_norm": _norm(r"\ast"),
    "l0": _norm("0"),
    "weighted_norm1": lambda a, o: rf"\Vert {_factor(a[1])} \odot {_factor(a[0])} \Vert_{{1}}",
    "weighted_sum_squares": lambda a, o: rf"\Vert {a[0]} \Vert_{{{a[1]}}}^2",
    "quad_form": lambda a, o: rf"\Vert {a[0]} \Vert_{{{a[1]}}}^2",
    "linear": lambda a, o: rf"\langle {a[1] if len(a) > 1 else '1'}, {a[0]} \rangle",
    "nonneg": _set(r"\geq 0"),
    "box": lambda a, o: rf"\iota_{{[{a[1]}, {a[2]}]}}\left({a[0]}\right)",
    "equal": lambda a, o: rf"\iota_{{\{{{a[1] if len(a) > 1 else '0'}\}}}}\left({a[0]}\right)",
    "simplex": _set(r"\Delta"),
    "psd_cone": _set(r"\succeq 0"),
    "maximum": lambda a, o: rf"\max\left({a[0]}\right)",
}
_OPERATORS: dict[str, Template] = {
    "grad": lambda a, o: rf"\nabla {_factor(a[0])}",
    "laplacian": lambda a, o: rf"\Delta {_factor(a[0])}",
    "conv": lambda a, o: rf"{_factor(a[1])} \ast {_factor(a[0])}",
    "conv_doe": lambda a, o: rf"{_factor(a[1])} \ast {_factor(a[0])}",
    "mask": lambda a, o: rf"{_factor(a[1])} \odot {_factor(a[0])}",
    "mul_elementwise": lambda a, o: rf"{_factor(a[1])} \odot {_factor(a[0])}",
    "matrix": lambda a, o: rf"{_factor(a[1])}\, {_factor(a[0])}",
    "subsample": lambda a, o: rf"{_factor(a[0])} \downarrow_{{{a[1] if len(a) > 1 else '2'}}}",
    "fft": lambda a, o: rf"\mathcal{{F}}\, {_factor(a[0])}",
    "fourier_sampling": lambda a, o: (
        rf"{_factor(a[1])} \odot \mathcal{{F}} ({_factor(a[2])} \odot {_factor(a[0])})"
        if len(a) > 2
        else rf"{_factor(a[1])} \odot \mathcal{{F}}\, {_factor(a[0])}"
    ),
    "sum_over": lambda a, o: (
        rf"\sum_{{{o['axes']}}} {_factor(a[0])}" if "axes" in o else rf"\sum {_factor(a[0])}"
    ),
    "dct": lambda a, o: rf"\mathcal{{C}}\, {_factor(a[0])}",
    "wavelet": lambda a, o: rf"\mathcal{{W}}\, {_factor(a[0])}",
    "real": lambda a, o: rf"\mathrm{{Re}}\, {_factor(a[0])}",
    "imag": lambda a, o: rf"\mathrm{{Im}}\, {_factor(a[0])}",
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.LtE: r"\leq",
    ast.GtE: r"\geq",
    ast.Lt: "<",
    ast.Gt: ">",
    ast.Eq: "=",
}


def tex_of(text: str) -> str:
    """The TeX of an objective, a penalty or an expression written in the words of the language.

    Args:
        text: such as ``0.1*norm1(grad(x))``, or ``(x <= 1)`` for a constraint among penalties; what
            is no expression is set upright as it is.
    """
    try:
        body = ast.parse(text, mode="eval").body
        return _condition(body, _tex(body)) if text.startswith("(") else _tex(body)
    except (SyntaxError, ValueError, KeyError, IndexError, RecursionError):
        return _upright(text)


def name_tex(name: str) -> str:
    """A name: Greek letters by name, a trailing number as an index, longer words upright."""
    found = re.fullmatch(r"([A-Za-z]+?)_?(\d+)", name)
    stem, index = found.groups() if found else (name, "")
    if stem in _GREEK:
        shown = rf"\{stem}"
    else:
        shown = stem if len(stem) == 1 and stem.isascii() and stem.isalpha() else _upright(stem)
    return f"{shown}_{{{index}}}" if index else shown


def number_tex(value: complex) -> str:
    """A number with four digits, powers of ten written out."""
    if isinstance(value, complex):
        return rf"({number_tex(value.real)} + {number_tex(value.imag)} i)"
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    if mantissa in ("inf", "-inf", "nan"):
        return {"inf": r"\infty", "-inf": r"-\infty"}.get(mantissa, r"\mathrm{nan}")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def _upright(text: str) -> str:
    escaped = "".join(_ESCAPES.get(c, c if c.isascii() and c.isprintable() else "?") for c in text)
    return rf"\mathrm{{{escaped}}}"


_ESCAPES = {
    "_": r"\_",
    " ": r"\ ",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "%": r"\%",
    "#": r"\#",
    "&": "+",
    "\\": r"\backslash ",
    "^": r"\hat{\ }",
    "~": r"\sim ",
}


def _factor(shown: str) -> str:
    """In brackets where it is a sum or a product that would read otherwise."""
    depth = 0
    for place, sign in enumerate(shown):
        depth += (sign in "({[") - (sign in ")}]")
        if depth == 0 and place and sign == " " and not shown.startswith((r"\nabla", r"\Delta")):
            return rf"({shown})"
    return rf"({shown})" if shown.startswith("-") else shown


def _tex(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return r"\infty" if node.id == "inf" else name_tex(node.id)
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, (int, float, complex)) and not isinstance(value, bool):
            return number_tex(value)
        return _upright(str(value))
    if isinstance(node, ast.BinOp):
        return _binary(node)
    if isinstance(node, ast.UnaryOp):
        return f"-{_factor(_tex(node.operand))}"
    if isinstance(node, ast.Call):
        return _call(node)
    if isinstance(node, ast.Compare):
        parts = [_tex(node.left)]
        for comparison, right in zip(node.ops, node.comparators, strict=True):
            parts += [_COMPARISONS[type(comparison)], _tex(right)]
        return " ".join(parts)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return rf"{_factor(_tex(node.value))}^{{\top}}"
    if isinstance(node, (ast.List, ast.Tuple)):
        return rf"({', '.join(_tex(item) for item in node.elts)})"
    if isinstance(node, ast.Subscript):
        whole = _tex(node.value)
        # A name may have an index of its own, and anything longer is picked from as a whole.
        picked = f"{{{whole}}}" if isinstance(node.value, ast.Name) else f"({whole})"
        where = ast.unparse(node.slice).removeprefix("(").removesuffix(")")
        return rf"{picked}_{{{_upright(where)}}}"
    raise ValueError(type(node).__name__)


def _binary(node: ast.BinOp) -> str:
    left, right = _tex(node.left), _tex(node.right)
    left, right = _condition(node.left, left), _condition(node.right, right)
    if isinstance(node.op, ast.Add):
        return f"{left} + {right}"
    if isinstance(node.op, ast.Sub):
        sums = isinstance(node.right, ast.BinOp) and isinstance(node.right.op, (ast.Add, ast.Sub))
        return f"{left} - ({right})" if sums else f"{left} - {right}"
    if isinstance(node.op, ast.Div):
        return rf"\frac{{{left}}}{{{right}}}"
    if isinstance(node.op, (ast.Mult, ast.MatMult)):
        plain = isinstance(node.right, ast.Call)
        return rf"{_factor(left)}\, {right if plain else _factor(right)}"
    raise ValueError(type(node.op).__name__)


def _condition(node: ast.expr, shown: str) -> str:
    """A constraint among penalties: zero where it holds, infinity elsewhere."""
    return rf"\iota_{{\{{{shown}\}}}}" if isinstance(node, ast.Compare) else shown


def _call(node: ast.Call) -> str:
    arguments = [_tex(argument) for argument in node.args]
    if not isinstance(node.func, ast.Name):
        # A word of the compiler behind a term, such as "(norm)".
        return rf"{_tex(node.func)}\ ({', '.join(arguments)})"
    options = {held.arg or "": _tex(held.value) for held in node.keywords}
    template = _FUNCTIONS.get(node.func.id) or _OPERATORS.get(node.func.id)
    if template is not None:
        return template(arguments, options)
    shown = arguments + [f"{_upright(name)} = {value}" for name, value in options.items()]
    return rf"{_upright(node.func.id)}({', '.join(shown)})"
