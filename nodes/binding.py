"""Expressions of a script → nodes and wires."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from nodes.analysis import Analysis
from nodes.arguments import arguments, parameter_of
from nodes.catalogue import CATALOGUE
from nodes.comparing import Comparing
from nodes.document import Document
from nodes.literals import is_none, literal_of, number_of, refusal, short
from nodes.making import Ref, Terms, Value, flatten
from nodes.names import is_automatic, name_problem
from nodes.parameter import Json
from nodes.spec import Form, NodeSpec, Port, PortType

__all__ = ["Binder"]

_CALLED = (Form.CALL, Form.VARIABLE, Form.PENALTY, Form.PROBLEM, Form.VIEW, Form.INDEX, Form.PIECE)
_FUNCTIONS: Mapping[str, NodeSpec] = {
    spec.function: spec for spec in CATALOGUE.values() if spec.form in _CALLED
}
_SOLVERS: Mapping[str, NodeSpec] = {
    spec.constants["method"]: spec for spec in CATALOGUE.values() if spec.form is Form.SOLVE
}
_SYMBOLS = {ast.Add: "add", ast.Sub: "subtract"}
_PICTURE = ".png"


class Binder(Comparing):
    """Makes the nodes of one script.

    Attributes:
        document: where they go.
        values: what the names of the script stand for so far.
        taken: names that automatic ones must avoid.
        alias: what the script calls the library; empty before it is imported.
    """

    def __init__(self, document: Document, values: dict[str, Value], taken: set[str]) -> None:
        super().__init__(document, taken)
        self.values = values
        self.alias = ""

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
                spec = self._spec(expression)
                if spec.form is Form.PIECE:
                    raise refusal(
                        f"{spec.function} gives several pieces: write {short(expression)}[0] for "
                        "the first.",
                        expression,
                    )
                return self._call(expression, spec, name)
            case ast.Compare():
                return self.comparison(expression, name)
            case ast.BinOp(op=ast.MatMult()):
                return self.product(expression, name)
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
                return self._recovered(expression, solver, variable, name)
            case ast.Subscript(
                value=ast.Call() as call, slice=ast.Constant(value=int() as piece)
            ) if not _is_solve(call) and self._spec(call).form is Form.PIECE:
                made = self._call(call, self._spec(call), name)
                return self.give(made, "piece", piece)
            case ast.Subscript(value=operand, slice=where):
                return self._picked(operand, where, name)
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
                return self.give(made, "weight", factor)
        operand = self.value(other, None)
        self.forbid_terms(operand, expression, "give a term its weight where it is made.")
        spec = CATALOGUE["scale"]
        made = self.make(spec, name, {"factor": factor})
        self.wire(operand, made, spec.inputs[0], expression)
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
        if isinstance(operator, ast.Add) and (self.is_term(first) or self.is_term(second)):
            first, second = self.term(first, left), self.term(second, right)
        terms = [self.is_term(value) for value in (first, second)]
        if all(terms) and isinstance(operator, ast.Add):
            return Terms((*flatten(first), *flatten(second)))
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
        made = self.make(spec, name, {})
        for port, value in zip(spec.inputs, (first, second), strict=True):
            self.wire(value, made, port, expression)
        return made

    def _picked(self, operand: ast.expr, where: ast.expr, name: str | None) -> Ref:
        """``x[0, 2:5]``."""
        spec = CATALOGUE["index"]
        inner = self.value(operand, None)
        self.forbid_terms(inner, operand, "a term has no parts.")
        made = self.make(spec, name, {"where": parameter_of(spec.parameters[0], where)})
        self.wire(inner, made, spec.inputs[0], operand)
        return made

    def _recovered(
        self, expression: ast.expr, solver: ast.expr, variable: str, name: str | None
    ) -> Ref:
        found = self.value(solver, None)
        if not isinstance(found, Ref) or self.carried(found) is not PortType.SOLUTION:
            raise refusal("only the result of a solve can be indexed.", expression)
        known = Analysis(self.document).variables.get(found.node, frozenset())
        names = [self.document.node(node).name for node in known]
        if names == [variable] and name is None:
            return found
        if variable not in names:
            raise refusal(
                f"{variable} is not the variable that this result was solved for.", expression
            )
        spec = CATALOGUE["recovered"]
        made = self.make(spec, name, {})
        for port, value in zip(spec.inputs, (found, self.values[variable]), strict=True):
            self.wire(value, made, port, expression)
        return made

    def _call(self, call: ast.Call, spec: NodeSpec, name: str | None) -> Value:
        if spec.form is Form.PROBLEM:
            return self._problem(call, spec, name)
        ports, parameters = arguments(call, spec)
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
        if spec.function == "sum_over" and "axes" not in parameters:
            raise refusal("a sum over everything is no node: write the axes it goes over.", call)
        if spec.function == "split":
            parameters.setdefault("axis", 0)  # what the library takes; nodes start with another
        if spec.form is Form.PENALTY and spec.parameter("weight") is not None:
            parameters["weight"] = 1.0  # a term without a factor; nodes start with another
        wires = self._sources(spec, ports)
        made = self.make(spec, name, parameters)
        for port, value, place in wires:
            self.wire(value, made, port, place)
        return made

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
                found.append((port, self.of_shape(spec, expression), expression))
                continue
            target = spec.input("target")
            match expression:
                case _ if port.multiple:
                    if not isinstance(expression, ast.List | ast.Tuple):
                        raise refusal(f"{spec.function} takes a list here.", expression)
                    if port.optional and all(is_none(element) for element in expression.elts):
                        continue
                    for element in expression.elts:
                        found.append((port, self.value(element, None), element))
                case ast.BinOp(left=left, op=ast.Sub() as operator, right=right) if (
                    target is not None and port is not target and "target" not in ports
                ):
                    # ‖e − b‖²: what is subtracted is the target where it is data.
                    first, second = self.value(left, None), self.value(right, None)
                    data = self.carried(second) not in (PortType.EXPRESSION, None)
                    if data and self.carried(first) is PortType.EXPRESSION:
                        found += [(port, first, left), (target, second, right)]
                    else:
                        made = self._infix(expression, first, operator, second, None)
                        found.append((port, made, expression))
                case _ if port.accepts(PortType.ARRAY) and number_of(expression) is not None:
                    spelled = {"values": f"{number_of(expression)}"}
                    found.append((port, self.make(CATALOGUE["array"], None, spelled), expression))
                case _:
                    found.append((port, self.value(expression, None), expression))
        return found

    def _problem(self, call: ast.Call, spec: NodeSpec, name: str | None) -> Value:
        parts = [*call.args, *(k.value for k in call.keywords if k.arg == "constraints")]
        others = [k.arg for k in call.keywords if k.arg != "constraints"]
        if not 1 <= len(parts) <= 2 or others:
            raise refusal("a problem takes a sum of terms, and a list of constraints.", call)
        terms = list(flatten(self.term(self.value(parts[0], None), parts[0])))
        if len(parts) == 2:
            match parts[1]:
                case ast.List(elts=elements) | ast.Tuple(elts=elements):
                    pass
                case ast.Compare() as alone:
                    elements = [alone]
                case _:
                    raise refusal("the constraints of a problem are written as a list.", call)
            for element in elements:
                terms += flatten(self.value(element, None))
        made = self.make(spec, name, {})
        for term in terms:
            self.wire(term, made, spec.inputs[0], call)
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
            if (parameter := spec.parameter(key)) is not None:
                parameters[key] = parameter_of(parameter, expression)
            elif spec.input(key) is not None:
                ports[key] = expression
            else:
                raise refusal(f"a {spec.title} node has no place for {key}.", call)
        wires = self._sources(spec, ports)
        made = self.make(spec, name, parameters)
        self.wire(problem, made, spec.inputs[0], owner)
        for port, value, place in wires:
            self.wire(value, made, port, place)
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
        made = self.make(spec, label if free else None, parameters)
        for port, value, place in wires:
            self.wire(value, made, port, place)
        return made


def _is_solve(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "solve"
