"""FISTA and the proximal gradient method for a model: which terms are smooth, and the step."""

from __future__ import annotations

from typing import Any

import torch

from dprox_core.algorithms.fista import Fista
from dprox_core.algorithms.parts import Parts
from dprox_core.algorithms.pgd import Pgd
from dprox_core.compiler.assign import assign, plan_terms
from dprox_core.compiler.plan import Plan
from dprox_core.compiler.predicted import gradient_memory
from dprox_core.compiler.shared import Request, flag, positive, rounded_below
from dprox_core.errors import ParameterError
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = ["build_fista", "build_pgd", "chosen_step"]


def build_fista(request: Request) -> tuple[Fista, Plan]:
    """FISTA for a model of smooth terms and, per variable, one penalty with a prox.

    Raises:
        CompileError: another kind of term; the sentence names it and says what to do.
    """
    parts = assign(request.model, "fista", gradients=True, blocks=False)
    step, spread, chosen = _chosen_steps(request, parts)
    restart = flag("restart", request.options.get("restart", True))
    algorithm = Fista(parts, request.tolerances, step, restart, spread, _is_flat(request, chosen))
    return algorithm, _plan(request, parts, "fista", chosen)


def build_pgd(request: Request) -> tuple[Pgd, Plan]:
    """The proximal gradient method for the same kind of model.

    Raises:
        CompileError: another kind of term; the sentence names it and says what to do.
    """
    parts = assign(request.model, "pgd", gradients=True, blocks=False)
    backtracking = flag("backtracking", request.options.get("backtracking", False))
    # Forward-backward converges below 2 / L where all is convex; descent is certain up to 1 / L.
    convex = request.model.convex
    step, spread, chosen = _chosen_steps(
        request, parts, 1.9 if convex and not backtracking else 1.0
    )
    if backtracking and isinstance(step, torch.Tensor):
        raise ParameterError(
            "With backtracking the step is found by trial and takes no gradient: give step as a "
            "number, or backtracking=False.",
            expected="a number",
            got="a tensor",
            where="step",
        )
    longest = 1e3 * reductions.number(step)
    flat = _is_flat(request, chosen) and not backtracking
    algorithm = Pgd(parts, request.tolerances, step, backtracking, longest, spread, flat)
    return algorithm, _plan(request, parts, "pgd", chosen)


def chosen_step(request: Request, parts: Parts, share: float = 1.0) -> tuple[Step, dict[str, Any]]:
    """τ, given or a share of 1 / L, and what the plan says about it."""
    lipschitz = parts.smooth.lipschitz()
    step = request.options.get("step")
    automatic = step is None
    if step is None:
        step = rounded_below(share / lipschitz) if lipschitz > 0.0 else 1.0
    positive("step", step)
    if not (isinstance(step, torch.Tensor) and step.requires_grad):
        step = float(step)
    return step, {
        "parameters": {"step": reductions.number(step), "lipschitz": lipschitz},
        "automatic": ("step",) * automatic + ("lipschitz",),
    }


def _chosen_steps(
    request: Request, parts: Parts, share: float = 1.0
) -> tuple[Step, tuple[float, ...], dict[str, Any]]:
    """The shortest step τ, what multiple of it each variable takes, and what the plan says.

    Each variable takes a share of 1 / L_i; with a step that was given all are alike.
    """
    step, chosen = chosen_step(request, parts, share)
    count = len(parts.model.spaces)
    limits = parts.smooth.curvatures() if count > 1 else ()
    least = min((limit for limit in limits if limit > 0.0), default=0.0)
    if least == 0.0 or request.options.get("step") is not None:
        return step, (1.0,) * count, chosen
    # A variable without curvature takes the longest of the others' steps.
    steps = [rounded_below(share / (limit or least)) for limit in limits]
    shortest = min(steps)
    chosen["parameters"]["step"] = shortest
    return shortest, tuple(own / shortest for own in steps), chosen


def _is_flat(request: Request, chosen: dict[str, Any]) -> bool:
    """Whether all is convex and nothing curved, and the step automatic."""
    automatic = "step" in chosen["automatic"]
    return request.model.convex and automatic and chosen["parameters"]["lipschitz"] == 0.0


def _plan(request: Request, parts: Parts, method: str, chosen: dict[str, Any]) -> Plan:
    return request.plan(
        method=method,
        terms=plan_terms(parts),
        linear_solver=None,
        reason="",
        **gradient_memory(request.model, method, parts),
        **chosen,
    )
