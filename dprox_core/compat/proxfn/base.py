"""The base of proximal functions, and sums of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import torch
from torch import nn

import dprox_core
from dprox_core.compat.arrays import is_data
from dprox_core.compat.linop.base import LinOp
from dprox_core.compat.linop.graph import adjoint
from dprox_core.compat.linop.graph import eval as value_of
from dprox_core.compat.linop.nodes import as_node
from dprox_core.compat.proxfn.steps import prox_affine, prox_scaled, prox_translated
from dprox_core.compat.scope import Scope
from dprox_core.errors import ParameterError
from dprox_core.expressions.binding import Binding
from dprox_core.linops.space import Space
from dprox_core.proxfns.base import Objective, Step, bind, make
from dprox_core.proxfns.base import ProxFn as CoreProxFn

__all__ = ["ProxFn", "ProxFnSum", "prox_affine", "prox_scaled", "prox_translated"]


class ProxFn(nn.Module):
    """alpha · f(beta · (A x + c)) for a function f with a proximal operator.

    A class of your own gives ``_prox(v, lam)`` = argmin f(u) + ‖u − v‖² / (2 lam) and, if it can,
    ``_eval(v)`` = f(v).

    Args:
        linop: the expression inside; None for a variable of its own, where only the prox is asked
            for.
        alpha: a weight from 0.
        beta: a factor inside, not 0.
    """

    # Whether the prox belongs to a function that is not known, as denoisers do.
    is_prior: ClassVar[bool] = False
    # The iteration of a solve under way, from 0, for functions of one's own that ask.
    step: int = 0

    def __init__(self, linop: Any = None, alpha: float = 1.0, beta: float = 1.0) -> None:
        from dprox_core.compat.linop.leaves import Variable

        super().__init__()
        self.linop: LinOp = Variable() if linop is None else as_node(linop)
        self.alpha = alpha
        self.beta = beta
        self._origin: ProxFn | None = None

    # What a class of functions gives.

    def _function(self, expression: Any) -> Objective:
        """f of an expression of our language; by default from ``_prox`` and ``_eval``."""
        objective = make(_Own, expression, owner=self)
        assert isinstance(objective, Objective)
        return objective

    def _prox(self, v: torch.Tensor, lam: Any) -> torch.Tensor:
        """The proximal operator of f alone."""
        return self._bound(v).prox(v, lam)

    def _eval(self, v: torch.Tensor) -> torch.Tensor:
        """f(v)."""
        value = self._bound(v).value(v)
        return value.to(v.real.dtype)

    def _grad(self, v: torch.Tensor) -> torch.Tensor:
        """∇f(v), where f is smooth."""
        return self._bound(v).grad(v)

    def measurements(self) -> list[torch.Tensor]:
        """Data that are not part of the expression."""
        return []

    def inside(self) -> tuple[int, ...] | None:
        """The shape of the expression's value, where the function itself knows it."""
        return None

    # What everybody calls.

    def prox(self, v: torch.Tensor, lam: Any) -> torch.Tensor:
        """argmin over u of alpha f(beta (u + c)) + ‖u − v‖² / (2 lam).

        Args:
            v: a tensor.
            lam: the step, a number or a tensor that broadcasts.
        """
        shift = self._shift()
        inside = self.beta * (v + shift)
        step = lam * self.alpha * abs(self.beta) ** 2
        return self._prox(inside, _aligned(step, inside)) / self.beta - shift

    def convex_conjugate_prox(self, v: torch.Tensor, lam: Any) -> torch.Tensor:
        """The prox of the conjugate, v − lam · prox(v / lam, 1 / lam) (Moreau)."""
        step = _aligned(lam, v)
        return v - step * self.prox(v / step, 1.0 / step)

    def eval(self, v: Any = None) -> Any:
        """alpha f(beta (v + c)); without v, torch's switch to evaluation mode.

        Args:
            v: a value of the operator part of the expression.
        """
        if v is None:
            return super().eval()
        return self.alpha * self._eval(self.beta * (v + self._shift()))

    def grad(self, x: torch.Tensor) -> torch.Tensor:
        """The gradient of the whole term, alpha beta Aᴴ ∇f(beta (A x + c)), where f is smooth.

        Args:
            x: a value of the variable.
        """
        inside = self.beta * value_of(self.linop, x, zero_out_constant=False)
        found: torch.Tensor = adjoint(self.linop, self.alpha * self.beta * self._grad(inside))
        return found

    def forward(self, v: torch.Tensor, lam: Any) -> torch.Tensor:
        """The prox."""
        return self.prox(v, lam)

    def __repr__(self) -> str:
        weight = "" if self.alpha == 1 else f"{self.alpha:g} * "
        return f"{weight}{type(self).__name__}({self.linop.describe()})"

    def unwrap(self, value: Any) -> Any:
        """The value of a placeholder or constant; anything else as it is."""
        return self.linop.unwrap(value)

    @property
    def variables(self) -> list[Any]:
        """The variables it depends on."""
        return self.linop.variables

    @property
    def offset(self) -> Any:
        """What is subtracted from A x: b for the expression A x − b."""
        return -self.linop.offset

    def _shift(self) -> Any:
        return self.linop.offset if self.linop.constants else 0

    def _bound(self, v: torch.Tensor) -> CoreProxFn:
        x = dprox_core.Variable("v", tuple(v.shape), dtype=_kind(v))
        terms = self._function(x).terms
        if len(terms) != 1:
            raise ParameterError(
                f"{type(self).__name__} is a sum of {len(terms)} terms, whose prox is not known: "
                "solve a problem with it.",
                expected="one term",
                got=len(terms),
                where=type(self).__name__,
            )
        term = terms[0]
        binding = Binding(term.expressions())
        return bind(term.function, binding, term.expression, term.operands, term.options)

    # The language.

    def written(self, scope: Scope, factor: Any = 1.0) -> Objective:
        """The whole term in our own language, times a factor."""
        expression = scope.expression(self.linop)
        if self.beta != 1.0:
            expression = self.beta * expression
        return (self.alpha * factor) * self._function(expression)

    def known_as(self, key: object) -> bool:
        """Whether a key of ``lams`` means this function, or the one it was scaled from."""
        return key is self or (self._origin is not None and self._origin.known_as(key))

    def __mul__(self, factor: Any) -> ProxFn:
        if not is_data(factor):
            return NotImplemented
        number = float(factor)
        if number < 0.0:
            raise ParameterError(
                f"The weight of {type(self).__name__} must be a number from 0, not {number:g}: a "
                "negative weight is not convex.",
                expected="a number from 0",
                got=number,
                where=type(self).__name__,
            )
        other = _shallow(self)
        other.alpha = self.alpha * number
        other._origin = self
        return other

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> ProxFn:
        return self * (1.0 / divisor)

    def __add__(self, other: Any) -> ProxFnSum:
        return ProxFnSum([self]) + other

    def __radd__(self, other: Any) -> ProxFnSum:
        return ProxFnSum([self]) + other


class ProxFnSum:
    """A sum of proximal functions, which can be listed.

    Args:
        functions: the summands.
    """

    def __init__(self, functions: Sequence[ProxFn]) -> None:
        self.functions = list(functions)
        # What ``optimize`` was told, for ``compile``.
        self.settings: dict[str, Any] = {}

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.functions))

    def __iter__(self) -> Iterator[ProxFn]:
        return iter(self.functions)

    def __len__(self) -> int:
        return len(self.functions)

    def __getitem__(self, index: int) -> ProxFn:
        return self.functions[index]

    def __add__(self, other: Any) -> ProxFnSum:
        if isinstance(other, ProxFn):
            return ProxFnSum([*self.functions, other])
        if isinstance(other, (ProxFnSum, list, tuple)):
            return ProxFnSum([*self.functions, *other])
        if other == 0:
            return self
        raise ParameterError(
            f"A penalty is added to penalties, not {other!r:.60}.",
            expected="a penalty",
            got=type(other).__name__,
        )

    __radd__ = __add__

    def __mul__(self, factor: Any) -> ProxFnSum:
        return ProxFnSum([function * factor for function in self.functions])

    __rmul__ = __mul__


class _Own(CoreProxFn):
    """A function of a user's own in our language."""

    name = "own"

    def __init__(self, space: Space, owner: ProxFn) -> None:
        super().__init__(space)
        self._owner = owner

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """The user's name of it."""
        return f"{type(options['owner']).__name__}({argument})"

    @classmethod
    def parameters(cls, options: dict[str, Any]) -> tuple[torch.Tensor, ...]:
        """Those of the user's function itself."""
        owner = options["owner"]
        inside = {id(p) for p in owner.linop.parameters()}
        return tuple(p for p in owner.parameters() if id(p) not in inside)

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """As the user gives it; 0 where not."""
        if type(self._owner)._eval is ProxFn._eval:
            return torch.zeros((), dtype=torch.float64, device=v.device)
        return torch.as_tensor(self._owner._eval(v)).to(torch.float64)

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """As the user gives it, for a step that is a tensor, as it always is there."""
        return self._owner._prox(v, torch.as_tensor(step, dtype=v.real.dtype, device=v.device))


def as_functions(objective: Any) -> list[ProxFn]:
    """The summands of an objective.

    Raises:
        ParameterError: something is no penalty.
    """
    listed = [objective] if isinstance(objective, ProxFn) else objective
    if not isinstance(listed, (ProxFnSum, list, tuple)) or not all(
        isinstance(function, ProxFn) for function in listed
    ):
        raise ParameterError(
            f"A problem minimizes penalties, such as sum_squares(x - b) + norm1(x), or costs "
            f"c @ x, not {objective!r:.60}.",
            expected="penalties",
            got=type(objective).__name__,
            where="objective",
        )
    return list(listed)


def _shallow(function: ProxFn) -> ProxFn:
    """Another function of the same kind on the same expression and the same networks."""
    other = function.__class__.__new__(function.__class__)
    other.__dict__ = dict(function.__dict__)
    other.__dict__["_modules"] = dict(function._modules)
    other.__dict__["_parameters"] = dict(function._parameters)
    return other


def _aligned(step: Any, v: torch.Tensor) -> Any:
    """A step that broadcasts: a tensor of one value per sample gets the axes it lacks."""
    if not isinstance(step, torch.Tensor) or step.ndim == 0 or step.ndim == v.ndim:
        return step
    if step.numel() == 1:
        return step.reshape(())
    return step.reshape(-1, *(1,) * (v.ndim - 1)).to(v.real.dtype)


def _kind(v: torch.Tensor) -> torch.dtype | None:
    kept = (torch.float32, torch.float64, torch.complex64, torch.complex128)
    return v.dtype if v.dtype in kept else None
