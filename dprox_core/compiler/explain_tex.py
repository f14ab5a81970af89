"""A plan as formulae: the objective, how it is split, and what every iteration does."""

from __future__ import annotations

import re

from dprox_core.compiler.plan import Plan, PlanTerm
from dprox_core.compiler.tex import name_tex, number_tex, tex_of

__all__ = ["explain_tex"]

_SPLITTING = ("admm", "admm_vxu", "dr", "hqs")
_GRADIENTS = ("pgd", "fista")
# Letters that stand for what the method adds, marked until it is known which the user has, too.
_MARK = "\x00"
_Z, _U, _V, _W, _Y, _Q, _F, _H, _K, _S, _T, _L = (f"{_MARK}{letter};" for letter in "zuvwyqfhKstL")
_RHO, _TAU, _ALPHA, _GAMMA, _OMEGA, _SIGMA = (
    rf"{_MARK}\{letter};" for letter in ("rho", "tau", "alpha", "gamma", "omega", "sigma")
)
# A name that no user's variable has.
_COPY = "__split_copy__"


def explain_tex(plan: Plan) -> str:
    """The plan in TeX, one formula a line, without dollar signs."""
    x = ", ".join(name_tex(name) for name in plan.variables)
    lines = [rf"\mathrm{{minimize}}_{{{x}}} \quad {tex_of(plan.objective)}"]
    point = rf"({x})" if len(plan.variables) > 1 else x
    joined = [term for term in plan.terms if term.role in ("linear solve", "gradient step")]
    apart = [term for term in plan.terms if term.role in ("prox", "denoiser")]
    if plan.terms:
        lines += _split(plan, point, joined, apart)
        lines += _updates(plan, point, joined, apart)
    lines += [_parameter(name, value) for name, value in plan.parameters.items()]
    return _told_apart("\n".join(lines), plan)


def _told_apart(text: str, plan: Plan) -> str:
    """The formulae with a bar over every letter of ours that a name of the user's has, too."""
    words = re.findall(r"[^\W\d]\w*", " ".join([plan.objective, *plan.variables]))
    taken = {re.sub(r"_\{\d+\}$", "", name_tex(word)) for word in words}
    return re.sub(
        _MARK + r"(\\?[A-Za-z]+);",
        lambda found: rf"\bar{{{found[1]}}}" if found[1] in taken else found[1],
        text,
    )


def _split(plan: Plan, x: str, joined: list[PlanTerm], apart: list[PlanTerm]) -> list[str]:
    """The terms under the names that the updates use."""
    lines = []
    solved = [term for term in joined if term.role == "linear solve"]
    sloped = [term for term in joined if term.role != "linear solve"]
    named = [(_Q, solved), (_F, sloped)] if solved and sloped else [(_Q, joined)]
    for letter, terms in named:
        if terms:
            total = " + ".join(tex_of(term.text) for term in terms)
            lines.append(rf"{letter}({x}) = {total}")
    for index, term in enumerate(apart, start=1):
        if term.operator is None:
            lines.append(rf"{_H}_{{{index}}}({_own(term, plan, x)}) = {tex_of(term.text)}")
            continue
        copy, image = f"{_Z}_{{{index}}}", tex_of(term.operator)
        inner = tex_of(term.text.replace(term.operator, _COPY)).replace(name_tex(_COPY), copy)
        lines.append(rf"{_H}_{{{index}}}({copy}) = {inner}, \quad {copy} = {image}")
    return lines


def _own(term: PlanTerm, plan: Plan, x: str) -> str:
    """The one variable that a term is about; all where there are several."""
    names = [name for name in plan.variables if re.search(rf"\b{re.escape(name)}\b", term.text)]
    return name_tex(names[0]) if len(names) == 1 else x


def _image(term: PlanTerm, x: str, power: str) -> str:
    """K x with the iterate in the place of the variable."""
    inner = x if term.operator is None else tex_of(term.operator)
    return (
        rf"\left[{inner}\right]^{{{power}}}" if term.operator is not None else rf"{x}^{{{power}}}"
    )


def _prox(term: PlanTerm, index: int, step: str) -> str:
    if term.role == "denoiser":
        return rf"\mathrm{{denoise}}_{{{_SIGMA}^k}}"
    return rf"\mathrm{{prox}}_{{{step} {_H}_{{{index}}}}}"


def _updates(plan: Plan, x: str, joined: list[PlanTerm], apart: list[PlanTerm]) -> list[str]:
    if plan.method in _SPLITTING:
        solve = _x_update(plan, x, bool(joined), apart)
        copies = _copies(plan, x, apart)
        return [*copies, solve] if plan.method in ("admm_vxu", "hqs") else [solve, *copies]
    solved = any(term.role == "linear solve" for term in joined)
    sloped = any(term.role != "linear solve" for term in joined)
    slope = (_F if solved else _Q) if sloped else None
    if plan.method in _GRADIENTS:
        return _gradient_steps(plan, x, solved, slope, apart)
    if any(term.role == "denoiser" for term in apart):
        return _beside_denoisers(plan, x, solved, slope, apart)
    return _primal_dual(plan, x, bool(joined), apart)


def _x_update(plan: Plan, x: str, has_quadratic: bool, apart: list[PlanTerm]) -> str:
    """argmin of the quadratics and the coupling."""
    parts = [rf"{_Q}({x})"] if has_quadratic else []
    duals = _has_duals(plan)
    for index, term in enumerate(apart, start=1):
        own = _own(term, plan, x)
        inner = own if term.operator is None else tex_of(term.operator)
        target = {
            "admm": rf"- {_Z}_{{{index}}}^{{k}} + {_U}_{{{index}}}^{{k}}",
            "admm_vxu": rf"- {_Z}_{{{index}}}^{{k+1}} + {_U}_{{{index}}}^{{k}}",
            "dr": rf"- {_W}_{{{index}}}^{{k}}",
            "hqs": rf"- {_Z}_{{{index}}}^{{k+1}}"
            + (rf" + {_U}_{{{index}}}^{{k}}" if duals else ""),
        }[plan.method]
        parts.append(rf"\frac{{{_RHO}}}{{2}} \Vert {inner} {target} \Vert_{{2}}^2")
    return rf"{x}^{{k+1}} = \mathrm{{argmin}}_{{{x}}} \; {' + '.join(parts)}"


def _has_duals(plan: Plan) -> bool:
    """Whether an order with the proxes first has a dual beside each copy."""
    return plan.method == "admm_vxu" or plan.parameters.get("dual_step", 0.0) > 0.0


def _copies(plan: Plan, x: str, apart: list[PlanTerm]) -> list[str]:
    """What happens to each split copy and its dual."""
    lines = []
    for i, term in enumerate(apart, start=1):
        own = _own(term, plan, x)
        old, new = _image(term, own, "k"), _image(term, own, "k+1")
        prox = _prox(term, i, rf"{_RHO}^{{-1}}")
        z, u, w = (f"{letter}_{{{i}}}" for letter in (_Z, _U, _W))
        if plan.method == "admm" and "relaxation" not in plan.parameters:
            lines.append(rf"{z}^{{k+1}} = {prox}({new} + {u}^{{k}})")
            lines.append(rf"{u}^{{k+1}} = {u}^{{k}} + {new} - {z}^{{k+1}}")
        elif plan.method == "admm":
            v = rf"{_V}_{{{i}}}^{{k+1}}"
            lines.append(rf"{v} = {_ALPHA} {new} + (1 - {_ALPHA}) {z}^{{k}} + {u}^{{k}}")
            lines.append(rf"{z}^{{k+1}} = {prox}({v})")
            lines.append(rf"{u}^{{k+1}} = {v} - {z}^{{k+1}}")
        elif _has_duals(plan):
            lines.append(rf"{z}^{{k+1}} = {prox}({old} + {u}^{{k}})")
            moved = rf"{new} - {z}^{{k+1}}"
            moved = moved if plan.method == "admm_vxu" else rf"{_GAMMA} ({moved})"
            lines.append(rf"{u}^{{k+1}} = {u}^{{k}} + {moved}")
        elif plan.method == "dr":
            lines.append(rf"{z}^{{k+1}} = {prox}(2 {new} - {w}^{{k}})")
            lines.append(rf"{w}^{{k+1}} = {w}^{{k}} + {_ALPHA} ({z}^{{k+1}} - {new})")
        else:
            lines.append(rf"{z}^{{k+1}} = {prox}({old})")
    return lines


def _solved(point: str) -> str:
    """The prox of the squares, all of them together."""
    return rf"\mathrm{{prox}}_{{{_TAU} {_Q}}}({point})"


def _gradient_steps(
    plan: Plan, x: str, solved: bool, slope: str | None, apart: list[PlanTerm]
) -> list[str]:
    at = rf"{_Y}^{{k}}" if plan.method == "fista" else rf"{x}^{{k}}"
    forward = at if slope is None else rf"{at} - {_TAU} \nabla {slope}({at})"
    if solved:
        forward = _solved(forward)
    for index, term in enumerate(apart, start=1):
        forward = _prox(term, index, _TAU) + f"({forward})"
    lines = [rf"{x}^{{k+1}} = {forward}"]
    if plan.method == "fista":
        lines.append(rf"{_T}_{{k+1}} = \frac{{1}}{{2}} (1 + \sqrt{{1 + 4 {_T}_{{k}}^2}})")
        lines.append(
            rf"{_Y}^{{k+1}} = {x}^{{k+1}} + \frac{{{_T}_{{k}} - 1}}{{{_T}_{{k+1}}}} "
            rf"({x}^{{k+1}} - {x}^{{k}})"
        )
    return lines


def _beside_denoisers(
    plan: Plan, x: str, solved: bool, slope: str | None, apart: list[PlanTerm]
) -> list[str]:
    """PDHG, PD3O and linearized ADMM with all squares in one prox."""
    rho = _RHO if plan.method == "ladmm" else _OMEGA
    pulls, lines = [] if slope is None else [rf"\nabla {slope}({x}^{{k}})"], []
    for i, term in enumerate(apart, start=1):
        own = _own(term, plan, x)
        z, u = f"{_Z}_{{{i}}}", f"{_U}_{{{i}}}"
        missed, ahead = rf"{u}^{{k}}", _image(term, own, "k+1")
        if plan.method == "ladmm":
            missed = rf"({_image(term, own, 'k')} - {z}^{{k}} + {missed})"
        else:
            ahead = rf"2 {own}^{{k+1}} - {own}^{{k}}"
            if plan.method == "pd3o" and slope is not None:
                ahead += rf" + {_TAU} (\nabla {slope}({x}^{{k}}) - \nabla {slope}({x}^{{k+1}}))"
            ahead = ahead if term.operator is None else rf"{_K}_{{{i}}} ({ahead})"
        back = "" if term.operator is None else rf"{_K}_{{{i}}}^{{\ast}} "
        share = "" if term.role == "denoiser" else rf"{_S}_{{{i}}} "
        pulls.append(rf"{rho} {share}{back}{missed}")
        prox = _prox(term, i, rf"({rho} {share.strip()})^{{-1}}")
        lines.append(rf"{z}^{{k+1}} = {prox}({ahead} + {u}^{{k}})")
        lines.append(rf"{u}^{{k+1}} = {u}^{{k}} + {ahead} - {z}^{{k+1}}")
    point = rf"{x}^{{k}} - {_TAU} ({' + '.join(pulls)})"
    maps = [
        rf"{_K}_{{{i}}} {x} = {tex_of(term.operator)}"
        for i, term in enumerate(apart, start=1)
        if term.operator is not None
    ]
    return [*maps, rf"{x}^{{k+1}} = {_solved(point) if solved else point}", *lines]


def _primal_dual(plan: Plan, x: str, smooth: bool, apart: list[PlanTerm]) -> list[str]:
    """PDHG, PD3O and linearized ADMM."""
    behind = [(i, term) for i, term in enumerate(apart, start=1) if term.operator is not None]
    before = [(i, term) for i, term in enumerate(apart, start=1) if term.operator is None]
    slope = [rf"\nabla {_Q}({x}^{{k}})"] if smooth else []
    if plan.method == "ladmm":
        images = [(i, _image(t, _own(t, plan, x), "k")) for i, t in behind]
        pulls = [
            rf"{_RHO} {_K}_{{{i}}}^{{\ast}} ({image} - {_Z}_{{{i}}}^{{k}} + {_U}_{{{i}}}^{{k}})"
            for i, image in images
        ]
    else:
        pulls = [rf"{_K}_{{{i}}}^{{\ast}} {_Y}_{{{i}}}^{{k}}" for i, _ in behind]
    total = " + ".join([*slope, *pulls])
    point = rf"{x}^{{k}} - {_TAU} ({total})" if total else rf"{x}^{{k}}"
    for i, term in before:
        point = _prox(term, i, _TAU) + f"({point})"
    lines = [rf"{_K}_{{{i}}} {x} = {tex_of(t.operator or '')}" for i, t in behind]
    lines.append(rf"{x}^{{k+1}} = {point}")
    for i, term in behind:
        new = _image(term, _own(term, plan, x), "k+1")
        if plan.method == "ladmm":
            u, z = f"{_U}_{{{i}}}", f"{_Z}_{{{i}}}"
            prox = _prox(term, i, rf"{_RHO}^{{-1}}")
            lines.append(rf"{z}^{{k+1}} = {prox}({new} + {u}^{{k}})")
            lines.append(rf"{u}^{{k+1}} = {u}^{{k}} + {new} - {z}^{{k+1}}")
        else:
            y = rf"{_Y}_{{{i}}}"
            ahead = rf"2 {x}^{{k+1}} - {x}^{{k}}"
            if plan.method == "pd3o" and smooth:
                ahead += rf" + {_TAU} (\nabla {_Q}({x}^{{k}}) - \nabla {_Q}({x}^{{k+1}}))"
            lines.append(
                rf"{y}^{{k+1}} = \mathrm{{prox}}_{{{_SIGMA}_{{{i}}} {_H}_{{{i}}}^{{\ast}}}}"
                rf"({y}^{{k}} + {_SIGMA}_{{{i}}} {_K}_{{{i}}} ({ahead}))"
            )
    return lines


_SYMBOLS = {
    "rho": _RHO,
    "step": _TAU,
    "relaxation": _ALPHA,
    "weight": _OMEGA,
    "dual_step": _GAMMA,
    "lipschitz": _L,
    "norm": rf"\Vert {_K} \Vert",
    "last_rho": rf"{_RHO}_{{\mathrm{{last}}}}",
    "last_step": rf"{_TAU}_{{\mathrm{{last}}}}",
    "last_weight": rf"{_OMEGA}_{{\mathrm{{last}}}}",
    "first_sigma": rf"{_SIGMA}_{{\mathrm{{first}}}}",
    "last_sigma": rf"{_SIGMA}_{{\mathrm{{last}}}}",
}


def _parameter(name: str, value: float) -> str:
    return rf"{_SYMBOLS.get(name) or name_tex(name)} = {number_tex(float(value))}"
