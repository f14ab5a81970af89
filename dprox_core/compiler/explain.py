"""A plan in plain words."""

from __future__ import annotations

from dprox_core.compiler.plan import Plan
from dprox_core.memory import bytes_text

__all__ = ["explain"]

_METHODS = {
    "admm": "ADMM (alternating direction method of multipliers)",
    "admm_vxu": "ADMM with the proxes before the linear solve",
    "ladmm": "linearized ADMM (gradient steps in place of the linear solve)",
    "hqs": "half-quadratic splitting",
    "pdhg": "PDHG (primal-dual hybrid gradient, Chambolle-Pock)",
    "pgd": "proximal gradient (forward-backward splitting)",
    "fista": "FISTA (accelerated proximal gradient)",
    "dr": "Douglas-Rachford splitting",
    "pd3o": "PD3O or Condat-Vũ (primal-dual splitting with gradient steps)",
}
_SOLVERS = {
    "diagonal": "pixel by pixel",
    "fourier": "by FFT",
    "woodbury": "by FFT and the matrix inversion lemma",
    "matrix": "by one factorization",
    "dense": "by the inverse of its whole matrix",
    "cg": "by conjugate gradients",
    "minres": "by minimal residuals",
}


def explain(plan: Plan) -> str:
    """The plan, line by line."""
    lines = [f"minimize  {plan.objective}"]
    unknowns = ", ".join(f"{name} of shape {shape}" for name, shape in plan.variables.items())
    lines.append(f"over      {unknowns}")
    lines.append(
        f"method    {_METHODS.get(plan.method, plan.method)}, {plan.dtype} on {plan.device}"
    )
    lines.append("")
    for record in plan.passes:
        lines.append(f"Rewritten: {record.title}.")
        lines.append(f"  before  {' + '.join(record.before)}")
        lines.append(f"  after   {' + '.join(record.after)}")
    if plan.passes:
        lines.append("")
    lines.extend(_terms(plan))
    lines.append("")
    for name, value in plan.parameters.items():
        source = "chosen automatically" if name in plan.automatic else "given"
        lines.append(f"{name} = {value:.4g} ({source})")
    lines.append(
        f"Stops when both residuals are within √n · {plan.tolerances['absolute']:g} + "
        f"{plan.tolerances['relative']:g} · size."
    )
    lines.append(f"Memory: about {bytes_text(plan.memory_bytes)}.")
    if plan.extrapolation_bytes:
        more = bytes_text(plan.extrapolation_bytes)
        lines.append(f"After 100 iterations extrapolation may take {more} more, where it is free.")
    known = [f"{term.text} is {term.curvature}" for term in plan.terms if term.curvature]
    lines.append(f"As functions of their arguments, {'; '.join(known)}.")
    lines.extend(plan.guarantees)
    lines.extend(f"Warning: {warning}" for warning in plan.warnings)
    return "\n".join(lines)


def _terms(plan: Plan) -> list[str]:
    lines: list[str] = []
    linear = [term for term in plan.terms if term.role == "linear solve"]
    smooth = [term for term in plan.terms if term.role == "gradient step"]
    proxes = [term for term in plan.terms if term.role == "prox"]
    if plan.linear_solver is not None:
        lines.append(f"Each iteration solves a linear system {_SOLVERS[plan.linear_solver]}.")
        lines.append(f"  Why: {plan.reason}")
        for term in linear:
            lines.append(f"  It takes {term.text}.")
    for term in smooth:
        lines.append(f"Gradient step on {term.text} (operator norm {term.norm:.4g}).")
    for term in proxes:
        place = "the variable itself" if term.operator is None else term.operator
        if term.operator is not None and term.moved:
            place += f" without its {term.moved}"
        lines.append(f"Proximal step for {term.text}, on {place} (norm {term.norm:.4g}).")
    for term in plan.terms:
        if term.role == "denoiser":
            place = "the variable itself" if term.operator is None else term.operator
            lines.append(f"Denoising step for {term.text}, on {place}.")
    return lines
