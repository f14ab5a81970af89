"""The objective of a document as mathematics, every part linked to its node."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from nodes.analysis import Analysis
from nodes.document import Document, Node
from nodes.flatten import meant
from nodes.parameter import Json, number_text
from nodes.spec import Form, NodeSpec, PortType

__all__ = ["Formula", "objective"]

Run = tuple[str | None, str]

_SLOT = re.compile(r"\{(\w+)\}")
# An operator on nothing shows an empty box, so that the formula grows with the graph.
_OPEN_TEX, _OPEN_HTML = r"\square", "□"
# Nobody reads a formula nested deeper than this, and Python's stack ends somewhere.
_DEEPEST = 50
_GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau"
_GREEK += " phi chi psi omega"
LETTERS = dict(
    zip(_GREEK.split(), "αβγδεζηθικλμνξπρστφχψω", strict=True),
)


@dataclass(frozen=True)
class Formula:
    """An objective in three forms.

    Attributes:
        tex: for documents.
        html: one line of rich text for the screen.
        parts: the html cut into runs, each with the id of the node it comes from, or None;
            joined they are the html, and each is well-formed by itself.
    """

    tex: str = ""
    html: str = ""
    parts: tuple[Run, ...] = ()

    @property
    def text(self) -> str:
        """The html without its tags, for accessible names and for the terminal."""
        plain = re.sub(r"<sup>2</sup>", "²", self.html)
        plain = re.sub(r"<sub>1</sub>", "₁", plain)
        plain = re.sub(r"<su[bp]>(.*?)</su[bp]>", r"\1", plain)
        plain = re.sub(r"<[^>]*>", "", plain).replace("&nbsp;", " ")
        for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
            plain = plain.replace(entity, character)
        return plain


@dataclass
class _Math:
    """A piece of mathematics in both notations; ``level`` as in ``Notation``."""

    tex: str
    runs: list[Run] = field(default_factory=list)
    level: int = 2

    def in_parentheses(self, owner: str | None) -> _Math:
        return _Math(rf"\left( {self.tex} \right)", [(owner, "("), *self.runs, (owner, ")")])


def objective(document: Document) -> Formula:
    """What the document minimizes; an empty formula while there is no problem.

    The problem shown is the first that is wired into a solver, else the first there is.

    Example:
        >>> from nodes.files import load
        >>> objective(load("example:deconvolution")).text
        'minimize over x: ‖kernel ∗ x − observed‖² + 0.01 ‖∇x‖₁ subject to x ≥ 0'
    """
    document = meant(document)
    analysis = Analysis.of(document)
    found = [
        node
        for node in document.nodes
        if (spec := analysis.specs.get(node.id)) is not None and spec.form is Form.PROBLEM
    ]
    if not found:
        return _program(document, analysis)
    solved = [node for node in found if document.wires_out_of(node.id)]
    return _Writer(analysis).formula((solved or found)[0])


def _program(document: Document, analysis: Analysis) -> Formula:
    """The linear program that a node brings along whole, in letters."""
    found = [
        node
        for node in document.nodes
        if (spec := analysis.specs.get(node.id)) is not None
        and any(port.type is PortType.PROGRAM for port in spec.outputs)
    ]
    if not found:
        return Formula()
    node = next((n for n in found if document.wires_out_of(n.id)), found[0])
    html = "minimize over <i>x</i>: <i>c</i> · <i>x</i> subject to "
    html += "<i>l</i> ≤ <i>A x</i> ≤ <i>u</i>, <i>x</i><sub>min</sub> ≤ <i>x</i> ≤ "
    html += "<i>x</i><sub>max</sub>"
    tex = r"\min_{x} \; c^\top x \quad \text{subject to} \quad "
    tex += r"l \le A x \le u, \; x_{\min} \le x \le x_{\max}"
    html += f" &nbsp;({escape(node.name)})"
    return Formula(tex, html, ((node.id, html),))


class _Writer:
    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.document = analysis.document
        self.depth = self.deepest = 0

    def formula(self, problem: Node) -> Formula:
        penalties: list[_Math] = []
        constraints: list[_Math] = []
        for wire in self.document.wires_into(problem.id, "terms"):
            term = self.document.get(wire.source)
            spec = self.analysis.specs.get(wire.source)
            if term is None or spec is None:
                continue
            constraint = spec.category == "constraints"
            (constraints if constraint else penalties).append(self.write(term))
        over = [n for n in self.document.nodes if n.id in self.variables(problem)]
        names = [self.named(node) for node in over]
        owner = problem.id
        runs: list[Run] = [(owner, "minimize" if penalties or not constraints else "find")]
        if names:
            runs += [(owner, " over " if penalties or not constraints else " ")]
            runs += _joined(names, (owner, ", "))
        body: list[Run] = _joined(penalties, (owner, " + "))
        if not penalties and not constraints:
            body = [(owner, _OPEN_HTML)]
        if body:
            runs += [(owner, ": "), *body]
        if constraints:
            runs += [(owner, " subject to "), *_joined(constraints, (owner, ", "))]
        parts = _merged(runs)
        return Formula(
            self.tex(names, penalties, constraints), "".join(html for _, html in parts), parts
        )

    def tex(
        self, names: Sequence[_Math], penalties: Sequence[_Math], constraints: Sequence[_Math]
    ) -> str:
        under = ", ".join(math.tex for math in names)
        head = rf"\min_{{{under}}}" if under else r"\min"
        body = " + ".join(math.tex for math in penalties)
        if not body:
            body = "0" if constraints else _OPEN_TEX
        text = rf"{head} \; {body}"
        if constraints:
            text += r" \quad \text{subject to} \quad " + ", ".join(m.tex for m in constraints)
        return text

    def variables(self, problem: Node) -> frozenset[str]:
        return self.analysis.variables.get(problem.id, frozenset())

    def write(self, node: Node) -> _Math:
        """A node as mathematics, once for every state of it and of what it depends on."""
        if node.id in self.analysis.looped or self.depth > _DEEPEST:
            self.deepest = max(self.deepest, self.depth)
            return _Math(_OPEN_TEX, [(node.id, _OPEN_HTML)])
        facts = self.analysis.cones[node.id].facts
        high, known = facts.get("math", (0, None))
        if known is None or self.depth + high > _DEEPEST:
            outer, self.deepest = self.deepest, self.depth
            known = self.written(node)
            high = self.deepest - self.depth
            if self.deepest <= _DEEPEST:  # else it ends in boxes, which depend on where it stands
                facts["math"] = (high, known)
            self.deepest = max(outer, self.deepest)
        else:
            self.deepest = max(self.deepest, self.depth + high)
        return known

    def written(self, node: Node) -> _Math:
        """A node as mathematics: data by name, everything else by its notation."""
        spec = self.analysis.specs.get(node.id)
        carried = set(self.analysis.types.get(node.id, {}).values())
        if spec is None or spec.notation is None or carried <= {PortType.IMAGE, PortType.ARRAY}:
            return self.named(node)
        values = self.analysis.values[node.id]
        slots = {port.name: self.operand(node, spec, port.name) for port in spec.inputs}
        slots |= {p.name: _number(node, values[p.name]) for p in spec.parameters}
        slots["name"] = self.named(node)
        if "weight" in slots:
            weight = slots["weight"]
            one = values["weight"] == 1
            weight.tex += r" \, "
            weight.runs.append((node.id, " "))
            slots["weight"] = _Math("") if one else weight
        if spec.input("target") is not None:
            wired = self.document.wires_into(node.id, "target")
            target = slots["target"]
            minus = _Math(" - " + target.tex, [(node.id, " − "), *target.runs])
            slots["target"] = minus if wired else _Math("")
        level = spec.notation.level
        factor = values.get("factor")
        if isinstance(factor, int | float) and factor < 0:
            level = 0
        tex = _SLOT.sub(lambda m: slots[m[1]].tex, spec.notation.tex)
        return _Math(tex, self.fill(node, spec.notation.html, slots), level)

    def fill(self, node: Node, template: str, slots: dict[str, _Math]) -> list[Run]:
        runs: list[Run] = []
        # Every second piece is the name of a slot.
        for index, piece in enumerate(_SLOT.split(template)):
            if index % 2:
                runs += slots[piece].runs
            elif piece:
                runs.append((node.id, piece))
        return runs

    def operand(self, node: Node, spec: NodeSpec, port: str) -> _Math:
        known = spec.input(port)
        wires = self.document.wires_into(node.id, port)
        if known is not None and known.multiple and len(wires) > 1:
            parts = [self.single(node, spec, port, self.document.get(w.source)) for w in wires]
            runs = _joined(parts, (node.id, "; "))
            return _Math(r" \, ; \, ".join(part.tex for part in parts), runs)
        return self.single(node, spec, port, self.analysis.source(node.id, port))

    def single(self, node: Node, spec: NodeSpec, port: str, source: Node | None) -> _Math:
        known = spec.input(port)
        if source is None and known is not None and known.unwired:
            return _Math(known.unwired, [(node.id, known.unwired)])
        if source is None or spec.notation is None:
            return _Math(_OPEN_TEX, [(node.id, _OPEN_HTML)])
        self.depth += 1
        math = self.write(source)
        self.depth -= 1
        needed = spec.notation.operand
        if spec.form is Form.INFIX and port == spec.inputs[-1].name:
            needed = 1
        return math.in_parentheses(node.id) if math.level < needed else math

    def named(self, node: Node) -> _Math:
        tex, html = _symbol(node.name)
        return _Math(tex, [(node.id, html)])


def _symbol(name: str) -> tuple[str, str]:
    """A node's name as a symbol: x in italics, x2 with an index, words upright."""
    found = re.fullmatch(r"(\w*?[^\W\d_])_?(\d*)", name)
    stem, index = (found[1], found[2]) if found else (name, "")
    if len(stem) == 1:
        tex, html = stem, f"<i>{escape(stem)}</i>"
    elif stem in LETTERS:
        tex, html = "\\" + stem, f"<i>{LETTERS[stem]}</i>"
    else:
        tex, html = r"\mathrm{" + name.replace("_", r"\_") + "}", escape(name)
        index = ""
    if index:
        tex, html = f"{tex}_{{{index}}}", f"{html}<sub>{index}</sub>"
    return tex, html


def _number(node: Node, value: Json) -> _Math:
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = "?" if value is None else str(value)
        plain = re.sub(r"[^\w .,:;-]", "", text)
        return _Math(r"\mathrm{" + plain.replace("_", r"\_") + "}", [(node.id, escape(text))])
    text = number_text(value).replace("inf", "∞")
    mantissa, _, exponent = text.partition("e")
    mantissa = mantissa.replace("-", "−")
    if not exponent:
        return _Math(text.replace("∞", r"\infty"), [(node.id, mantissa)])
    power = f"10<sup>{exponent.replace('-', '−')}</sup>"
    if mantissa == "1":
        return _Math(f"10^{{{exponent}}}", [(node.id, power)])
    tex = mantissa.replace("−", "-") + rf" \cdot 10^{{{exponent}}}"
    return _Math(tex, [(node.id, f"{mantissa}·{power}")])


def _joined(pieces: Sequence[_Math], between: Run) -> list[Run]:
    runs: list[Run] = []
    for index, piece in enumerate(pieces):
        runs += [between] if index else []
        runs += piece.runs
    return runs


def _merged(runs: Sequence[Run]) -> tuple[Run, ...]:
    merged: list[tuple[str | None, list[str]]] = []
    for owner, html in runs:
        if merged and merged[-1][0] == owner:
            merged[-1][1].append(html)
        elif html:
            merged.append((owner, [html]))
    return tuple((owner, "".join(pieces)) for owner, pieces in merged)
