"""Take scalings and diagonal operators out of the linear part into the function's prox."""

from __future__ import annotations

from dataclasses import replace

import torch

from dprox_core.compiler.model import BoundTerm, Model, Row
from dprox_core.compiler.passes.base import Pass
from dprox_core.linops.algebra import Composition, Identity
from dprox_core.linops.base import LinOp
from dprox_core.numerics import fourier
from dprox_core.proxfns.indicators import Box

__all__ = ["Absorb", "absorbed"]


class Absorb(Pass):
    """w f(D Q K x + c) keeps K; the diagonal D and the orthogonal Q move into the prox of f.

    Any f takes a single number and a rotation, a separable f a varying diagonal. Quadratic
    functions are left alone: their operators stay whole for the linear system.
    """

    name = "absorb"
    title = "move scalings, masks and orthogonal transforms into the proximal operators"

    def accepts(self, model: Model) -> bool:
        """Whether a term has a diagonal to move."""
        return any(_candidate(term) and _absorbed(term) is not term for term in model.terms)

    def apply(self, model: Model) -> tuple[Model, object]:
        """The model with diagonals moved."""
        return model.with_terms(
            tuple(_absorbed(t) if _candidate(t) else t for t in model.terms)
        ), None

    def shown(self, model: Model) -> tuple[str, ...]:
        """The terms, with the word what their prox takes over."""
        return tuple(
            f"{term.text} [{term.moved} inside the prox]" if term.moved else term.text
            for term in model.terms
        )


def _candidate(term: BoundTerm) -> bool:
    return term.function.quadratic() is None


def _absorbed(term: BoundTerm) -> BoundTerm:
    return rotated(absorbed(term))


def rotated(term: BoundTerm) -> BoundTerm:
    """The term with its outermost orthogonal operators moved into the penalty.

    Bounds stay, for they are joined and met exactly; so do smooth functions, whose gradients are
    taken through the operator, and learned ones, which know images only.
    """
    single = term.row.single
    function = term.function
    if single is None or isinstance(function, Box) or not function.has_value:
        return term
    if function.lipschitz is not None or term.penalty.rotation is not None:
        return term
    index, operator = single
    turned: LinOp | None = None
    scale = term.penalty.scale
    while True:
        outer, inner = (
            (operator.outer, operator.inner)
            if isinstance(operator, Composition)
            else (operator, None)
        )
        if outer.is_orthogonal:
            turned = outer if turned is None else Composition(turned, outer)
        else:
            # A number goes through a rotation.
            d = None if turned is None or outer.is_identity else _movable(outer, term)
            if d is None or d.ndim:
                break
            scale = d if scale is None else fourier.multiply(scale, d)
        operator = Identity(outer.domain) if inner is None else inner
        if inner is None:
            break
    if turned is None:
        return term
    penalty = replace(term.penalty, rotation=turned, scale=scale)
    return replace(term, penalty=penalty, row=Row(((index, operator),)))


def absorbed(term: BoundTerm) -> BoundTerm:
    """The term with its outermost diagonal moved into the penalty; the same one if none can be."""
    single = term.row.single
    if single is None:
        return term
    index, operator = single
    scale: torch.Tensor | None = None
    while True:
        outer, inner = (
            (operator.outer, operator.inner)
            if isinstance(operator, Composition)
            else (operator, None)
        )
        factored = outer.factored()
        if factored is not None and term.function.separable:
            # What is left of it stays in front, and no further diagonal comes through.
            kept, rest = factored
            scale = kept if scale is None else fourier.multiply(scale, kept)
            operator = rest if inner is None else Composition(rest, inner)
            break
        d = None if outer.is_identity else _movable(outer, term)
        if d is None:
            break
        scale = d if scale is None else fourier.multiply(scale, d)
        operator = Identity(outer.domain) if inner is None else inner
        if inner is None:
            break
    if scale is None:
        return term
    held = term.penalty.scale
    penalty = replace(term.penalty, scale=scale if held is None else fourier.multiply(held, scale))
    return replace(term, penalty=penalty, row=Row(((index, operator),)))


def _movable(operator: LinOp, term: BoundTerm) -> torch.Tensor | None:
    d = operator.diagonal()
    if d is None or operator.range.is_complex != operator.domain.is_complex:
        return None
    if d.ndim and not term.function.separable:
        return None
    if d.ndim == 0 and not d.requires_grad and float(d.abs()) == 0.0:
        return None
    # A plain number comes in double precision on the host.
    return d.to(
        dtype=d.dtype
        if d.ndim == 0
        else operator.domain.dtype
        if d.is_complex()
        else operator.domain.precision
    )
