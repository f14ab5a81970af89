"""admm_vxu, hqs and dr for a model: the same assignment and linear solve as ADMM."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from dprox_core.algorithms.blocks import Blocks
from dprox_core.algorithms.per_sample import representative
from dprox_core.algorithms.splitting import AdmmVxu, DouglasRachford, Hqs
from dprox_core.compiler.build_admm import (
    assigned,
    checked_linear_solver,
    linear_solver,
    rho_of_samples,
)
from dprox_core.compiler.plan import Plan
from dprox_core.compiler.predicted import splitting_memory
from dprox_core.compiler.shared import Request, between, plan_term, positive, schedule, share
from dprox_core.compiler.split import Split
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = ["build_admm_vxu", "build_dr", "build_hqs"]


def build_admm_vxu(request: Request) -> tuple[AdmmVxu, Plan]:
    """ADMM with the proxes first."""
    assignment, given, parameters, automatic = _prepared(request)
    algorithm = AdmmVxu(*given)
    return algorithm, _plan(request, assignment, given, "admm_vxu", parameters, automatic)


def build_dr(request: Request) -> tuple[DouglasRachford, Plan]:
    """Douglas-Rachford splitting."""
    assignment, given, parameters, automatic = _prepared(request)
    relaxation = between("relaxation", request.options.get("relaxation", 1.6), 0.0, 2.0)
    parameters["relaxation"] = relaxation
    automatic += ("relaxation",) * ("relaxation" not in request.options)
    algorithm = DouglasRachford(*given, relaxation=relaxation)
    return algorithm, _plan(request, assignment, given, "dr", parameters, automatic)


def build_hqs(request: Request) -> tuple[Hqs, Plan]:
    """Half-quadratic splitting; a list of ρ, and what is not convex, without dual steps."""
    rhos = schedule("rho", request.options.get("rho"))
    wanted = request.options.get("dual_step")
    if wanted is None:
        convex = request.model.convex
        dual_step = 0.5 if rhos is None and convex else 0.0
    else:
        dual_step = share("dual_step", wanted)
    if rhos is not None:
        request = replace(request, options={**request.options, "rho": rhos[0]})
    # Growing in proportion to k takes Σ 1/ρ_k to infinity only slowly, so it starts low.
    growing = rhos is None and dual_step == 0.0
    assignment, given, parameters, automatic = _prepared(request, 1.0 / 16.0 if growing else 1.0)
    if rhos is not None:
        parameters = {"rho": reductions.number(rhos[0]), "last rho": reductions.number(rhos[-1])}
        automatic = ()
    parameters["dual_step"] = dual_step
    automatic += ("dual_step",) * (wanted is None)
    algorithm = Hqs(*given, rhos=rhos, dual_step=dual_step)
    plan = _plan(request, assignment, given, "hqs", parameters, automatic)
    if dual_step == 0.0 and assignment.blocks:
        penalty = (
            "Without dual steps this is a penalty method: it does not reach a minimum, it stays "
            "off by about 1/rho."
        )
        plan = replace(plan, guarantees=(*plan.guarantees, penalty))
    return algorithm, plan


def _prepared(
    request: Request, portion: float = 1.0
) -> tuple[Split, tuple[Any, ...], dict[str, float], tuple[str, ...]]:
    """The assignment, what constructors share, parameters for the plan, and which were chosen."""
    model, options = request.model, request.options
    assignment = assigned(request)
    rho: Step | None = options.get("rho")
    automatic = ("rho",) * (rho is None)
    if rho is None:
        rho = rho_of_samples(assignment, model, portion=portion)
    else:
        positive("rho", rho)
        if not (isinstance(rho, torch.Tensor) and rho.requires_grad):
            rho = float(rho)
    how = checked_linear_solver(options.get("linear_solver"))
    solver = linear_solver(assignment, request.differentiate, request.fixed, how)
    blocks = Blocks(assignment.blocks, model)
    tolerances, part = request.tolerances, assignment.part
    given = (model, blocks, solver, tolerances, rho, bool(automatic), part)
    return assignment, given, {"rho": representative(rho)}, automatic


def _plan(
    request: Request,
    assignment: Split,
    given: tuple[Any, ...],
    method: str,
    parameters: dict[str, float],
    automatic: tuple[str, ...],
) -> Plan:
    terms = tuple(
        [plan_term(term, "linear solve") for term in assignment.part.terms]
        + [plan_term(term, "prox") for term in assignment.blocks]
    )
    return request.plan(
        method=method,
        terms=terms,
        linear_solver=assignment.kind,
        reason=assignment.reason,
        parameters=parameters,
        automatic=automatic,
        **splitting_memory(request.model, method, assignment, given[2]),
    )
