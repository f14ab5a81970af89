"""The base of penalty functions, and how a user's call becomes one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.affine import dense
from dprox_core.expressions.base import Expression, as_expression
from dprox_core.linops.base import shown_options
from dprox_core.linops.space import Space
from dprox_core.proxfns import checks
from dprox_core.proxfns.objective import Objective, Term

if TYPE_CHECKING:
    from dprox_core.expressions.binding import Binding
    from dprox_core.linops.base import LinOp

__all__ = ["PROXFNS", "Objective", "ProxFn", "Quadratic", "Step", "Term", "make", "register"]

PROXFNS: dict[str, type[ProxFn]] = {}
"""Every function of the language by name; the table of test cases must cover all of them."""

Step = float | torch.Tensor
"""A step size: a number, or a tensor that broadcasts, such as one value per sample."""

_Class = TypeVar("_Class", bound="type[ProxFn]")


def register(function: _Class) -> _Class:
    """Enter a function into the registry, next to its definition."""
    PROXFNS[function.name] = function
    return function


@dataclass(frozen=True)
class Quadratic:
    """What makes a function quadratic: f(v) = Re⟨v, W v⟩ + Re⟨g, v⟩.

    Attributes:
        metric: W, symmetric and positive semi-definite; None for the identity.
        slope: g; None for zero.
        curved: False where W is zero.
    """

    metric: LinOp | None = None
    slope: torch.Tensor | None = None
    curved: bool = True


class ProxFn(ABC):
    """A closed function f of one tensor, with its own data already in place.

    A subclass gives ``value`` and ``prox`` and declares what it is; the faster ``dual_prox`` is
    optional and tested against ``prox``.

    Args:
        space: the space of its argument.
    """

    name: ClassVar[str]
    operand_names: ClassVar[tuple[str, ...]] = ()
    convex: bool = True
    # Infinite values in the operands mean something, as they do in bounds.
    infinite_operands: ClassVar[bool] = False
    # Defined for real arguments only.
    real_only: ClassVar[bool] = False
    # f(v) = Σ f_i(v_i): its prox then takes a step per element.
    separable: bool = False
    # f(v) = Σ f(v_b) over the entries of the first axis where that is one of samples (B, …): its
    # prox then takes a step per sample. Separable functions are, whatever they say here.
    sums_samples: bool = False
    # Separable without data: with one step its prox does the same to every element.
    elementwise: bool = False
    is_sum_squares: ClassVar[bool] = False
    # f takes only the values 0 and infinity: weights mean nothing to it.
    is_indicator: bool = False
    # f is infinite outside a set and no indicator: ``finite`` leads back into it.
    has_domain: ClassVar[bool] = False
    # How long a subgradient gets at most, per element or group; None where nothing bounds it.
    slope: float | None = None
    # The Lipschitz constant of the gradient, None where f is not smooth.
    lipschitz: float | None = None
    # The largest μ known with which f(v) − (μ/2) ‖v‖² is still convex; above 0 strongly convex.
    modulus: float = 0.0
    # f(c v) = c f(v) for every c > 0.
    homogeneous: ClassVar[bool] = False
    # Whether its prox meets bounds exactly.
    meets_bounds: bool = False
    # Whether f(v) is known; a denoiser in the place of a prox belongs to no known function.
    has_value: ClassVar[bool] = True
    # The only methods that make sense of it, None for all.
    methods: ClassVar[tuple[str, ...] | None] = None

    def __init__(self, space: Space) -> None:
        self.space = space

    @property
    def samplewise(self) -> bool:
        """Whether samples along a first axis never meet, so that each may have its own step."""
        return self.separable or self.sums_samples

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """Refuse an argument or options that the function is not defined for.

        Raises:
            DproxError: a sentence that names the argument.
        """
        if cls.real_only:
            checks.real_valued(cls.name, argument)

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """The call as a user writes it."""
        return f"{cls.name}({', '.join([argument, *operands, *shown_options(cls, options)])})"

    @classmethod
    def parameters(cls, options: dict[str, Any]) -> tuple[torch.Tensor, ...]:
        """What training changes in the function itself, by default nothing."""
        return ()

    @abstractmethod
    def value(self, v: torch.Tensor) -> torch.Tensor:
        """f(v), a scalar in double precision."""

    def value_within(self, v: torch.Tensor, size: float) -> torch.Tensor:
        """f(v), where v is what is left of numbers up to ``size``: sets forgive their rounding."""
        return self.value(v)

    @abstractmethod
    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """argmin over u of f(u) + ‖u − v‖² / (2 step)."""

    def dual_prox(
        self, v: torch.Tensor, step: Step, out: torch.Tensor | None = None
    ) -> torch.Tensor:
        """v − prox(v, step) = step · prox of the conjugate f* at v / step (Moreau's identity)."""
        return torch.sub(v, self.prox(v, step), out=out)

    def grad(self, v: torch.Tensor) -> torch.Tensor:
        """∇f(v), where f is smooth."""
        raise NotImplementedError(f"{self.name} has no gradient")

    def quadratic(self) -> Quadratic | None:
        """W and g where f is quadratic: it may join the linear system of an x-update."""
        return None

    def summands(self) -> tuple[tuple[float, ProxFn, str], ...]:
        """Simpler functions that f is a weighted sum of, each with a word; none by default."""
        return ()

    @property
    def bounds(self) -> tuple[float | torch.Tensor, float | torch.Tensor] | None:
        """Between what values f keeps its argument, None where it does not."""
        return None

    def bounded(self, v: torch.Tensor) -> torch.Tensor:
        """v, where f holds bounds moved into them: differences of floating-point numbers may miss
        a bound by rounding."""
        return v

    def follows(self, first: ProxFn) -> bool:
        """Whether the prox of f after that of ``first`` is the prox of their sum."""
        return False

    def finite(self, v: torch.Tensor) -> torch.Tensor:
        """The values nearest to v at which f is finite."""
        return v

    def outside(self, v: torch.Tensor) -> torch.Tensor:
        """v − P(v), for the set of an indicator or the domain."""
        return v - self.finite(v) if self.has_domain else self.dual_prox(v, 1.0)

    def violation(self, v: torch.Tensor) -> torch.Tensor:
        """How far v is outside the set or the domain: the largest |v − P(v)|."""
        return self.outside(v).abs().max()


def bind(
    function: type[ProxFn],
    binding: Binding,
    argument: Expression,
    operands: tuple[Expression, ...],
    options: dict[str, Any],
) -> ProxFn:
    """A function with its operands' values put in."""
    function.check(argument, operands, **options)
    values = binding.operands(operands, keep_numbers=True, infinite=function.infinite_operands)
    return function(binding.space(argument), *values, **options)


def make(function: type[ProxFn], argument: object, *operands: object, **options: Any) -> Any:
    """A function of an expression gives an objective; of a tensor, its value.

    Raises:
        ParameterError: the argument is neither, or is itself a penalty.
        ShapeError: it has no elements.
    """
    if isinstance(argument, Objective):
        raise ParameterError(
            f"{function.name} takes an expression, not the penalty {argument.describe()}: wire a "
            "variable or an operator into it.",
            expected="an expression",
            got="a penalty",
            where=function.name,
        )
    expression = as_expression(argument, "v", f"What {function.name} takes")
    shape = expression.shape
    if shape is not None and 0 in shape:
        raise ShapeError(
            f"{function.name}: {expression.describe()} of shape {shape} has no elements.",
            expected="at least one element along each axis",
            got=shape,
            where=expression.describe(),
        )
    given = tuple(
        as_expression(operand, role, f"{function.name}: {role}")
        for role, operand in zip(function.operand_names, operands, strict=True)
    )
    checks.finite_numbers(function.name, function.operand_names, given, function.infinite_operands)
    # Numbers of numpy as Python's own, so that they are written like them.
    options = {k: v.item() if isinstance(v, np.generic) else v for k, v in options.items()}
    function.check(expression, given, **options)
    term = Term(function, expression, given, options)
    if isinstance(argument, Expression):
        return Objective((term,))
    from dprox_core.expressions.binding import Binding

    binding = Binding(term.expressions())
    value = dense(binding.value(expression))
    return bind(function, binding, expression, given, options).value(value)
