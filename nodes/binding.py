"""Expressions of a script → nodes and wires."""

from __future__ import annotations

import ast
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nodes.analysis import Analysis
from nodes.catalogue import CATALOGUE
from nodes.document import Document, Node, Wire
from nodes.errors import ImportScriptError
from nodes.literals import choice_of, is_none, literal_of, number_of, refusal, short
from nodes.names import free_name, is_automatic, name_problem
from nodes.parameter import Json, Parameter
from nodes.spec import Form, NodeSpec, Port, PortType
from nodes.types import can_connect, output_types

__all__ = ["Binder", "Ref", "Terms", "Value"]

_CALLED = (Form.CALL, Form.VARIABLE, Form.PENALTY, Form.PROBLEM, Form.VIEW)
_FUNCTIONS: Mapping[str, NodeSpec] = {
    spec.function: spec for spec in CATALOGUE.values() if spec.form in _CALLED
}
_SOLVERS: Mapping[str, NodeSpec] = {
    spec.constants["method"]: spec for spec in CATALOGUE.values() if spec.form is Form.SOLVE
}
_SYMBOLS = {ast.Add: "add", ast.Sub: "subtract"}
_PICTURE = ".png"


@dataclass(frozen=True)
class Ref:
    """What an output of a node gives; no output for a view."""

    node: str
    output: str


@dataclass(frozen=True)
class Terms:
    """A sum of terms."""

    terms: tuple[Ref, ...]


Value = Ref | Terms


class Binder:
    """Makes the nodes of one script.

    Attributes:
        document: where they go.
        values: what the names of the script stand for so far.
        taken: names that automatic ones must avoid.
        alias: what the script calls the library; empty before it is imported.
    """

    def __init__(self, document: Document, values: dict[str, Value], taken: set[str]) -> None:
        self.document = document
        self.values = values
        self.taken = set(taken)
        self.alias = ""
        self._types: dict[str, dict[str, PortType]] = {}

    def value(self, expression: ast.expr, name: str | None) -> Value:
        """What an expression gives; the node it makes, if any, takes the name.

        Raises:
            ImportScriptError: no node says this.
        """
        match expression:
            case ast.Name(id=known):
                if known not in self.values:
                    raise refusal(f"{known} has no value yet.", expression)
                return self.values[known]
            case ast.Call(func=ast.Attribute(value=owner, attr="solve")):
                return self._solve(expression, owner, name)
            case ast.Call():
                return self._call(expression, self._spec(expression), name)
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                factor, other = (left, right) if number_of(left) is not None else (right, left)
                return self._product(expression, number_of(factor), other, name)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                divisor = number_of(right)
                if divisor == 0:
                    raise refusal("this divides by zero.", expression)
                factor_value = None if divisor is None else 1 / divisor
                return self._product(expression, factor_value, left, name)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as operator, right=right):
                return self._sum(expression, left, operator, right, name)
            case ast.UnaryOp(op=ast.USub(), operand=operand) if number_of(operand) is None:
                return self._product(expression, -1.0, operand, name)
            case ast.Subscript(value=solver, slice=ast.Name(id=variable)):
                return self._recovered(expression, solver, variable)
        raise refusal(f"“{short(expression)}” is nothing that a node can say.", expression)

    def _spec(self, call: ast.Call) -> NodeSpec:
        match call.func:
            case ast.Attribute(value=ast.Name(id=alias), attr=function) if alias == self.alias:
                if function in _FUNCTIONS:
                    return _FUNCTIONS[function]
                raise refusal(f"there is no node for {alias}.{function}.", call)
        if not self.alias:
            raise refusal("“import dprox_core as dp” is missing before this line.", call)
        raise refusal(
            f"“{short(call.func)}” is not a function of the library: only {self.alias}.… has "
            "nodes.",
            call,
        )

    def _product(
        self, expression: ast.expr, factor: float | None, other: ast.expr, name: str | None
    ) -> Value:
        if factor is None:
            raise refusal(
                "a product needs a number on one side; for two images use mul_elementwise.",
                expression,
            )
        if isinstance(other, ast.Call) and not _is_solve(other):
            spec = self._spec(other)
            if spec.form is Form.PENALTY:
                if spec.parameter("weight") is None:
                    raise refusal(f"{spec.function} is a constraint and has no weight.", other)
                made = self._call(other, spec, name)
                assert isinstance(made, Ref)
                node = self.document.node(made.node)
                parameters = {**node.parameters, "weight": factor}
                self.document.replace_node(replace(node, parameters=parameters))
                return made
        operand = self.value(other, None)
        self._forbid_terms(operand, expression, "give a term its weight where it is made.")
        spec = CATALOGUE["scale"]
        made = self._make(spec, name, {"factor": factor}, expression)
        self._wire(operand, made, spec.inputs[0], expression)
        return made

    def _sum(
        self,
        expression: ast.expr,
        left: ast.expr,
        operator: ast.operator,
        right: ast.expr,
        name: str | None,
    ) -> Value:
        first, second = self.value(left, None), self.value(right, None)
        terms = [self._is_term(value) for value in (first, second)]
        if all(terms) and isinstance(operator, ast.Add):
            return Terms((*_flatten(first), *_flatten(second)))
        if any(terms):
            raise refusal("a term can only be added to other terms.", expression)
        return self._infix(expression, first, operator, second, name)

    def _infix(
        self,
        expression: ast.expr,
        first: Value,
        operator: ast.operator,
        second: Value,
        name: str | None,
    ) -> Ref:
        spec = CATALOGUE[_SYMBOLS[type(operator)]]
        made = self._make(spec, name, {}, expression)
        for port, value in zip(spec.inputs, (first, second), strict=True):
            self._wire(value, made, port, expression)
        return made

    def _recovered(self, expression: ast.expr, solver: ast.expr, variable: str) -> Ref:
        found = self.value(solver, None)
        if not isinstance(found, Ref) or self._carried(found) is not PortType.SOLUTION:
            raise refusal("only the result of a solve can be indexed.", expression)
        known = Analysis(self.document).variables.get(found.node, frozenset())
        names = [self.document.node(node).name for node in known]
        if names != [variable]:
            raise refusal(
                f"{variable} is not the variable that this result was solved for.", expression
            )
        return found

    def _call(self, call: ast.Call, spec: NodeSpec, name: str | None) -> Value:
        if spec.form is Form.PROBLEM:
            return self._problem(call, spec, name)
        ports, parameters = self._arguments(call, spec)
        if spec.form is Form.VARIABLE:
            written = ports.pop("name", None)
            if not isinstance(written, ast.Constant) or written.value != name:
                raise refusal(
                    "a variable is called by the name it is assigned to: write "
                    f'{name or "x"} = {self.alias}.Variable("{name or "x"}", …).',
                    call,
                )
        if spec.form is Form.VIEW:
            return self._view(call, spec, ports, parameters)
        if spec.form is Form.PENALTY and spec.parameter("weight") is not None:
            parameters["weight"] = 1.0  # a term without a factor; nodes start with another
        wires = self._sources(spec, ports)
        made = self._make(spec, name, parameters, call)
        for port, value, place in wires:
            self._wire(value, made, port, place)
        return made

    def _arguments(
        self, call: ast.Call, spec: NodeSpec
    ) -> tuple[dict[str, ast.expr], dict[str, Json]]:
        """The arguments of a call, sorted into ports (by port name) and parameters."""
        ports: dict[str, ast.expr] = {}
        parameters: dict[str, Json] = {}
        order: list[Port | Parameter | str] = [*spec.inputs]
        order += [p for p in spec.parameters if p.name not in ("weight", "label")]
        if spec.form is Form.VARIABLE:
            order.insert(0, "name")
        elif spec.form is Form.VIEW:
            order.insert(0, "path")
        slots = {slot if isinstance(slot, str) else _argument(slot): slot for slot in order}
        if len(call.args) > len(order):
            raise refusal(f"{spec.function} takes at most {len(order)} arguments.", call)
        given = list(zip(order, call.args, strict=False))
        for keyword in call.keywords:
            if keyword.arg is None or keyword.arg not in slots:
                known = ", ".join(slots)
                raise refusal(
                    f"{spec.function} has no argument {keyword.arg or '**'} that a node could "
                    f"hold; there are {known}.",
                    call,
                )
            given.append((slots[keyword.arg], keyword.value))
        for slot, expression in given:
            if isinstance(slot, Parameter):
                parameters[slot.name] = choice_of(slot, literal_of(expression, slot.name), call)
            else:
                ports[slot if isinstance(slot, str) else slot.name] = expression
        return ports, parameters

    def _sources(
        self, spec: NodeSpec, ports: Mapping[str, ast.expr]
    ) -> list[tuple[Port, Value, ast.expr]]:
        found: list[tuple[Port, Value, ast.expr]] = []
        for port in spec.inputs:
            expression = ports.get(port.name)
            if expression is None or (is_none(expression) and port.optional):
                continue
            if port.attribute is not None:
                match expression:
                    case ast.Attribute(value=owner, attr=attribute) if attribute == port.attribute:
                        found.append((port, self.value(owner, None), expression))
                        continue
                raise refusal(
                    f"{spec.function} takes NAME.{port.attribute} here, the {port.attribute} of an "
                    "image of the script.",
                    expression,
                )
            target = spec.input("target")
            match expression:
                case ast.BinOp(left=left, op=ast.Sub() as operator, right=right) if (
                    target is not None and port is not target and "target" not in ports
                ):
                    # ‖e − b‖²: what is subtracted is the target where it is data.
                    first, second = self.value(left, None), self.value(right, None)
                    data = self._carried(second) not in (PortType.EXPRESSION, None)
                    if data and self._carried(first) is PortType.EXPRESSION:
                        found += [(port, first, left), (target, second, right)]
                    else:
                        made = self._infix(expression, first, operator, second, None)
                        found.append((port, made, expression))
                case _:
                    found.append((port, self.value(expression, None), expression))
        return found

    def _problem(self, call: ast.Call, spec: NodeSpec, name: str | None) -> Value:
        parts = [*call.args, *(k.value for k in call.keywords if k.arg == "constraints")]
        others = [k.arg for k in call.keywords if k.arg != "constraints"]
        if not 1 <= len(parts) <= 2 or others:
            raise refusal("a problem takes a sum of terms, and a list of constraints.", call)
        terms = list(_flatten(self.value(parts[0], None)))
        if len(parts) == 2:
            if not isinstance(parts[1], ast.List | ast.Tuple):
                raise refusal("the constraints of a problem are written as a list.", call)
            for element in parts[1].elts:
                terms += _flatten(self.value(element, None))
        made = self._make(spec, name, {}, call)
        for term in terms:
            self._wire(term, made, spec.inputs[0], call)
        return made

    def _solve(self, call: ast.Call, owner: ast.expr, name: str | None) -> Value:
        keywords = {k.arg or "**": k.value for k in call.keywords}
        if call.args:
            keywords = {"method": call.args[0], **keywords}
        if len(call.args) > 1:
            raise refusal("write the arguments of solve with their names.", call)
        method = literal_of(keywords.pop("method"), "method") if "method" in keywords else "admm"
        spec = _SOLVERS.get(str(method))
        if spec is None:
            known = ", ".join(_SOLVERS)
            raise refusal(f'there is no node for the method "{method}"; there are {known}.', call)
        problem = self.value(owner, None)
        ports: dict[str, ast.expr] = {}
        parameters: dict[str, Json] = {}
        for key, expression in keywords.items():
            if spec.parameter(key) is not None:
                parameters[key] = literal_of(expression, key)
            elif spec.input(key) is not None:
                ports[key] = expression
            else:
                raise refusal(f"a {spec.title} node has no place for {key}.", call)
        wires = self._sources(spec, ports)
        made = self._make(spec, name, parameters, call)
        self._wire(problem, made, spec.inputs[0], owner)
        for port, value, place in wires:
            self._wire(value, made, port, place)
        return made

    def _view(
        self,
        call: ast.Call,
        spec: NodeSpec,
        ports: dict[str, ast.expr],
        parameters: Mapping[str, Json],
    ) -> Ref:
        file = literal_of(ports.pop("path", ast.Constant(value=None)), "path")
        if not isinstance(file, str) or not file.endswith(_PICTURE) or "/" in file:
            raise refusal(f"a view writes NAME{_PICTURE} beside the script.", call)
        wires = self._sources(spec, ports)
        label = file.removesuffix(_PICTURE)
        # The view is called like its file where that can be the name of a node.
        free = (
            name_problem(label) is None
            and not is_automatic(label, spec.stem)
            and not any(n.is_view for n in self.document.named(label))
        )
        if not free:
            parameters = {**parameters, "label": label}
        made = self._make(spec, label if free else None, parameters, call)
        for port, value, place in wires:
            self._wire(value, made, port, place)
        return made

    def _make(
        self,
        spec: NodeSpec,
        name: str | None,
        parameters: Mapping[str, Json],
        place: ast.expr,
    ) -> Ref:
        if name is None:
            name = free_name(spec.stem, self.taken)
        self.taken.add(name)
        node = Node(
            id=uuid.uuid4().hex,
            name=name,
            type=spec.type,
            version=spec.version,
            parameters={**spec.defaults(), **parameters},
        )
        self.document.insert_node(len(self.document), node)
        return Ref(node.id, spec.outputs[0].name if spec.outputs else "")

    def _wire(self, value: Value, to: Ref, port: Port, place: ast.expr) -> None:
        terms = _flatten(value)
        if len(terms) > 1 and not port.multiple:
            raise refusal("a sum of terms belongs into a Problem.", place)
        for ref in terms:
            why_not = can_connect(self.document, ref.node, ref.output, to.node, port.name)
            if why_not:
                raise ImportScriptError(why_not, place.lineno)
            wire = Wire(ref.node, ref.output, to.node, port.name)
            self.document.insert_wire(len(self.document.wires), wire)

    def _carried(self, value: Value) -> PortType | None:
        if isinstance(value, Terms):
            return PortType.TERM
        return output_types(self.document, self._types, value.node).get(value.output)

    def _is_term(self, value: Value) -> bool:
        return self._carried(value) is PortType.TERM

    def _forbid_terms(self, value: Value, place: ast.expr, advice: str) -> None:
        if self._is_term(value):
            raise refusal(advice, place)


def _argument(slot: Port | Parameter) -> str:
    """What the library calls the argument behind a port or a parameter."""
    if isinstance(slot, Port):
        return slot.keyword or slot.attribute or slot.name
    return slot.name


def _flatten(value: Value) -> Sequence[Ref]:
    return value.terms if isinstance(value, Terms) else (value,)


def _is_solve(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "solve"
