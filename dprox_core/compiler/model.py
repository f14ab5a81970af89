"""What the passes work on: weighted functions of rows of linear operators, with numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch

from dprox_core.algorithms.per_sample import shaped
from dprox_core.compiler.in_frequency import SquaresInFrequency, squares_in_frequency
from dprox_core.expressions.leaves import Variable
from dprox_core.linops.algebra import Identity
from dprox_core.linops.base import LinOp
from dprox_core.linops.content import same_operator
from dprox_core.linops.space import Space
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import ProxFn, Step

__all__ = ["BoundTerm", "Model", "Penalty", "Row", "by_row", "same_row"]

Vectors = tuple[torch.Tensor, ...]

# Products that agree to so many roundings are the same.
_ROUNDINGS = 1e3


@dataclass(frozen=True)
class Row:
    """The map x ↦ Σ_i K_i x_i from all variables into one space.

    Attributes:
        entries: pairs (index of the variable, operator); variables that do not appear have none.
    """

    entries: tuple[tuple[int, LinOp], ...]

    @property
    def range(self) -> Space:
        """The space of its results."""
        spaces = [operator.range for _, operator in self.entries]
        return spaces[0].as_complex(any(space.is_complex for space in spaces))

    @property
    def single(self) -> tuple[int, LinOp] | None:
        """The only entry, None where several variables meet."""
        return self.entries[0] if len(self.entries) == 1 else None

    @property
    def is_identity(self) -> bool:
        """Whether it takes one variable as it is."""
        return len(self.entries) == 1 and self.entries[0][1].is_identity

    def forward(self, x: Vectors, out: torch.Tensor | None = None) -> torch.Tensor:
        """Σ_i K_i x_i; for an identity the variable itself, not a copy."""
        index, operator = self.entries[0]
        result = operator.forward(x[index], out=out)
        for index, operator in self.entries[1:]:
            result = result + operator.forward(x[index])
        return result

    def adjoint_add(self, y: torch.Tensor, into: list[torch.Tensor], in_place: bool) -> None:
        """Add K_iᴴ y to each variable's sum."""
        for index, operator in self.entries:
            into[index] = operator.adjoint_add(y, into[index], in_place)

    def norm_bound(self) -> float:
        """(Σ_i ‖K_i‖²)^½."""
        return sum(operator.norm_bound() ** 2 for _, operator in self.entries) ** 0.5

    def tight_norm(self) -> float:
        """The norm, from products with it where several variables meet."""
        if self.single is not None:
            return self.single[1].tight_norm()
        # Rows are what norms of several rows are made of.
        from dprox_core.linsolve.norms import Weighed, joint_norm

        return joint_norm([Weighed(self)]) ** 0.5

    def tensors(self) -> Vectors:
        """The tensors that its operators compute with."""
        return tuple(tensor for _, operator in self.entries for tensor in operator.tensors())


def same_row(a: Row, b: Row) -> bool:
    """Whether two rows are the same map, gradients included."""
    if a is b:
        return True
    pairs = zip(a.entries, b.entries, strict=False)
    return len(a.entries) == len(b.entries) and all(
        i == j and same_operator(held, other) for (i, held), (j, other) in pairs
    )


@dataclass(frozen=True)
class Penalty:
    """h(z) = w · f(d ⊙ (Q z) + c), with its prox: where scaling, translation and rotation live.

    With q = d ⊙ v + c and Q = I, v − prox_{t h}(v) = (d̄ / |d|²) ⊙ (q − prox_{t w |d|² f}(q)), and
    0 where d = 0 (Parikh and Boyd 2014, section 2.2). A diagonal d that varies needs a separable f.
    An orthogonal Q commutes with the prox: prox_h(v) = Qᴴ prox of f(d ⊙ · + c) at Q v.

    Attributes:
        function: f.
        weight: w, a number or a tensor of one element.
        scale: d, None for 1.
        offset: c, None for 0.
        rotation: Q, orthogonal; None for the identity.
    """

    function: ProxFn
    weight: Step = 1.0
    scale: torch.Tensor | None = None
    offset: torch.Tensor | None = None
    rotation: LinOp | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is w · f(z)."""
        return self.scale is None and self.offset is None and self.rotation is None

    @property
    def elementwise(self) -> bool:
        """Whether its prox does the same to every element, wherever it lies."""
        varies = self.scale is not None and self.scale.ndim > 0
        moved = varies or self.offset is not None or self.rotation is not None
        return self.function.elementwise and not moved

    def inside(self, z: torch.Tensor) -> torch.Tensor:
        """d ⊙ (Q z) + c."""
        if self.rotation is not None:
            z = self.rotation.forward(z)
        if self.scale is not None:
            z = z * self.scale
        return z if self.offset is None else z + self.offset

    def value(self, z: torch.Tensor, size: float = 0.0) -> torch.Tensor:
        """h(z), in double precision; an indicator without weight.

        Args:
            z: its argument.
            size: how large the numbers were of which z is the sum; sets forgive their rounding.
        """
        inside = self.inside(z)
        if not self.function.is_indicator:
            return self.function.value(inside) * self.weight
        if self.offset is not None:
            size = max(size, _largest(self.offset), _largest(inside - self.offset))
        return self.function.value_within(inside, size)

    def near_value(self, z: torch.Tensor) -> torch.Tensor:
        """h at the values nearest to z at which it is finite, in double precision."""
        near = self.function.finite(self.inside(z))
        return self.function.value(near) * self.weight

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """argmin over u of h(u) + ‖u − v‖² / (2 step)."""
        if self.is_plain:
            return _alike(self.function.prox(v, self._step(step)), v)
        return v - self.dual_prox(v, step)

    def dual_prox(
        self, v: torch.Tensor, step: Step, out: torch.Tensor | None = None
    ) -> torch.Tensor:
        """v − prox(v, step)."""
        if self.rotation is not None:
            inner_penalty = replace(self, rotation=None)
            turned = inner_penalty.dual_prox(self.rotation.forward(v), step)
            back = self.rotation.adjoint(turned)
            return back if out is None else out.copy_(back)
        step = self._step(step)
        if self.scale is None:
            return _alike(self.function.dual_prox(self.inside(v), step, out=out), v)
        d = self.scale
        squared = d.real.square() + d.imag.square() if d.is_complex() else d.square()
        # Where d = 0 the result is, too; its slope along d is t w ∇f(c), which a small |d|² tells.
        small = torch.finfo(squared.dtype).eps ** 0.5
        squared = torch.where(squared > 0, squared, small)
        back = d.conj() / squared
        inner: Step = step * squared
        if d.ndim == 0 and not isinstance(step, torch.Tensor) and not d.requires_grad:
            inner = float(inner)
        return _alike(torch.mul(self.function.dual_prox(self.inside(v), inner), back, out=out), v)

    def _step(self, step: Step) -> Step:
        return step if self.function.is_indicator else step * self.weight


@dataclass(frozen=True)
class BoundTerm:
    """One summand w · f(d ⊙ (Q K x) + c) of a problem with numbers in place.

    Attributes:
        penalty: w, f, d, Q and c.
        row: K.
        text: the term as its user wrote it.
        argument: the argument of f as its user wrote it.
        obstacle: the lowest part of the argument that no prox absorbs, as written; "" for none.
        hindered: the names of the variables in the obstacle.
        apart: whether the user wants it split off even where the linear solve could take it.
    """

    penalty: Penalty
    row: Row
    text: str
    argument: str
    obstacle: str = ""
    hindered: tuple[str, ...] = ()
    apart: bool = False

    @property
    def function(self) -> ProxFn:
        """f."""
        return self.penalty.function

    @property
    def moved(self) -> str:
        """What passes took out of the argument into the prox, in words; "" for nothing."""
        parts = {"scaling": self.penalty.scale, "rotation": self.penalty.rotation}
        return " and ".join(word for word, part in parts.items() if part is not None)

    @cached_property
    def in_frequency(self) -> SquaresInFrequency | None:
        """f(d ⊙ (Q K x) + c) where it is better told in frequency."""
        return squares_in_frequency(self.penalty, self.row)

    def near_value(self, x: Vectors) -> float:
        """The term's value nearby where it is infinite."""
        squares = self.in_frequency
        if squares is None:
            return reductions.number(self.penalty.near_value(self.row.forward(x)))
        inside = squares.inside(x[self.row.entries[0][0]])
        return reductions.number(squares.value(inside)) * reductions.number(self.penalty.weight)

    def value(self, x: Vectors) -> torch.Tensor:
        """The term's value, in double precision."""
        size = 0.0
        if self.function.is_indicator:
            size = max(_largest(x[index]) for index, _ in self.row.entries)
        return self.penalty.value(self.row.forward(x), size)


def _alike(found: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """In the precision of v, which one number without an axis would take from the step's."""
    if found.ndim or found.real.dtype == v.real.dtype:
        return found
    return found.to(v.real.dtype.to_complex() if found.is_complex() else v.real.dtype)


def _largest(values: torch.Tensor) -> float:
    return reductions.number(values.detach().abs().max())


def by_row(terms: Iterable[BoundTerm]) -> list[list[BoundTerm]]:
    """The terms in groups whose rows are the same map, in the order of first appearance."""
    groups: list[list[BoundTerm]] = []
    for term in terms:
        fitting = [group for group in groups if same_row(group[0].row, term.row)]
        if fitting:
            fitting[0].append(term)
        else:
            groups.append([term])
    return groups


@dataclass(frozen=True)
class Model:
    """A problem with numbers in place.

    Attributes:
        variables: the unknowns, in order.
        spaces: where each lives.
        terms: the summands that depend on them.
        constant: the sum of what does not.
        notes: what passes did, sentence by sentence.
        named: whether the user has named what is split off.
    """

    variables: tuple[Variable, ...]
    spaces: tuple[Space, ...]
    terms: tuple[BoundTerm, ...]
    constant: torch.Tensor | float = 0.0
    notes: tuple[str, ...] = field(default=())
    named: bool = False

    @property
    def convex(self) -> bool:
        """Whether every term is."""
        return all(term.function.convex for term in self.terms)

    @cached_property
    def samples(self) -> int:
        """How many samples of a batch this is the sum over; 1 for one problem.

        Images have them in front of channels and pixels (B, C, H, W); tensors of fewer axes than
        three are one sample. Where any term lets samples meet, they are one problem together.
        """
        first = {space.shape[0] if len(space.shape) >= 3 else 1 for space in self.spaces}
        batch = first.pop()
        return batch if not first and batch > 1 and self._stand_alone(batch) else 1

    @torch.no_grad()
    def _stand_alone(self, batch: int) -> bool:
        """Whether each term is a sum over samples that never meet.

        An operator that treats each sample alone commutes with a factor for each, which is seen on
        random tensors: K (s ⊙ x) = s ⊙ (K x).
        """
        if not all(t.function.samplewise and t.penalty.rotation is None for t in self.terms):
            return False
        generator = torch.Generator().manual_seed(0)
        x = tuple(
            torch.randn(space.shape, generator=generator, dtype=torch.float64).to(
                space.device, space.dtype
            )
            for space in self.spaces
        )
        factors = torch.rand(batch, generator=generator, dtype=torch.float64) + 0.5
        scaled = tuple(v * shaped(factors, v) for v in x)
        for row in (term.row for term in self.terms if not term.row.is_identity):
            first, second = row.forward(x), row.forward(scaled)
            if first.shape[:1] != (batch,):
                return False
            error = reductions.norm(second - first * shaped(factors, first))
            rounding = _ROUNDINGS * torch.finfo(first.real.dtype).eps
            if error > rounding * max(reductions.norm(first), reductions.norm(second)):
                return False
        return True

    def with_terms(self, terms: tuple[BoundTerm, ...]) -> Model:
        """The model with other terms."""
        return replace(self, terms=terms)

    def identity_row(self, index: int) -> Row:
        """The row that takes one variable as it is."""
        return Row(((index, Identity(self.spaces[index])),))
