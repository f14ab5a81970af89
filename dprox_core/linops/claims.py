"""Whether an operator of a user's own is what was said about it, seen at one random vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

import torch

from dprox_core.errors import ParameterError

if TYPE_CHECKING:
    from dprox_core.linops.custom import LinOpFactory

__all__ = ["check_claims"]

Map = Callable[[torch.Tensor], torch.Tensor]


@torch.no_grad()
def check_claims(owner: LinOpFactory, forward: Map, at_zero: torch.Tensor, x: torch.Tensor) -> None:
    """Linearity, ‖A‖, the diagonal and the adjoint: a solve with a false one has a wrong answer.

    Args:
        owner: what was said.
        forward: x ↦ A x.
        at_zero: A 0.
        x: a random vector.

    Raises:
        ParameterError: something is not true; the sentence says what.
    """
    if at_zero.numel() == 0:
        return
    image = forward(x)
    size = _length(image)
    _check_linear(owner.name, forward, at_zero, x, image)
    least = size / _length(x)
    if owner.norm_bound is not None and owner.norm_bound < least * (1 - 1e-5):
        _refuse(
            owner.name,
            f"norm_bound is {owner.norm_bound:.4g}, and some vector becomes {least:.4g} times as "
            "long",
            "norm_bound",
        )
    if owner.diagonal is not None:
        diagonal = owner.diagonal.to(x.device)
        told = _of_shape(owner.name, lambda: diagonal * x, image, "diagonal")
        if not _length(told - image) <= 1e-2 * size:
            _refuse(owner.name, "A x is not the diagonal times x", "diagonal")
    if owner.adjoint is None or not owner.checks_adjoint:
        return
    adjoint = owner.adjoint
    back = _of_shape(owner.name, lambda: adjoint(image), x, "adjoint")
    # ⟨x, Aᴴ A x⟩ = ‖A x‖², which random vectors without relation would not tell from zero.
    found, due = float((x.conj() * back).real.sum()), size**2
    if not abs(found - due) <= 0.05 * due:
        apart = f"{abs(found - due) / due:.1%}" if due else f"{found:.3g}"
        _refuse(
            owner.name,
            f"adjoint is not that of forward: ⟨A x, y⟩ and ⟨x, Aᴴ y⟩ are {apart} apart. Leave it "
            "out to have autograd transpose forward",
            "adjoint",
        )


def _check_linear(
    name: str, forward: Map, at_zero: torch.Tensor, x: torch.Tensor, image: torch.Tensor
) -> None:
    """A 0 = 0 and A(−2 x) = −2 A x."""
    largest = float(at_zero.abs().max())
    if largest > 0:
        raise ParameterError(
            f"{name} is not linear: it gives {largest:.3g} for zeros. Take out what it adds, such "
            "as the bias of a layer.",
            expected="zeros for zeros",
            where=name,
        )
    size, apart = _length(image), _length(forward(-2.0 * x) + 2.0 * image)
    # NaN is refused as well.
    if not apart <= 1e-2 * size:
        raise ParameterError(
            f"{name} is not linear: what it gives for −2 x is not −2 times what it gives for x. "
            "Take out what bends it, such as activations or clipping.",
            expected="A(−2 x) = −2 A x",
            got=f"{apart / size if size else apart:.2g} apart",
            where=name,
        )


def _of_shape(
    name: str, make: Callable[[], torch.Tensor], like: torch.Tensor, where: str
) -> torch.Tensor:
    try:
        found = make()
    except Exception as error:
        _refuse(name, f"{where} fails on a tensor of shape {tuple(like.shape)}: {error}", where)
    if not isinstance(found, torch.Tensor) or found.shape != like.shape:
        got = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        _refuse(name, f"{where} gives {got} where {tuple(like.shape)} is due", where)
    return found


def _length(values: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(values))


def _refuse(name: str, fault: str, where: str) -> NoReturn:
    raise ParameterError(f"{name}: {fault}.", where=where)
