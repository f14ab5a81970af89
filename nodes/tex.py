"""TeX of notes as rich text: symbols, indices, powers, fractions, roots, norms, letters by name.

What is not known stays as it was typed, so that nobody loses a word.
"""

from __future__ import annotations

import re
from html import escape

from nodes.formula import LETTERS

__all__ = ["notes_html", "tex_html"]

_SYMBOLS = {
    "nabla": "∇", "partial": "∂", "sum": "∑", "prod": "∏", "int": "∫", "infty": "∞",
    "cdot": "·", "times": "×", "ast": "∗", "star": "⋆", "pm": "±", "circ": "∘",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "neq": "≠", "ne": "≠", "approx": "≈",
    "sim": "∼", "equiv": "≡", "propto": "∝", "in": "∈", "notin": "∉", "subset": "⊂",
    "to": "→", "rightarrow": "→", "leftarrow": "←", "mapsto": "↦", "Rightarrow": "⇒",
    "forall": "∀", "exists": "∃", "cup": "∪", "cap": "∩", "emptyset": "∅", "oplus": "⊕",
    "odot": "⊙", "otimes": "⊗", "langle": "⟨", "rangle": "⟩", "Vert": "‖", "vert": "|",
    "ldots": "…", "dots": "…", "cdots": "⋯", "dagger": "†", "top": "ᵀ", "ell": "ℓ", "hbar": "ℏ",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π",
    "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "varepsilon": "ε", "varphi": "φ",
    "quad": "&emsp;", "qquad": "&emsp;&emsp;", "square": "□", "lambda": "λ",
}  # fmt: skip
#: What stands between two others, with room around it.
_BETWEEN = {
    "cdot", "times", "ast", "star", "pm", "circ", "le", "leq", "ge", "geq", "neq", "ne", "approx",
    "sim", "equiv", "propto", "in", "notin", "subset", "to", "rightarrow", "leftarrow", "mapsto",
    "Rightarrow", "cup", "cap", "oplus", "odot", "otimes",
}  # fmt: skip
_WORDS = ("min", "max", "arg", "exp", "log", "sin", "cos", "prox", "sup", "inf", "det", "ln")
_UPRIGHT = ("mathrm", "text", "operatorname", "mathbf", "mathbb", "mathcal")
_SETS = {"R": "ℝ", "C": "ℂ", "N": "ℕ", "Z": "ℤ", "E": "𝔼"}
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "vec": "\u20d7", "dot": "\u0307"}
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}^_]|[A-Za-z]|\d+(?:\.\d+)?|\s+|.", re.S)
_INLINE = re.compile(r"\$\$(.+?)\$\$|\$(?!\s)([^$\n]+?)(?<!\s)\$", re.S)
_DEEPEST = 40


def notes_html(markdown: str) -> str:
    """Markdown in which every ``$…$`` and ``$$…$$`` is rich text."""

    def written(found: re.Match[str]) -> str:
        block = found[1] is not None
        html = tex_html(found[1] if block else found[2])
        # A number next to a dollar is money: "$5 and $6".
        return f"\n\n{html}\n\n" if block else html

    return _INLINE.sub(written, markdown)


def tex_html(tex: str) -> str:
    """A piece of TeX as rich text.

    Example:
        >>> tex_html(r"\\|k \\ast x - b\\|_2^2 + \\lambda \\|\\nabla x\\|_1")[:40]
        '‖<i>k</i> ∗ <i>x</i> − <i>b</i>‖<sub>2</'
    """
    return _Reader(tex).all()


class _Reader:
    def __init__(self, tex: str) -> None:
        self.tokens = _TOKEN.findall(tex.strip())
        self.at = 0
        self.depth = 0

    def all(self) -> str:
        pieces = []
        while self.at < len(self.tokens):
            pieces.append(self.piece())
        return re.sub(" {2,}", " ", "".join(pieces)).strip()

    def argument(self) -> str:
        """What a command or an index takes: a group in braces, or one token."""
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        return self.piece() if self.at < len(self.tokens) else ""

    def piece(self) -> str:
        token = self.tokens[self.at]
        self.at += 1
        if token == "{":
            return self.group()
        if token in ("^", "_"):
            tag = "sup" if token == "^" else "sub"
            return f"<{tag}>{self.argument()}</{tag}>"
        if token.startswith("\\"):
            return self.command(token[1:])
        if token.isspace():
            return " "
        if token.isalpha() and token.isascii():
            return f"<i>{token}</i>"
        if token in ("=", "<", ">", "+") and not self.depth:
            return f" {escape(token)} "
        return "−" if token == "-" else "" if token == "}" else escape(token)

    def group(self) -> str:
        pieces = []
        self.depth += 1
        while self.at < len(self.tokens) and self.tokens[self.at] != "}":
            if self.depth > _DEEPEST:
                break
            pieces.append(self.piece())
        self.depth -= 1
        self.at += 1
        return "".join(pieces)

    def command(self, name: str) -> str:
        if name[:1].isalpha() and self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1  # the space only ends the name
        if name in _SYMBOLS:
            return f" {_SYMBOLS[name]} " if name in _BETWEEN else _SYMBOLS[name]
        if name in LETTERS:
            return f"<i>{LETTERS[name]}</i>"
        if name in _WORDS:
            return f"{name} "
        if name in ("left", "right", "big", "Big", "displaystyle", "limits"):
            return ""
        if name == "frac":
            return f"{_wrapped(self.argument())}⁄{_wrapped(self.argument())}"
        if name == "sqrt":
            return f"√{_wrapped(self.argument())}"
        if name in _UPRIGHT:
            inner = re.sub(r"</?i>", "", self.argument())
            if name == "mathbb" and inner in _SETS:
                return _SETS[inner]
            return f"<b>{inner}</b>" if name == "mathbf" else inner
        if name in _ACCENTS:
            return re.sub(r"(\w)(?=(</i>)?$)", rf"\1{_ACCENTS[name]}", self.argument())
        known = {"|": "‖", ",": " ", ";": " ", " ": " ", "!": "", "\\": "<br>"}
        if name in known:
            return known[name]
        return escape(name) if len(name) == 1 else escape("\\" + name)


def _wrapped(html: str) -> str:
    """In parentheses, where it is more than one letter or number."""
    plain = re.sub(r"<[^>]+>", "", html)
    return html if len(plain) <= 1 or plain.isdigit() else f"({html})"
