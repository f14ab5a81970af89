"""PDHG, PD3O, Condat-Vũ and linearized ADMM for a model: sorting, step sizes, plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from dprox_core.algorithms.ladmm import Ladmm
from dprox_core.algorithms.parts import Parts
from dprox_core.algorithms.per_sample import at_least, is_per_sample, representative
from dprox_core.algorithms.primal_dual import PrimalDual, StepRule
from dprox_core.compiler.assign import assign, plan_terms
from dprox_core.compiler.build_admm import automatic_rho, rho_of_samples
from dprox_core.compiler.plan import Plan
from dprox_core.compiler.predicted import primal_dual_memory
from dprox_core.compiler.shared import (
    Request,
    between,
    choice,
    flag,
    nearest_sixteenth,
    positive,
    rounded_above,
)
from dprox_core.compiler.split import Split
from dprox_core.compiler.steps_of_samples import SampleNorms, norms_of_parts
from dprox_core.errors import ParameterError
from dprox_core.linsolve.base import QuadraticPart
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = ["build_ladmm", "build_pd3o", "build_pdhg"]


def build_pdhg(request: Request) -> tuple[PrimalDual, Plan]:
    """PDHG: every term through its prox, those behind operators through their conjugates."""
    parts = assign(request.model, "pdhg", gradients=False, blocks=True)
    relaxation = between("relaxation", request.options.get("relaxation", 1.0), 0.0, 2.0)
    return _primal_dual(request, parts, "pdhg", three=False, relaxation=relaxation)


def build_pd3o(request: Request) -> tuple[PrimalDual, Plan]:
    """PD3O or Condat-Vũ: smooth terms through their gradients, the others as for PDHG."""
    variant = choice("variant", request.options.get("variant", "pd3o"), ("pd3o", "condat_vu"))
    parts = assign(request.model, "pd3o", gradients=True, blocks=True)
    return _primal_dual(request, parts, "pd3o", three=variant == "pd3o", relaxation=1.0)


def _primal_dual(
    request: Request, parts: Parts, name: str, three: bool, relaxation: float
) -> tuple[PrimalDual, Plan]:
    options = request.options
    adaptive = flag("adaptive", options.get("adaptive", True))
    preconditioned = flag("preconditioned", options.get("preconditioned", True))
    shares = _shares(parts.block_norms(), preconditioned)
    couplings, curvatures = parts.couplings(shares), parts.smooth.curvatures()
    exact = StepRule(shares, couplings, curvatures, three)
    lipschitz, coupling = parts.smooth.lipschitz(), parts.coupling(shares)
    step = options.get("step")
    # A step that is given leaves room for one weight.
    weight, automatic = _given(options, "weight", lambda: _weight(parts, step is None))
    if step is not None:
        positive("step", step)
        step = step if isinstance(step, torch.Tensor) and step.requires_grad else float(step)
    # Rounded, so that a small change of kernel or data leaves the steps alone.
    rule = replace(
        exact,
        couplings=_rounded(_pulls(parts, couplings, curvatures, _largest(weight))),
        curvatures=_rounded(curvatures),
        given=step,
    )
    own = norms_of_parts(parts, preconditioned) if is_per_sample(weight) else None
    if own is not None:
        rule = replace(rule, shares=own.shares, couplings=own.couplings, curvatures=own.curvatures)
    if automatic:
        # All that the duals can have for nothing is theirs.
        weight = at_least(rule.least_weight, weight)
    _refuse_long(replace(exact, couplings=(coupling,), curvatures=(lipschitz,), given=step), weight)
    algorithm = PrimalDual(
        name,
        parts,
        request.tolerances,
        rule,
        weight,
        relaxation,
        adaptive=adaptive and automatic and step is None,
    )
    parameters = {
        "step": min(map(representative, rule.taus(weight))),
        "weight": representative(weight),
        "norm": coupling**0.5,
    }
    chosen = ("step",) * (step is None) + ("weight",) * automatic + ("norm",)
    if lipschitz:
        parameters["lipschitz"] = lipschitz
        chosen += ("lipschitz",)
    return algorithm, _plan(request, parts, name, parameters, chosen)


def _rounded(numbers: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(rounded_above(number) for number in numbers)


def _largest(weight: Step) -> float:
    return reductions.number(torch.as_tensor(weight).max())


def _pulls(
    parts: Parts, couplings: tuple[float, ...], curvatures: tuple[float, ...], weight: float
) -> tuple[float, ...]:
    """The couplings; where nothing pulls at a variable, one that leaves its step long."""
    pairs = zip(couplings, curvatures, strict=True)
    return tuple(
        coupling if coupling or bend else _pull_of_bowls(parts, index, weight)
        for index, (coupling, bend) in enumerate(pairs)
    )


def _pull_of_bowls(parts: Parts, index: int, weight: float) -> float:
    """A coupling for which steps are a thousand times what curved proxes need to be gone down.

    With proxes alone the iteration is the proximal point algorithm, right for steps of any length;
    1 where nothing is curved.
    """
    bends = [
        reductions.number(term.penalty.weight) * term.function.lipschitz
        for term in parts.proxes[index]
        if term.function.lipschitz
    ]
    return min(bends) / (1e3 * weight) if bends and min(bends) > 0.0 else 1.0


def build_ladmm(request: Request) -> tuple[Ladmm, Plan]:
    """Linearized ADMM: gradient steps in place of the linear solve."""
    parts = assign(request.model, "ladmm", gradients=True, blocks=True)
    rho, automatic = _given(request.options, "rho", lambda: _weight(parts, apart=True))
    shares = _shares(parts.block_norms(), automatic)
    curvatures, couplings = parts.smooth.curvatures(), parts.couplings(shares)
    # Where nothing is split or smooth, one prox is the solution whatever the step.
    pulls = tuple(
        rounded_above(coupling) if coupling or bend else 1.0
        for bend, coupling in zip(curvatures, couplings, strict=True)
    )
    bounds = SampleNorms(shares, pulls, _rounded(curvatures))
    own = norms_of_parts(parts, automatic) if is_per_sample(rho) else None
    if own is not None:
        bounds = own
    steps = (bounds.curvatures, bounds.couplings, bounds.shares)
    algorithm = Ladmm(parts, request.tolerances, rho, automatic, *steps)
    parameters = {
        "rho": representative(rho),
        "lipschitz": parts.smooth.lipschitz(),
        "norm": parts.coupling(shares) ** 0.5,
    }
    chosen = ("rho",) * automatic + ("lipschitz", "norm")
    return algorithm, _plan(request, parts, "ladmm", parameters, chosen)


def _shares(norms: list[float], preconditioned: bool) -> tuple[float, ...]:
    """s_j: one for all, or in inverse proportion to ‖K_j‖² so that every block pulls alike."""
    if not preconditioned or not norms:
        return (1.0,) * len(norms)
    least = min((norm for norm in norms if norm > 0.0), default=1.0)
    # To a grid that holds 1 and 1/8: one on the grid of the couplings would leave these, norms of
    # one being common, on the edge between two of its numbers.
    return tuple(nearest_sixteenth((least / norm) ** 2) if norm > 0.0 else 1.0 for norm in norms)


def _weight(parts: Parts, apart: bool) -> Step:
    """ω or ρ to start from, chosen as ADMM's is; where wanted one for each sample of a batch."""
    squares = tuple(t for t in parts.smooth.terms if t.function.quadratic() is not None)
    rows = tuple(block.row for block in parts.blocks)
    part = QuadraticPart(parts.model.spaces, squares, rows)
    split = Split(part, parts.blocks, "", "", ())
    if not apart or not parts.blocks:
        return automatic_rho(split)
    return rho_of_samples(split, parts.model)


def _given(options: dict[str, Any], name: str, choose: Any) -> tuple[Step, bool]:
    value = options.get(name)
    if value is None:
        return choose(), True
    positive(name, value)
    return (
        value if isinstance(value, torch.Tensor) and value.requires_grad else float(value)
    ), False


def _refuse_long(rule: StepRule, weight: Step) -> None:
    """A step that was given must meet the condition for convergence."""
    if rule.given is None:
        return
    step, pull = reductions.number(rule.given), reductions.number(weight) * max(rule.couplings)
    bend = max(rule.curvatures)
    if rule.three:
        limits = [1.0 / pull if pull else float("inf")]
        limits += [2.0 / bend] if bend else []
        longest = min(limits)
    else:
        whole = pull + 0.5 * bend
        longest = 1.0 / whole if whole else float("inf")
    if step > longest:
        raise ParameterError(
            f"step is {step:g}, and with weight {reductions.number(weight):g} this problem "
            f"converges only up to {longest:.4g}: make step or weight smaller, or leave step out.",
            expected=f"at most {longest:.4g}",
            got=step,
            where="step",
        )


def _plan(
    request: Request,
    parts: Parts,
    method: str,
    parameters: dict[str, float],
    automatic: tuple[str, ...],
) -> Plan:
    return request.plan(
        method=method,
        terms=plan_terms(parts),
        linear_solver=None,
        reason="",
        parameters=parameters,
        automatic=automatic,
        **primal_dual_memory(request.model, method, parts),
    )
