"""The base of linear operators: a node of an expression, and a torch module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from dprox_core.compat.arrays import is_data
from dprox_core.compat.linop.nodes import ModuleFactory, as_node
from dprox_core.compat.scope import Scope
from dprox_core.errors import ParameterError

if TYPE_CHECKING:
    from dprox_core.compat.linop.leaves import Constant, Variable

__all__ = ["LinOp", "Shape"]

Shape = tuple[int, ...]


class LinOp(nn.Module):
    """A linear operator on the values of other nodes.

    A class of your own calls ``super().__init__(inputs)`` and gives ``forward`` and ``adjoint``,
    which are those of this one node; ``eval``, ``adjoint``, ``.T`` and ``.gram`` are those of the
    whole expression below it.

    Args:
        input_nodes: the nodes it is applied to; none for an operator that stands alone.

    Example:
        >>> import torch, dprox_core.compat as dp
        >>> class Flip(dp.LinOp):
        ...     def forward(self, x):
        ...         return x.flip(-1)
        ...     def adjoint(self, y):
        ...         return y.flip(-1)
        >>> x = dp.Variable()
        >>> dp.eval(Flip([2 * x]), torch.tensor([1.0, 2.0]))
        tensor([4., 2.])
    """

    # The iteration of a solve under way, from 0, for operators of one's own that ask.
    step: int = 0

    # numpy and scipy then leave `array @ node` to this class.
    __array_ufunc__ = None
    __array_priority__ = 1e6

    def __init__(self, input_nodes: Sequence[Any] | Any = ()) -> None:
        super().__init__()
        nodes = input_nodes if isinstance(input_nodes, (list, tuple)) else [input_nodes]
        self.input_nodes = nn.ModuleList(as_node(node) for node in nodes)
        self.linop_id = id(self)

    @property
    def arguments(self) -> list[LinOp]:
        """The nodes it is applied to."""
        return [node for node in self.input_nodes if isinstance(node, LinOp)]

    # What one node does.

    def forward(self, *inputs: Any) -> Any:
        """A x, for this node alone."""
        raise NotImplementedError(f"{type(self).__name__} gives no forward")

    def adjoint(self, *outputs: Any) -> Any:
        """Aᴴ y, for this node alone."""
        raise NotImplementedError(f"{type(self).__name__} gives no adjoint")

    def _domain(self, shape: Shape) -> Shape | None:
        """The shape of the argument whose image has a shape, None where that is not known."""
        return shape

    def _expression(self, scope: Scope) -> Any:
        """The node in our own language."""
        if len(self.input_nodes) != 1:
            raise ParameterError(
                f"{type(self).__name__} is applied to {len(self.input_nodes)} expressions: an "
                "operator of your own takes one, super().__init__([x]).",
                expected=1,
                got=len(self.input_nodes),
                where=type(self).__name__,
            )
        return ModuleFactory(self)(scope.expression(self.arguments[0]))

    def _push(self, shape: Shape | None, found: dict[Any, Shape]) -> None:
        """Carry the shape of the value down to the variables."""
        below = None if shape is None else self._domain(shape)
        for node in self.arguments:
            node._push(below, found)

    # The expression as a whole.

    def walk(self) -> Iterator[LinOp]:
        """This node and all below it, each once, inputs first."""
        seen: set[int] = set()

        def visit(node: LinOp) -> Iterator[LinOp]:
            if id(node) in seen:
                return
            seen.add(id(node))
            for child in node.arguments:
                yield from visit(child)
            yield node

        return visit(self)

    @property
    def variables(self) -> list[Variable]:
        """The variables below, in the order of first appearance."""
        from dprox_core.compat.linop.leaves import Variable

        return [node for node in self.walk() if isinstance(node, Variable)]

    @property
    def constants(self) -> list[Constant]:
        """The constants and placeholders below."""
        from dprox_core.compat.linop.leaves import Constant

        return [node for node in self.walk() if isinstance(node, Constant)]

    def is_constant(self) -> bool:
        """Whether there is no variable below."""
        return not self.variables

    @property
    def value(self) -> Any:
        """The value at the values of the variables."""
        from dprox_core.compat.linop.graph import evaluate

        return evaluate(self, {v: v.required() for v in self.variables}, zero=False)

    @property
    def offset(self) -> Any:
        """The constant part: the value where every variable is zero."""
        from dprox_core.compat.linop.graph import constant_part

        return constant_part(self)

    @property
    def T(self) -> LinOp:
        """The adjoint of the whole expression."""
        from dprox_core.compat.linop.views import Whole

        return Whole(self).T

    @property
    def gram(self) -> LinOp:
        """Aᴴ A of the whole expression."""
        from dprox_core.compat.linop.views import Gram

        return Gram(self)

    @property
    def counts(self) -> bool:
        """Whether the operator may ask for ``step``: those of this library do not."""
        return not type(self).__module__.startswith("dprox_core.")

    @property
    def device(self) -> torch.device:
        """Where its data are; the CPU where it has none."""
        for node in self.constants:
            if node.value is not None:
                found: torch.device = node.value.device
                return found
        return next((p.device for p in self.parameters()), torch.device("cpu"))

    def unwrap(self, value: Any) -> Any:
        """The value of a placeholder or constant; anything else as it is."""
        from dprox_core.compat.linop.leaves import Constant

        return value.required() if isinstance(value, Constant) else value

    def describe(self) -> str:
        """The expression in a line."""
        name = getattr(self, "name", "")
        inside = ", ".join(node.describe() for node in self.arguments)
        return name or (f"{type(self).__name__}({inside})" if inside else type(self).__name__)

    def __repr__(self) -> str:
        return self.describe()

    def clone(self) -> LinOp:
        """A copy of the node on the same inputs."""
        import copy

        other = copy.copy(self)
        other._modules = dict(self._modules)
        other._parameters = dict(self._parameters)
        return other

    # What the compiler knows about it.

    def is_diag(self, freq: bool = False) -> bool:
        """Whether the whole expression multiplies each element, or each frequency, by a number."""
        from dprox_core.compat.linop.graph import structure

        bound = structure(self)
        return (bound.transfer() if freq else bound.diagonal()) is not None

    def is_gram_diag(self, freq: bool = False) -> bool:
        """Whether Aᴴ A does."""
        from dprox_core.compat.linop.graph import structure

        bound = structure(self)
        return (bound.gram_spectrum() if freq else bound.gram_diagonal()) is not None

    def get_diag(self, ref: torch.Tensor | None = None, freq: bool = False) -> torch.Tensor:
        """The diagonal of Aᴴ A, over elements or over the frequencies of ``torch.fft.fft2``.

        Args:
            ref: an argument of A, whose shape the diagonal gets; None for one that broadcasts.
            freq: whether over frequencies.

        Raises:
            ParameterError: Aᴴ A is not diagonal there.
        """
        from dprox_core.compat.linop.graph import structure

        bound = structure(self, ref)
        gram = bound.gram_spectrum() if freq else bound.gram_diagonal()
        if gram is None:
            where = "over frequencies" if freq else "over elements"
            raise ParameterError(
                f"{type(self).__name__} has no diagonal Aᴴ A {where}: ask is_gram_diag first.",
                expected="a diagonal operator",
                got=type(self).__name__,
                where="get_diag",
            )
        found: torch.Tensor = gram
        if freq:
            found = _all_frequencies(found, bound.domain.shape[-1])
        return found if ref is None else found.to(ref.real.dtype).expand(ref.shape)

    def norm_bound(self, input_mags: Any = None) -> float:
        """An upper bound of ‖A‖ of the whole expression; with magnitudes, of this node's value.

        Args:
            input_mags: how large the values of its inputs are at most.
        """
        from dprox_core.compat.linop.graph import structure

        if input_mags is None:
            return float(structure(self).norm_bound())
        mags = torch.as_tensor(input_mags, dtype=torch.float64).reshape(-1)
        return self._bound_alone(mags)

    def _bound_alone(self, mags: torch.Tensor) -> float:
        """How large this node's value is at most, for inputs of these magnitudes."""
        from dprox_core.compat.linop.graph import structure
        from dprox_core.compat.linop.leaves import Variable

        factor = float(mags.norm())
        if not self.arguments:
            return factor
        alone = self
        if not all(isinstance(node, Variable) for node in self.arguments):
            alone = self.clone()
            fresh = [Variable() for _ in self.arguments]
            alone._modules["input_nodes"] = nn.ModuleList(fresh)
        return factor * float(structure(alone).norm_bound())

    # The algebra.

    def __add__(self, other: Any) -> LinOp:
        from dprox_core.compat.linop.algebra import sum as total

        return total([self, other])

    def __radd__(self, other: Any) -> LinOp:
        from dprox_core.compat.linop.algebra import sum as total

        return total([other, self])

    def __sub__(self, other: Any) -> LinOp:
        return self + (-as_node(other))

    def __rsub__(self, other: Any) -> LinOp:
        return (-self).__radd__(other)

    def __mul__(self, factor: Any) -> LinOp:
        from dprox_core.compat.linop.algebra import scale

        return scale(factor, self)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> LinOp:
        return self * (1.0 / divisor)

    def __neg__(self) -> LinOp:
        return self * -1

    def __rmatmul__(self, left: Any) -> LinOp:
        from dprox_core.compat.linop.matrix import MatrixProduct

        return MatrixProduct(left, self)

    def __le__(self, bound: Any) -> Any:
        from dprox_core.compat.constraints import Constraint

        return Constraint(self, "<=", bound)

    def __ge__(self, bound: Any) -> Any:
        from dprox_core.compat.constraints import Constraint

        return Constraint(self, ">=", bound)

    def __eq__(self, other: Any) -> Any:
        if is_data(other) or hasattr(other, "tocoo"):
            from dprox_core.compat.constraints import Constraint

            return Constraint(self, "==", other)
        return self is other

    __hash__ = nn.Module.__hash__

    @classmethod
    def __torch_function__(
        cls, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Algebra with a tensor on the left: ``c @ x``, ``b - x``."""
        name = getattr(func, "__name__", "").strip("_")
        reflected = _REFLECTED.get(name)
        if reflected is None or len(args) != 2 or kwargs:
            raise ParameterError(
                f"torch.{name} does not take an expression: use +, −, *, @ and the operators.",
                got=name,
            )
        left, right = args
        if isinstance(left, LinOp):
            return NotImplemented
        return getattr(right, reflected)(left)


def _all_frequencies(half: torch.Tensor, columns: int) -> torch.Tensor:
    """Real factors of all frequencies of a real operator, from those that ``rfft2`` keeps."""
    if half.ndim == 0 or half.shape[-1] in (1, columns):
        return half
    mirrored = half[..., 1 : (columns + 1) // 2].flip(-1)
    if half.ndim > 1 and half.shape[-2] > 1:
        mirrored = mirrored.flip(-2).roll(1, -2)
    return torch.cat([half, mirrored], dim=-1)


_REFLECTED = {
    "add": "__radd__",
    "radd": "__add__",
    "sub": "__rsub__",
    "rsub": "__sub__",
    "mul": "__rmul__",
    "rmul": "__mul__",
    "matmul": "__rmatmul__",
}
