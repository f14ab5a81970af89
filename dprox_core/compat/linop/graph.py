"""Whole expressions: their value, adjoint, gram, checks and drawing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dprox_core.compat.arrays import as_tensor
from dprox_core.compat.linop.base import LinOp, Shape
from dprox_core.compat.linop.leaves import Constant, Placeholder, Variable
from dprox_core.compat.linop.nodes import as_node
from dprox_core.compat.scope import Scope, infer_shapes
from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.binding import Binding

__all__ = ["CompGraph", "Edge", "adjoint", "est_CompGraph_norm", "eval", "gram", "validate"]

# Where nothing tells a size, operators are tried on a small colour image.
_PROBE = (1, 3, 24, 20)


def evaluate(end: LinOp, values: Mapping[Variable, torch.Tensor], zero: bool) -> Any:
    """The value of an expression; with ``zero`` all data counts as zero, so that it is linear."""
    held: dict[int, Any] = {}
    for node in end.walk():
        if isinstance(node, Variable):
            if node not in values:
                raise ParameterError(
                    f"{node.name or 'A variable'} has no value: give one input for each of the "
                    f"{len(end.variables)} variables.",
                    expected=len(end.variables),
                    where=node.name or "x",
                )
            held[id(node)] = values[node]
        elif isinstance(node, Constant):
            value = 0 if zero and node.value is None else node.required()
            held[id(node)] = value * 0 if zero else value
        else:
            held[id(node)] = node(*(held[id(child)] for child in node.input_nodes))
    return held[id(end)]


def pull_back(end: LinOp, y: Any) -> dict[Variable, torch.Tensor]:
    """Aᴴ y for every variable of an expression."""
    order = list(end.walk())
    pending: dict[int, Any] = {id(end): y}
    found: dict[Variable, torch.Tensor] = {}
    for node in reversed(order):
        cotangent = pending.pop(id(node), None)
        if cotangent is None or isinstance(node, Constant):
            continue
        if isinstance(node, Variable):
            found[node] = cotangent
            continue
        back = node.adjoint(cotangent)
        parts = back if isinstance(back, (list, tuple)) else [back]
        for child, part in zip(node.input_nodes, parts, strict=True):
            held = pending.get(id(child))
            pending[id(child)] = part if held is None else held + part
    return found


def constant_part(end: LinOp) -> Any:
    """The value where every variable is zero."""
    if not end.variables:
        return evaluate(end, {}, zero=False)
    if not end.constants:
        return 0
    values = {
        v: torch.zeros_like(v.value) if v.value is not None else torch.zeros(shape)
        for v, shape in infer_shapes([(end, None)], {}).items()
    }
    return evaluate(end, values, zero=False)


def structure(end: LinOp, ref: torch.Tensor | None = None) -> Any:
    """The bound operator of our language for an expression of one variable."""
    variables = end.variables
    if len(variables) != 1:
        raise ParameterError(
            f"This expression has {len(variables)} variables: ask that of an expression of one.",
            expected=1,
            got=len(variables),
        )
    given: dict[Variable, Shape] = {}
    if ref is not None:
        given = {variables[0]: tuple(ref.shape)}
    try:
        shapes = infer_shapes([(end, None)], given)
    except ShapeError:
        shapes = {variables[0]: _PROBE}
    dtype = ref.dtype if ref is not None and ref.is_complex() else None
    scope = Scope(shapes, dtype)
    expression = scope.expression(end)
    return Binding([expression]).affine(expression).operators[scope.variables[variables[0]]]


def _assigned(end: LinOp, inputs: tuple[Any, ...]) -> dict[Variable, torch.Tensor]:
    variables = end.variables
    if len(inputs) != len(variables):
        raise ParameterError(
            f"The expression has {len(variables)} variables, but {len(inputs)} inputs were given.",
            expected=len(variables),
            got=len(inputs),
            where="inputs",
        )
    return {v: as_tensor(value) for v, value in zip(variables, inputs, strict=True)}


def eval(linop: Any, *inputs: Any, zero_out_constant: bool = True) -> Any:
    """A x: the value of an expression.

    Args:
        linop: an expression.
        inputs: a tensor for each variable.
        zero_out_constant: whether data counts as zero, so that the value is linear in the inputs.

    Example:
        >>> import torch, dprox_core.compat as dp
        >>> dp.eval(2 * dp.Variable() - 1, torch.ones(2), zero_out_constant=False)
        tensor([1., 1.])
    """
    end = as_node(linop)
    return evaluate(end, _assigned(end, inputs), zero_out_constant)


def adjoint(linop: Any, *outputs: Any, zero_out_constant: bool = True) -> Any:
    """Aᴴ y of the whole expression; a list where it has several variables.

    Args:
        linop: an expression.
        outputs: a tensor for each of its values.
        zero_out_constant: kept for old scripts: constants have no part in an adjoint.
    """
    end = as_node(linop)
    first = outputs[0]
    y = first if len(outputs) == 1 and isinstance(first, (list, tuple)) else list(outputs)
    found = pull_back(end, y[0] if len(y) == 1 else y)
    parts = [found.get(v) for v in end.variables]
    return parts[0] if len(parts) == 1 else parts


def gram(linop: Any, *inputs: Any, zero_out_constant: bool = True) -> Any:
    """Aᴴ (A x + c) of the whole expression.

    Args:
        linop: an expression.
        inputs: a tensor for each variable.
        zero_out_constant: whether c counts as zero, so that this is Aᴴ A x.
    """
    return adjoint(linop, eval(linop, *inputs, zero_out_constant=zero_out_constant))


def validate(linop: Any, tol: float = 1e-6) -> bool:
    """Whether the adjoint is the adjoint: |⟨A x, y⟩ − ⟨x, Aᴴ y⟩| ≤ tol ‖A x‖ ‖y‖.

    Tried three times on random tensors, in double precision unless the expression holds a network
    in single.

    Args:
        linop: an expression.
        tol: the tolerance.
    """
    return CompGraph(linop).sanity_check(tol)


def est_CompGraph_norm(K: CompGraph, tol: float = 1e-3, try_fast_norm: bool = True) -> float:
    """An upper bound of the norm of a graph, exact where it is diagonal in space or frequency."""
    return K.norm_bound()


@dataclass(frozen=True, eq=False)
class Edge:
    """One use of a node's value by another node of an expression.

    Attributes:
        start: whose value it is.
        end: the node that takes it.
        shape: of the value, None where nothing tells it.

    References:
        F. Heide et al., ProxImaL: Efficient Image Optimization using Proximal Algorithms, 2016,
        section 4: problems as graphs of operators.
    """

    start: LinOp
    end: LinOp
    shape: Shape | None = None


class CompGraph:
    """An expression as one operator, from its variables to its value.

    Args:
        end: the expression.
        zero_out_constant: whether data counts as zero.
    """

    def __init__(self, end: Any, zero_out_constant: bool = False) -> None:
        self.end = as_node(end)
        self.zero_out_constant = zero_out_constant

    @property
    def variables(self) -> list[Variable]:
        """The variables, in the order of inputs."""
        return self.end.variables

    @property
    def constants(self) -> list[Constant]:
        """The constants and placeholders."""
        return self.end.constants

    @property
    def nodes(self) -> list[LinOp]:
        """All nodes, each once and after its inputs; the last one is the value."""
        return list(self.end.walk())

    @property
    def edges(self) -> list[Edge]:
        """One edge for each input of each node, in the order of nodes.

        Shapes are known where every variable has a value or a shape, or data tells it. They are
        those of one evaluation.
        """
        nodes = self.nodes
        shapes = self._shapes(nodes)
        return [
            Edge(child, node, shapes.get(id(child))) for node in nodes for child in node.arguments
        ]

    @property
    def input_edges(self) -> dict[LinOp, list[Edge]]:
        """The edges that end at each node, in the order of its inputs."""
        edges = self.edges
        return {node: [e for e in edges if e.end is node] for node in self.nodes}

    @property
    def output_edges(self) -> dict[LinOp, list[Edge]]:
        """The edges that start at each node; more than one where its value is used again."""
        edges = self.edges
        return {node: [e for e in edges if e.start is node] for node in self.nodes}

    @torch.no_grad()
    def _shapes(self, nodes: list[LinOp]) -> dict[int, Shape]:
        """The shape of each node's value that is one tensor; none where a size is not known."""
        try:
            sizes = infer_shapes([(self.end, None)], {})
        except ShapeError:
            return {}
        held: dict[int, Any] = {}
        for node in nodes:
            if isinstance(node, Variable):
                given = node.value
                held[id(node)] = torch.zeros(sizes[node]) if given is None else given
            elif isinstance(node, Constant):
                if node.value is None:
                    return {}
                held[id(node)] = node.required()
            else:
                held[id(node)] = node(*(held[id(child)] for child in node.arguments))
        return {key: tuple(v.shape) for key, v in held.items() if isinstance(v, torch.Tensor)}

    @property
    def x0(self) -> Any:
        """The values of the variables, zeros where there are none."""
        shapes = infer_shapes([(self.end, None)], {})
        parts = [v.value if v.value is not None else torch.zeros(s) for v, s in shapes.items()]
        return parts[0] if len(parts) == 1 else parts

    def forward(self, *values: Any, return_list: bool = False) -> Any:
        """A x + c, for a tensor for each variable, or for one list of them.

        Args:
            values: the tensors.
            return_list: whether the answer is a list even where it is one tensor, as that of a
                stack of one part is.
        """
        first = values[0]
        inputs = first if len(values) == 1 and isinstance(first, (list, tuple)) else values
        image = eval(self.end, *inputs, zero_out_constant=self.zero_out_constant)
        if return_list:
            return _listed(image)
        return image[0] if isinstance(image, list) and len(image) == 1 else image

    __call__ = forward

    def adjoint(self, *values: Any, return_list: bool = False) -> Any:
        """Aᴴ y.

        Args:
            values: the tensors, or one list of them.
            return_list: whether the answer is a list even where it is one tensor.
        """
        back = adjoint(self.end, *values)
        return _listed(back) if return_list else back

    def update_vars(self, values: Any) -> None:
        """Set the variables' values: one tensor, or a list."""
        listed = values if isinstance(values, (list, tuple)) else [values]
        for variable, value in _assigned(self.end, tuple(listed)).items():
            variable.value = value

    def norm_bound(self, final_output_mags: object = None) -> float:
        """An upper bound of ‖A‖."""
        return float(structure(self.end).norm_bound())

    @torch.no_grad()
    def sanity_check(self, eps: float = 1e-5) -> bool:
        """Whether ⟨A x, y⟩ = ⟨x, Aᴴ y⟩ up to eps ‖A x‖ ‖y‖, for random x and y."""
        try:
            shapes = infer_shapes([(self.end, None)], {})
        except ShapeError:
            shapes = {v: _PROBE for v in self.variables}
        generator = torch.Generator().manual_seed(0)

        single = any(p.dtype == torch.float32 for p in self.end.parameters())
        if single:
            # A network in single precision computes in it, and is judged by it.
            eps = max(eps, 1e-5)

        def draw(shape: Shape) -> torch.Tensor:
            values = torch.randn(shape, generator=generator, dtype=torch.float64)
            return values.float() if single else values

        for _ in range(3):
            x = [draw(shape) for shape in shapes.values()]
            image = eval(self.end, *x)
            images = image if isinstance(image, list) else [image]
            y = [draw(tuple(part.shape)).to(part.dtype) for part in images]
            y = [part * (1 + 0.5j) if part.is_complex() else part for part in y]
            back = adjoint(self.end, *y)
            backs = back if isinstance(back, list) else [back]
            left = math.fsum(_inner(a, b) for a, b in zip(images, y, strict=True))
            right = math.fsum(_inner(a, b) for a, b in zip(x, backs, strict=True))
            size = _length(images) * _length(y)
            if abs(left - right) > eps * max(size, torch.finfo(torch.float64).tiny):
                return False
        return True

    def visualize(self, save_path: str | Path | None = None) -> str:
        """The graph in the DOT language, also written to a file where a path is given."""
        lines = ["digraph expression {", "  rankdir=BT;"]
        names = {id(node): f"n{count}" for count, node in enumerate(self.end.walk())}
        for node in self.end.walk():
            label = getattr(node, "name", "") or type(node).__name__
            shape = "box" if isinstance(node, (Constant, Placeholder)) else "ellipse"
            lines.append(f'  {names[id(node)]} [label="{label}", shape={shape}];')
            lines += [f"  {names[id(child)]} -> {names[id(node)]};" for child in node.input_nodes]
        text = "\n".join([*lines, "}", ""])
        if save_path is not None:
            Path(save_path).with_suffix(".dot").write_text(text, encoding="utf-8")
        return text


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _inner(a: torch.Tensor, b: torch.Tensor) -> float:
    both = torch.promote_types(a.dtype, b.dtype)
    return float((a.to(both).conj() * b.to(both)).real.double().sum())


def _length(tensors: list[torch.Tensor]) -> float:
    return math.sqrt(math.fsum(float(t.abs().double().square().sum()) for t in tensors))
