"""The base of linear operators: two required methods, everything else with a right default."""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import torch

from dprox_core.linops.space import Space
from dprox_core.numerics import fourier

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["LINOPS", "LinOp", "Transfer", "apply", "register"]

LINOPS: dict[str, type[LinOp]] = {}
"""Every operator of the language by name; the table of test cases must cover all of them."""

_Class = TypeVar("_Class", bound="type[LinOp]")


def register(operator: _Class) -> _Class:
    """Enter an operator into the registry, next to its definition."""
    LINOPS[operator.name] = operator
    return operator


def shown_options(made: type, options: dict[str, Any]) -> list[str]:
    """Settings that are not the default, as a user writes them: ``gamma=2``."""
    known = _parameters(made)
    shown = []
    for name, value in options.items():
        default = known[name].default if name in known else inspect.Parameter.empty
        simple = isinstance(value, (bool, int, float, str, tuple))
        if simple and (default is inspect.Parameter.empty or value != default):
            number = isinstance(value, float)
            shown.append(f"{name}={value:g}" if number else f"{name}={value!r}")
    return shown


@cache
def _parameters(made: type) -> Mapping[str, inspect.Parameter]:
    """What it is made with; to look that up takes as long as to bind an operator."""
    return inspect.signature(made).parameters


def apply(operator: type[LinOp], argument: object, *operands: object, **options: Any) -> Any:
    """An operator on an expression gives an expression, on a tensor a tensor."""
    # Expressions are built on operators, so they are looked up when called.
    from dprox_core.expressions.algebra import apply as apply_expression

    return apply_expression(operator, argument, operands, **options)


@dataclass(frozen=True)
class Transfer:
    """An operator that multiplies each frequency of the two spatial axes.

    Attributes:
        values: the factors, broadcastable to the spectrum (..., H, W // 2 + 1), or (..., H, W)
            where ``full``; with ``stack`` further axes after those, one factor per output image.
        stack: how many axes the output has after the spatial ones.
        full: whether all frequencies are kept (complex images) or half of them (real images).
    """

    values: torch.Tensor
    stack: int
    full: bool


class LinOp(ABC):
    """A linear map A between tensors of given shapes, its data already in place.

    A subclass gives ``infer``, ``forward`` and ``adjoint``. What it declares beyond that
    (``diagonal``, ``transfer``, ``norm_bound``) decides how fast problems with it are solved.

    Args:
        domain: the space of its arguments; the adjoint of an operator on real images gives real
            images.
        range: the space of its results; None for the domain.
    """

    name: ClassVar[str]
    operand_names: ClassVar[tuple[str, ...]] = ()
    # Whether plain numbers reach the constructor as numbers instead of as tensors.
    keeps_numbers: ClassVar[bool] = False
    # Whether sparse tensors reach it as they are.
    keeps_sparse: ClassVar[bool] = False

    def __init__(self, domain: Space, range: Space | None = None) -> None:
        self.domain = domain
        self.range = domain if range is None else range

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The shape of the result; by default that of the argument.

        Raises:
            ShapeError: argument and operands do not fit together; the sentence names both.
        """
        return argument.shape

    @classmethod
    def is_complex_for(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> bool:
        """Whether results are complex; by default where the argument or an operand is."""
        return argument.is_complex or any(operand.is_complex for operand in operands)

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """The call as a user writes it."""
        return f"{cls.name}({', '.join([argument, *operands])})"

    @classmethod
    def held_tensors(cls, **options: Any) -> tuple[torch.Tensor, ...]:
        """Tensors among the settings, such as a module's parameters, that may want gradients."""
        return ()

    @abstractmethod
    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """A x, never a view of x unless A is the identity: solvers write into what they get.

        ``out``, where given, may be filled and returned in place of new memory.
        """

    @abstractmethod
    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Aᴴ y, for the real inner product Re⟨·, ·⟩ where the argument is real."""

    def adjoint_add(self, y: torch.Tensor, into: torch.Tensor, in_place: bool) -> torch.Tensor:
        """into + Aᴴ y, in ``into``'s own memory where allowed."""
        back = self.adjoint(y)
        return into.add_(back) if in_place else into + back

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The tensors that ``forward`` and ``adjoint`` compute with, for implicit gradients."""
        return ()

    @property
    def is_identity(self) -> bool:
        """Whether A x = x."""
        return False

    @property
    def is_orthogonal(self) -> bool:
        """Whether Aᴴ A = A Aᴴ = I, so that a prox may be taken behind A."""
        return False

    def diagonal(self) -> torch.Tensor | None:
        """d with A x = d ⊙ x, broadcastable to the argument; None where A is not diagonal."""
        return None

    def transfer(self) -> Transfer | None:
        """The factors by which A multiplies each frequency; None where it does something else."""
        return None

    def transfer_after(self, inner: Transfer) -> Transfer | None:
        """The factors of A B for a B with the given ones; None where A B does something else."""
        own = self.transfer()
        # A number multiplies everything that is stacked.
        single = own is not None and own.values.ndim == 0
        if own is None or (inner.stack and not single) or own.full != inner.full:
            return None
        values = inner.values
        if values.ndim:
            values = values[(..., *([None] * own.stack))]
        return Transfer(fourier.multiply(own.values, values), own.stack + inner.stack, own.full)

    @property
    def by_frequencies(self) -> bool:
        """Whether products with it are taken in frequency, one transform there and one back."""
        return False

    def gram_diagonal(self) -> torch.Tensor | None:
        """g with Aᴴ A x = g ⊙ x; None where that is not diagonal."""
        d = self.diagonal()
        return None if d is None else magnitude_squared(d)

    def gram_spectrum(self) -> torch.Tensor | None:
        """Factors by which Aᴴ A multiplies each frequency; None where it does something else."""
        transfer = self.transfer()
        if transfer is None:
            return None
        squared = magnitude_squared(transfer.values)
        for _ in range(transfer.stack):
            squared = squared.sum(dim=-1)
        return squared

    @property
    def is_selection(self) -> bool:
        """Whether each result is one element of the argument, or zero, as a crop's are."""
        return False

    def weighted_gram_diagonal(self, weights: torch.Tensor) -> torch.Tensor | None:
        """g with Aᴴ diag(weights) A x = g ⊙ x, for real weights that broadcast to the results;
        None where that is not diagonal."""
        d = self.diagonal()
        if d is not None:
            return magnitude_squared(d) * weights
        if self.is_selection:
            filled = weights.to(device=self.range.device, dtype=self.range.precision)
            return self.adjoint(filled.expand(self.range.shape).contiguous()).real
        if weights.numel() == 1:
            gram = self.gram_diagonal()
            return None if gram is None else gram * weights.reshape(())
        return None

    def weighted_gram_spectrum(self, weights: torch.Tensor) -> torch.Tensor | None:
        """Factors by which Aᴴ diag(weights) A multiplies each frequency, such as those of a
        Fourier transform; None where it does something else."""
        if weights.numel() == 1:
            gram = self.gram_spectrum()
            return None if gram is None else gram * weights.reshape(())
        transfer = self.transfer()
        if transfer is None or transfer.stack or any(n != 1 for n in weights.shape[-2:]):
            return None
        return magnitude_squared(transfer.values) * weights

    def mean_gram_diagonal(self) -> torch.Tensor | None:
        """The diagonal of Aᴴ A, whatever else that holds, for preconditioning; None where it is
        not known."""
        return self.gram_diagonal()

    def factored(self) -> tuple[torch.Tensor, LinOp] | None:
        """d and B with A x = d ⊙ (B x), B the simpler; None where A is not such a product."""
        return None

    def decimated(self) -> tuple[int, Transfer] | None:
        """s and T where A keeps every s-th pixel of every s-th row of T x; None elsewhere."""
        return None

    def along(self) -> tuple[int, torch.Tensor] | None:
        """An axis, from the end, and a matrix where A multiplies by it along that axis; None
        elsewhere."""
        return None

    def norm_bound(self) -> float:
        """An upper bound of ‖A‖, exact where a diagonal form is known."""
        known = self.exact_norm()
        if known is not None:
            return known
        # Estimates are made with products of operators.
        from dprox_core.linops.estimate import cached_norm

        return cached_norm(self)

    def tight_norm(self) -> float:
        """A bound of ‖A‖ that step sizes are worth some products for; by default ``norm_bound``."""
        return self.norm_bound()

    def exact_norm(self) -> float | None:
        """‖A‖ from a diagonal form, None where there is none."""
        for gram in (self.gram_diagonal(), self.gram_spectrum()):
            if gram is not None:
                return math.sqrt(float(gram.detach().max()))
        return None

    def to_domain(self, x: torch.Tensor) -> torch.Tensor:
        """The real part where the argument is real: the projection that its adjoint ends with."""
        return x.real if x.is_complex() and not self.domain.is_complex else x


def magnitude_squared(values: torch.Tensor) -> torch.Tensor:
    """|v|², real."""
    if values.is_complex():
        return values.real.square() + values.imag.square()
    return values.square()
