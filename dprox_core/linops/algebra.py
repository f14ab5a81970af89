"""Operators made of operators: identity, scaling, composition, sum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from dprox_core.errors import ShapeError
from dprox_core.linops.base import LinOp, Transfer, magnitude_squared, register
from dprox_core.linops.estimate import near_norm
from dprox_core.linops.space import Space
from dprox_core.numerics import fourier

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Composition", "Identity", "Scale", "Sum", "compose", "total"]


class Identity(LinOp):
    """A x = x."""

    name = "identity"

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The argument itself, not a copy."""
        return x

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The argument itself, its real part for a real domain."""
        return self.to_domain(y)

    @property
    def is_identity(self) -> bool:
        """Always."""
        return True

    def diagonal(self) -> torch.Tensor:
        """One."""
        return torch.ones((), dtype=torch.float64)

    def transfer(self) -> Transfer | None:
        """One at every frequency."""
        if len(self.domain.shape) < 2:
            return None
        return Transfer(self.diagonal(), 0, self.domain.is_complex)

    def norm_bound(self) -> float:
        """1."""
        return 1.0


@register
class Scale(LinOp):
    """A x = s x for one number s, real or complex."""

    name = "scale"
    operand_names = ("factor",)
    keeps_numbers = True

    def __init__(self, domain: Space, factor: complex | torch.Tensor) -> None:
        is_complex = isinstance(factor, complex) or (
            isinstance(factor, torch.Tensor) and factor.is_complex()
        )
        super().__init__(domain, domain.as_complex() if is_complex else domain)
        if isinstance(factor, torch.Tensor):
            factor = factor.reshape(())
        self.factor = factor

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape.

        Raises:
            ShapeError: the factor has more than one element.
        """
        shape = operands[0].shape
        if shape is not None and math.prod(shape) != 1:
            raise ShapeError(
                f"{argument.describe()} is multiplied by a tensor of shape {shape}: * takes one "
                "number; write mul_elementwise(x, w) for a product element by element.",
                expected="one number",
                got=shape,
                where=argument.describe(),
            )
        return argument.shape

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``3*x``, ``-x``, brackets around sums."""
        inner = f"({argument})" if " " in argument and not argument.endswith(")") else argument
        inner = f"({argument})" if " + " in argument or " - " in argument else inner
        return f"-{inner}" if operands[0] == "-1" else f"{operands[0]}*{inner}"

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """s x."""
        if out is not None and self._fits(x, out):
            return torch.mul(x, self.factor, out=out)
        return x * self.factor

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """conj(s) y."""
        conjugate = (
            self.factor.conj() if isinstance(self.factor, torch.Tensor) else self.factor.conjugate()
        )
        return self.to_domain(y * conjugate)

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The factor where it is a tensor."""
        return (self.factor,) if isinstance(self.factor, torch.Tensor) else ()

    def diagonal(self) -> torch.Tensor:
        """s, in double precision where it is a plain number."""
        factor = self.factor
        if not isinstance(factor, torch.Tensor):
            dtype = torch.complex128 if isinstance(factor, complex) else torch.float64
            return torch.tensor(factor, dtype=dtype)
        return factor

    def transfer(self) -> Transfer | None:
        """s at every frequency, where the image stays real or was complex."""
        values = self.diagonal()
        if len(self.domain.shape) < 2 or (values.is_complex() and not self.domain.is_complex):
            return None
        return Transfer(values, 0, self.domain.is_complex)

    @staticmethod
    def _fits(x: torch.Tensor, out: torch.Tensor) -> bool:
        return x.shape == out.shape and x.dtype == out.dtype


class Composition(LinOp):
    """A = outer ∘ inner.

    Args:
        outer: applied second.
        inner: applied first.
    """

    name = "composition"

    def __init__(self, outer: LinOp, inner: LinOp) -> None:
        super().__init__(inner.domain, outer.range)
        self.outer = outer
        self.inner = inner

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """outer(inner(x))."""
        return self.outer.forward(self.inner.forward(x), out=out)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """innerᴴ(outerᴴ(y))."""
        return self.inner.adjoint(self.outer.adjoint(y))

    def adjoint_add(self, y: torch.Tensor, into: torch.Tensor, in_place: bool) -> torch.Tensor:
        """into + innerᴴ(outerᴴ(y))."""
        return self.inner.adjoint_add(self.outer.adjoint(y), into, in_place)

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """Those of both."""
        return self.inner.tensors() + self.outer.tensors()

    def diagonal(self) -> torch.Tensor | None:
        """The product of both diagonals."""
        outer, inner = self.outer.diagonal(), self.inner.diagonal()
        if outer is None or inner is None or self.inner.range.shape != self.domain.shape:
            return None
        return fourier.multiply(outer, inner)

    def gram_diagonal(self) -> torch.Tensor | None:
        """|inner|² times the outer gram, where both are diagonal."""
        gram = self.outer.gram_diagonal()
        return None if gram is None else self.inner.weighted_gram_diagonal(gram)

    @property
    def is_selection(self) -> bool:
        """Where both are."""
        return self.outer.is_selection and self.inner.is_selection

    def weighted_gram_diagonal(self, weights: torch.Tensor) -> torch.Tensor | None:
        """The inner one's, weighted by the outer one's."""
        gram = self.outer.weighted_gram_diagonal(weights)
        return None if gram is None else self.inner.weighted_gram_diagonal(gram)

    def transfer(self) -> Transfer | None:
        """The inner one's, seen through the outer operator."""
        inner = self.inner.transfer()
        return None if inner is None else self.outer.transfer_after(inner)

    def transfer_after(self, inner: Transfer) -> Transfer | None:
        """The other operator's, seen through both."""
        own = self.inner.transfer_after(inner)
        return None if own is None else self.outer.transfer_after(own)

    @property
    def by_frequencies(self) -> bool:
        """Where one is, and the other is, too, or a number."""
        parts = (self.outer, self.inner)
        return any(part.by_frequencies for part in parts) and all(
            part.by_frequencies or isinstance(part, Scale) for part in parts
        )

    def gram_spectrum(self) -> torch.Tensor | None:
        """From the transfers, or the outer gram seen through an inner Fourier transform."""
        known = super().gram_spectrum()
        gram = self.outer.gram_diagonal() if known is None else None
        return known if gram is None else self.inner.weighted_gram_spectrum(gram)

    def weighted_gram_spectrum(self, weights: torch.Tensor) -> torch.Tensor | None:
        """The inner one's, weighted by the outer one's, or the outer one's times |inner|²."""
        gram = self.outer.weighted_gram_diagonal(weights)
        if gram is not None:
            return self.inner.weighted_gram_spectrum(gram)
        outer, inner = self.outer.weighted_gram_spectrum(weights), self.inner.transfer()
        if outer is None or inner is None or inner.stack:
            return None
        return outer * magnitude_squared(inner.values)

    def decimated(self) -> tuple[int, Transfer] | None:
        """Decimation of an inner transfer, or a multiple of a decimation."""
        d = self.outer.diagonal()
        if d is not None and d.ndim == 0:
            found = self.inner.decimated()
            if found is None or (d.is_complex() and not self.domain.is_complex):
                return None
            step, transfer = found
            values = fourier.multiply(transfer.values, d.to(transfer.values.device))
            return step, Transfer(values, 0, transfer.full)
        found, inner = self.outer.decimated(), self.inner.transfer()
        if found is None or inner is None or inner.stack or inner.full != found[1].full:
            return None
        return found[0], Transfer(fourier.multiply(found[1].values, inner.values), 0, inner.full)

    def along(self) -> tuple[int, torch.Tensor] | None:
        """The product of two matrices along one axis, or a multiple of one."""
        inner = self.inner.along()
        if inner is None:
            return None
        axis, matrix = inner
        d = self.outer.diagonal()
        if d is not None and d.ndim == 0:
            dtype = torch.promote_types(d.dtype, matrix.dtype) if d.is_complex() else matrix.dtype
            return axis, matrix * d.to(device=matrix.device, dtype=dtype)
        outer = self.outer.along()
        kept = len(self.inner.range.shape) == len(self.domain.shape)
        if outer is None or outer[0] != axis or not kept:
            return None
        if not (outer[1].layout is matrix.layout is torch.strided):
            return None
        dtype = torch.promote_types(outer[1].dtype, matrix.dtype)
        return axis, outer[1].to(dtype) @ matrix.to(dtype)

    def norm_bound(self) -> float:
        """‖outer‖ ‖inner‖, or the exact norm where a diagonal form is known."""
        known = self.exact_norm()
        return self.outer.norm_bound() * self.inner.norm_bound() if known is None else known

    def tight_norm(self) -> float:
        """The norm as the Lanczos process finds it, where the product need not be exact."""
        if self.exact_norm() is not None:
            return self.norm_bound()
        d = self.outer.diagonal()
        if self.outer.is_orthogonal or (d is not None and d.ndim == 0):
            return self.outer.norm_bound() * self.inner.tight_norm()
        return near_norm(self, self.norm_bound())


class Sum(LinOp):
    """A = Σ terms, all of one shape."""

    name = "sum"

    def __init__(self, terms: tuple[LinOp, ...]) -> None:
        is_complex = any(term.range.is_complex for term in terms)
        super().__init__(terms[0].domain, terms[0].range.as_complex(is_complex))
        self.terms = terms

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """Σ term(x)."""
        result = self.terms[0].forward(x)
        for term in self.terms[1:]:
            result = result + term.forward(x)
        return result

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Σ termᴴ(y)."""
        result = self.terms[0].adjoint(y)
        for term in self.terms[1:]:
            result = result + term.adjoint(y)
        return result

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """Those of all terms."""
        return tuple(tensor for term in self.terms for tensor in term.tensors())

    def diagonal(self) -> torch.Tensor | None:
        """The sum of the diagonals."""
        held = [term.diagonal() for term in self.terms]
        known = [d for d in held if d is not None]
        return sum(known[1:], known[0]) if len(known) == len(held) else None

    def transfer(self) -> Transfer | None:
        """The sum of the transfers."""
        return _added([term.transfer() for term in self.terms])

    def transfer_after(self, inner: Transfer) -> Transfer | None:
        """The sum of those of the terms behind the other operator."""
        return _added([term.transfer_after(inner) for term in self.terms])

    def norm_bound(self) -> float:
        """Σ ‖term‖, or the exact norm where a diagonal form is known."""
        known = self.exact_norm()
        return sum(term.norm_bound() for term in self.terms) if known is None else known

    def tight_norm(self) -> float:
        """The norm as the Lanczos process finds it, where no diagonal form is known."""
        bound = self.norm_bound()
        return bound if self.exact_norm() is not None else near_norm(self, bound)


def _added(held: list[Transfer | None]) -> Transfer | None:
    known = [transfer for transfer in held if transfer is not None]
    if len(known) < len(held) or len({(t.stack, t.full) for t in known}) != 1:
        return None
    values = sum((t.values for t in known[1:]), known[0].values)
    return Transfer(values, known[0].stack, known[0].full)


def compose(outer: LinOp, inner: LinOp) -> LinOp:
    """outer ∘ inner, without what does nothing; scalings next to each other become one."""
    if inner.is_identity:
        return outer
    if outer.is_identity:
        return inner
    if isinstance(outer, Composition):
        return compose(outer.outer, compose(outer.inner, inner))
    if isinstance(outer, Scale) and isinstance(inner, Scale):
        return Scale(inner.domain, outer.factor * inner.factor)
    if (
        isinstance(outer, Scale)
        and isinstance(inner, Composition)
        and isinstance(inner.outer, Scale)
    ):
        merged = Scale(inner.outer.domain, outer.factor * inner.outer.factor)
        return Composition(merged, inner.inner)
    return Composition(outer, inner)


def total(left: LinOp, right: LinOp) -> LinOp:
    """left + right, flat; an operator and itself are twice the operator."""
    if left is right:
        return compose(Scale(left.range, 2.0), left)
    parts: list[LinOp] = []
    for side in (left, right):
        parts.extend(side.terms if isinstance(side, Sum) else (side,))
    return Sum(tuple(parts))
