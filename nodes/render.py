"""One node as a piece of script."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from nodes.analysis import Analysis
from nodes.code import Call, Items, Name, Part, Piece, Product, Sum, quote
from nodes.document import Node, Wire
from nodes.grammars import GRAMMARS, numbers
from nodes.names import is_automatic
from nodes.parameter import Json, Parameter
from nodes.spec import Form, NodeSpec, Port, PortType

__all__ = ["Renderer", "literal"]

_MISSING = Name("…")
_INTO = (Form.CALL, Form.INFIX, Form.SCALE, Form.PENALTY, Form.INDEX, Form.PIECE)


def literal(parameter: Parameter, value: Json) -> str:
    """A parameter's value as source text."""
    if isinstance(value, str):
        if parameter.grammar:
            try:
                return GRAMMARS[parameter.grammar].source(value)
            except ValueError:
                return quote(value)  # shown in a comment, beside what is wrong with it
        return parameter.literals.get(value, quote(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        if parameter.kind == "int" and float(value).is_integer():
            return repr(int(value))
        text = repr(float(value)) if parameter.kind == "float" else repr(value)
        # 1e-5 and 1e16, as the formatter leaves them and a person writes them.
        return re.sub(r"e\+?(-?)0*", r"e\1", text)
    return repr(value)


def _items(values: Sequence[float] | Sequence[Sequence[float]]) -> Items:
    return Items([Name(repr(v)) if isinstance(v, float) else _items(v) for v in values])


def _same(old: Sequence[tuple[str, Piece]], new: Sequence[tuple[str, Piece]]) -> bool:
    if not old and not new:
        return True
    return len(old) == len(new) and all(
        one[0] == other[0] and one[1] is other[1] for one, other in zip(old, new, strict=True)
    )


class Renderer:
    """Turns nodes into pieces.

    Attributes:
        inlined: the nodes that are written inside their consumer.
        way: what relative input paths are put behind, because the script lies elsewhere.
    """

    def __init__(self, analysis: Analysis, way: Path | None = None) -> None:
        self.analysis = analysis
        self.document = analysis.document
        self.inlined: set[str] = set()
        self._made: dict[str, Piece] = {}
        self.way = way
        self._forms: dict[Form, Callable[[Node, NodeSpec], Piece]] = {
            Form.CALL: self._call,
            Form.VARIABLE: self._variable,
            Form.INFIX: self._infix,
            Form.SCALE: self._scale,
            Form.INDEX: self._index,
            Form.PIECE: self._piece,
            Form.PENALTY: self._penalty,
            Form.RECOVERED: self._recovered,
            Form.PROBLEM: self._problem,
            Form.SOLVE: self._solve,
            Form.VIEW: self._view,
        }

    def statement(self, node_id: str) -> tuple[str, Piece]:
        """A node's own statement: its target ("" for none) and what is assigned."""
        spec = self.analysis.specs[node_id]
        target = "" if spec.form is Form.VIEW else self.document.node(node_id).name
        return target, self.piece(node_id)

    def piece(self, node_id: str) -> Piece:
        """A node written out; the same object as long as it is written alike."""
        made = self._made.get(node_id)
        if made is None:
            made = self._made[node_id] = self._piece_of(node_id)
        return made

    def forget(self) -> None:
        """Other nodes are inlined now."""
        self._made = {}

    def _piece_of(self, node_id: str) -> Piece:
        spec, cone = self.analysis.specs[node_id], self.analysis.cones.get(node_id)
        if cone is None or spec.form is Form.VIEW:  # a view's file has a name of its own
            return self._forms[spec.form](self.document.node(node_id), spec)
        inside = [(n, self.piece(n)) for n in cone.sources if n in self.inlined]
        known = cone.facts.get("piece")
        if known is not None and known[0] == self.way and _same(known[1], inside):
            found: Piece = known[2]
            return found
        made = self._forms[spec.form](self.document.node(node_id), spec)
        cone.facts["piece"] = (self.way, inside, made)
        return made

    def may_inline(self) -> set[str]:
        """The nodes that may be written inside their consumer: operators nobody named."""
        document, incomplete = self.document, self.analysis.incomplete
        structure, found = document.kept.get("inlined", (None, {}))
        if structure != document.structure:
            found = {n: c for n in self.analysis.specs if (c := self._consumer(n)) is not None}
            document.kept["inlined"] = (document.structure, found)
        return {n for n, into in found.items() if into not in incomplete and n not in incomplete}

    def _consumer(self, node_id: str) -> str | None:
        """The one node inside which a node may be written, as far as types and wires tell."""
        node, spec = self.document.node(node_id), self.analysis.specs[node_id]
        if not spec.inline or not is_automatic(node.name, spec.stem):
            return None
        wires = self.document.wires_out_of(node_id)
        if len(wires) != 1:
            return None
        # Of one unknown alone a solution is written so itself, without a node.
        if spec.form is Form.RECOVERED and self._has_one_unknown(node):
            return None
        consumer = self.analysis.specs.get(wires[0].target)
        if consumer is None:
            return None
        port = consumer.input(wires[0].input)
        into = consumer.form in _INTO
        into = into or (spec.form is Form.RECOVERED and consumer.form is Form.VIEW)
        return wires[0].target if into and port is not None and port.attribute is None else None

    def _has_one_unknown(self, node: Node) -> bool:
        wire = self.analysis.wire(node.id, "solution")
        return wire is None or len(self.analysis.variables.get(wire.source, ())) < 2

    def inside(self, node_id: str) -> Sequence[str]:
        """The nodes wired straight into a node."""
        cone = self.analysis.cones.get(node_id)
        if cone is not None:
            return cone.sources
        return [wire.source for wire in self.document.wires_into(node_id)]

    def _value(self, node: Node, port: Port) -> Piece:
        wire = self.analysis.wire(node.id, port.name)
        return self._end(wire, port)

    def _end(self, wire: Wire | None, port: Port) -> Piece:
        source = self.document.get(wire.source) if wire else None
        if wire is None or source is None:
            return _MISSING
        if source.id in self.inlined:
            return self.piece(source.id)
        if self.analysis.carried(wire) is PortType.SOLUTION and port.type is not PortType.SOLUTION:
            found = sorted(self.analysis.variables.get(source.id, ()))
            index = self.document.node(found[0]).name if len(found) == 1 else "…"
            return Name(
                f"{source.name}[{index}]" + (f".{port.attribute}" if port.attribute else "")
            )
        return Name(source.name + (f".{port.attribute}" if port.attribute else ""))

    def _wired(self, node: Node, spec: NodeSpec) -> list[tuple[str | None, Piece]]:
        arguments: list[tuple[str | None, Piece]] = []
        for port in spec.inputs:
            wires = self.document.wires_into(node.id, port.name)
            if port.multiple and spec.form is not Form.PROBLEM:
                arguments.append((port.keyword, self._list(node, spec, port)))
            elif not port.optional or wires:
                arguments.append((port.keyword, self._value(node, port)))
        return arguments

    def _list(self, node: Node, spec: NodeSpec, port: Port) -> Items:
        wires = self.document.wires_into(node.id, port.name)
        if not wires and port.optional:
            # One nothing for each piece of the list beside it.
            count = len(self.document.wires_into(node.id, spec.inputs[1].name))
            return Items([Name("None")] * count)
        return Items([self._end(wire, port) for wire in wires] or [_MISSING])

    def _set(self, node: Node, spec: NodeSpec, *but: str) -> list[tuple[str | None, Piece]]:
        arguments: list[tuple[str | None, Piece]] = []
        for parameter in spec.parameters:
            value = node.parameters.get(parameter.name, parameter.default)
            if parameter.name in but or (parameter.quiet and value == parameter.default):
                continue
            if parameter.grammar == "numbers" and parameter.validate(value) is None:
                arguments.append((None, _items(numbers(str(value)))))
            elif parameter.kind != "path":
                arguments.append((parameter.name, Name(literal(parameter, value))))
            elif value is None:
                arguments.append((parameter.name, Name("None")))
            else:
                # The file that a node is about comes first and needs no name.
                keyword = None if parameter is spec.parameters[0] else parameter.name
                arguments.append((keyword, Name(quote(self._path(value)))))
        return arguments

    def _path(self, value: Json) -> str:
        text = str(value)
        if text.startswith("sample:") or self.way is None:
            return text
        if PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute():
            return text
        return (self.way / text).as_posix()

    def _call(self, node: Node, spec: NodeSpec) -> Piece:
        arguments = [*self._wired(node, spec), *self._set(node, spec)]
        return Call(f"dp.{spec.function}", arguments, node.id)

    def _variable(self, node: Node, spec: NodeSpec) -> Piece:
        name = (None, Name(quote(node.name)))
        arguments = [name, *self._wired(node, spec), *self._set(node, spec)]
        return Call(f"dp.{spec.function}", arguments, node.id)

    def _infix(self, node: Node, spec: NodeSpec) -> Piece:
        operands = [self._value(node, port) for port in spec.inputs]
        return Sum(operands, [spec.constants["operator"]], node.id)

    def _scale(self, node: Node, spec: NodeSpec) -> Piece:
        factor = spec.parameters[0]
        text = literal(factor, node.values[factor.name])
        return Product(text, self._value(node, spec.inputs[0]), node.id)

    def _index(self, node: Node, spec: NodeSpec) -> Piece:
        where = spec.parameters[0]
        picked = literal(where, node.values[where.name])
        return Part(self._value(node, spec.inputs[0]), picked, node.id)

    def _piece(self, node: Node, spec: NodeSpec) -> Piece:
        arguments = [*self._wired(node, spec), *self._set(node, spec, "piece")]
        call = Call(f"dp.{spec.function}", arguments)
        return Part(call, literal(spec.parameters[-1], node.values["piece"]), node.id)

    def _penalty(self, node: Node, spec: NodeSpec) -> Piece:
        inner = self._value(node, spec.inputs[0])
        others: list[tuple[str | None, Piece]] = []
        for port in spec.inputs[1:]:
            wired = self.document.wires_into(node.id, port.name)
            if port.multiple:
                others.append((port.keyword, self._list(node, spec, port)))
            elif port.name != "target":
                if wired or not port.optional:
                    others.append((port.keyword, self._value(node, port)))
            elif wired:
                inner = Sum([inner, self._value(node, port)], ["-"])
        arguments = [(None, inner), *others, *self._set(node, spec, "weight")]
        weight = spec.parameter("weight")
        value = node.values.get("weight")
        if weight is None or value == 1:
            return Call(f"dp.{spec.function}", arguments, node.id)
        call = Call(f"dp.{spec.function}", arguments)
        return Product(literal(weight, value), call, node.id)

    def _recovered(self, node: Node, spec: NodeSpec) -> Piece:
        solution, variable = (self._value(node, port) for port in spec.inputs)
        index = variable.text if isinstance(variable, Name) else "…"
        return Part(solution, index, node.id)

    def _problem(self, node: Node, spec: NodeSpec) -> Piece:
        port = spec.inputs[0]
        wires = self.document.wires_into(node.id, port.name)
        terms = [self._end(wire, port) for wire in wires] or [_MISSING]
        inner = terms[0] if len(terms) == 1 else Sum(terms, ["+"] * (len(terms) - 1))
        return Call(f"dp.{spec.function}", [(None, inner)], node.id)

    def _solve(self, node: Node, spec: NodeSpec) -> Piece:
        (_, problem), *wired = self._wired(node, spec)
        assert isinstance(problem, Name)
        start = [a for a in wired if a[0] == "x0"]
        rest = [a for a in wired if a[0] != "x0"]
        method = ("method", Name(quote(spec.constants["method"])))
        arguments = [method, *start, *self._set(node, spec), *rest]
        return Call(f"{problem.text}.solve", arguments, node.id)

    def _view(self, node: Node, spec: NodeSpec) -> Piece:
        file = Name(quote(self.analysis.pictures[node.id] + ".png"))
        shown = self._set(node, spec, "label")
        arguments: list[tuple[str | None, Piece]] = [(None, file), *self._wired(node, spec), *shown]
        return Call(f"dp.{spec.function}", arguments, node.id)
