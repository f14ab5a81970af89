"""Random small problems whose every piece of data wants a gradient, and ways to solve them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

import dprox_core as dp
from dprox_core.testing import LINOP_CASES, PROX_CASES
from dprox_core.testing.cases import LinOpCase, Maker

__all__ = ["METHODS", "SLOW", "Drawn", "Leaf", "draw"]

METHODS = ("admm", "admm_vxu", "dr", "hqs", "ladmm", "pdhg", "pd3o", "pgd", "fista")
_ENGINES = ("solve", "autograd", "recompute", "implicit")
# Functions of any argument; those whose points of departure lie in a set of their own come apart.
_NAMES = (
    *("norm1", "group_norm1", "nonneg", "box", "weighted_norm1", "norm2", "norm_inf"),
    *("elastic_net", "huber", "nuclear_norm", "weighted_sum_squares", "quad_form", "linear"),
    *("maximum", "poisson", "entropy", "logistic", "hinge", "quantile", "l1_ball", "l2_ball"),
    *("linf_ball", "simplex", "affine_set", "halfspace", "equal"),
)
SLOW = 800
"""A fixed point that takes more steps takes too long to be found again for each difference."""
_SETS = (
    *("nonneg", "box", "l1_ball", "l2_ball", "linf_ball", "simplex", "affine_set", "halfspace"),
    "equal",
)
# Data that has to be one of a few values.
_FIXED = ("hinge", "logistic")
_OPERATORS = tuple(case for case in LINOP_CASES if "black" not in case.id)
_FUNCTIONS = tuple(case for case in PROX_CASES if case.name in _NAMES)


@dataclass
class Leaf:
    """One tensor of a problem.

    Attributes:
        name: what it is.
        value: what it holds.
        place: the placeholder that holds it; None for an option of the method or a parameter.
        parameter: the parameter of a network that it is, None for anything else.
    """

    name: str
    value: torch.Tensor
    place: dp.Placeholder | None = None
    parameter: torch.nn.Parameter | None = None

    def put(self) -> None:
        """Give the value to whom it is for."""
        if self.place is not None:
            self.place.value = self.value
        elif self.parameter is not None and self.parameter is not self.value:
            self.parameter.data.copy_(self.value.detach())


@dataclass
class Drawn:
    """A problem, its leaves, and a method with its engine.

    Attributes:
        problem: the problem.
        leaves: what may be differentiated.
        method: the algorithm.
        engine: "solve" for ``Problem.solve``, otherwise that of ``specialize``.
        options: of the method.
        steps: how many iterations.
        words: what was drawn.
    """

    problem: dp.Problem
    leaves: list[Leaf]
    method: str
    engine: str
    options: dict[str, Any]
    steps: int
    words: list[str] = field(default_factory=list)
    settled: Any = None

    def answer(self) -> tuple[torch.Tensor, ...]:
        """The variables' values with the leaves as they are now."""
        options = dict(self.options)
        for leaf in self.leaves:
            leaf.put()
            if leaf.name in ("rho", "step", "weight"):
                options[leaf.name] = leaf.value
        start = next((leaf.value for leaf in self.leaves if leaf.name == "x0"), None)
        if self.engine == "implicit":
            options.update(abs_tol=1e-11, rel_tol=1e-11)
            layer = dp.specialize(
                self.problem, "deq", algorithm=self.method, max_iter=3000, **options
            )
            found = layer()
            self.settled = layer.settled
        elif self.engine == "solve":
            options.update(abs_tol=0.0, rel_tol=0.0)
            result = self.problem.solve(self.method, x0=start, max_iter=self.steps, **options)
            return tuple(result.values.values())
        else:
            layer = dp.specialize(
                self.problem,
                algorithm=self.method,
                engine=self.engine,
                max_iter=self.steps,
                **options,
            )
            found = layer(x0=start)
        return tuple(found.values()) if isinstance(found, dict) else (found,)


def draw(seed: int, methods: tuple[str, ...] = METHODS) -> Drawn:
    """A random problem.

    Args:
        seed: where choices start.
        methods: those to choose from.
    """
    choose, make = random.Random(seed), Maker(seed)
    sketch = _Sketch(choose, make)
    problem = sketch.problem()
    method, engine = choose.choice(methods), choose.choice(_ENGINES)
    options: dict[str, Any] = {}
    own = {"pdhg": "weight", "pd3o": "weight", "pgd": "step", "fista": "step"}.get(method, "rho")
    if own != "step" and choose.random() < 0.6:
        value = torch.tensor(choose.choice([0.3, 0.7, 1.5]), dtype=torch.float64)
        sketch.leaves.append(Leaf(own, value))
    if method in ("admm", "admm_vxu", "hqs") and choose.random() < 0.25:
        options["linear_solver"] = choose.choice(["cg", "minres"])
    if engine in ("solve", "autograd") and len(problem.variables) == 1 and choose.random() < 0.3:
        x = problem.variables[0]
        is_complex = x.dtype is torch.complex128
        sketch.leaves.append(Leaf("x0", make.normal(*x.shape, is_complex=is_complex)))
    sketch.words += [method, engine, str(options)]
    return Drawn(
        problem, sketch.leaves, method, engine, options, choose.randint(1, 6), sketch.words
    )


class _Sketch:
    def __init__(self, choose: random.Random, make: Maker) -> None:
        self.choose, self.make = choose, make
        self.leaves: list[Leaf] = []
        self.words: list[str] = []

    def problem(self) -> dp.Problem:
        """One or two data terms, a penalty, and what makes the solution unique."""
        choose = self.choose
        if choose.random() < 0.2:
            return self.measured()
        case = choose.choice(_OPERATORS)
        shape = choose.choice(case.shapes)
        is_complex = case.complex and (not case.real or choose.random() < 0.3)
        dtype = torch.complex128 if is_complex else torch.float64
        x = dp.Variable("x", shape, dtype=dtype)
        image = self.applied(case, x)
        self.words += [f"{case.id} on {shape} {'complex' if is_complex else 'real'}"]
        objective = self.data_term(image)
        if choose.random() < 0.2:
            y = dp.Variable("y", shape, dtype=dtype)
            objective = dp.sum_squares(x + y - self.normal("c", x)) + objective
            objective = objective + self.weight("v") * dp.norm1(y) + 0.2 * dp.sum_squares(y)
            self.words.append("with y")
        objective = objective + self.penalty(x) + 0.3 * dp.sum_squares(x)
        if choose.random() < 0.25 and not is_complex:
            low = self.leaf("low", -0.5 - self.make.uniform(*shape))
            self.words.append("bounded")
            return dp.Problem(objective, [x >= low])
        return dp.Problem(objective)

    def measured(self) -> dp.Problem:
        """A data term of imaging, a penalty, and what makes the solution unique."""
        kind = self.choose.choice(list(_MEASURED))
        shape = self.choose.choice([(1, 1, 4, 4), (2, 1, 2, 4), (1, 1, 6, 2)])
        is_complex = kind in ("csmri", "coils", "phase_ret") and self.choose.random() < 0.5
        x = dp.Variable("x", shape, dtype=torch.complex128 if is_complex else torch.float64)
        self.words.append(f"{kind} on {shape} {'complex' if is_complex else 'real'}")
        term = self.weight("w") * _MEASURED[kind](self, x)
        return dp.Problem(term + self.penalty(x) + 0.3 * dp.sum_squares(x))

    def leaf(self, name: str, value: torch.Tensor) -> dp.Placeholder:
        place = dp.Placeholder(f"{name}{len(self.leaves)}", tuple(value.shape), value=value)
        self.leaves.append(Leaf(name, value, place))
        return place

    def normal(self, name: str, like: Any) -> dp.Placeholder:
        return self.leaf(name, self.make.normal(*like.shape, is_complex=like.is_complex))

    def weight(self, name: str) -> dp.Placeholder:
        return self.leaf(name, 0.2 + 0.5 * self.make.uniform())

    def applied(self, case: LinOpCase, x: dp.Expression) -> dp.Expression:
        """The operator with its data as placeholders."""
        assert x.shape is not None
        found = case.data(x.shape, self.make)
        operands = [t if not _smooth(t) else self.leaf(case.name, t) for t in found]
        return case.call(x, *operands)

    def data_term(self, image: dp.Expression) -> dp.Objective:
        kind = self.choose.choice(["squares", "squares", "squares", "huber", "weighted", "norm1"])
        rest = image - self.normal("b", image)
        self.words.append(kind)
        if kind == "huber":
            return self.weight("w") * dp.huber(rest, 0.7)
        if kind == "weighted":
            weights = self.leaf("weights", 0.3 + self.make.uniform(*(image.shape or ())))
            return dp.weighted_sum_squares(rest, weights)
        if kind == "norm1":
            return self.weight("w") * dp.norm1(rest)
        return self.weight("w") * dp.sum_squares(rest)

    def penalty(self, x: dp.Variable) -> dp.Objective:
        choose = self.choose
        inner: dp.Expression = x
        spread = choose.choice(["x", "grad", "conv"])
        if spread == "grad" and len(x.shape) >= 2:
            inner = dp.grad(x)
        elif spread == "conv" and len(x.shape) >= 2 and min(x.shape[-2:]) >= 2:
            inner = dp.conv(x, self.leaf("kernel", self.make.normal(2, 2)))
        cases = [c for c in _FUNCTIONS if (c.complex if inner.is_complex else c.real)]
        if not inner.shape:
            cases = [c for c in cases if c.name == "norm1"]
        elif len(inner.shape) < 2:
            cases = [c for c in cases if c.name != "nuclear_norm" and "ax" not in c.label]
        elif len(inner.shape) == 2:
            # Its two are one there.
            cases = [c for c in cases if c.label != "two axes"]
        case = choose.choice(cases)
        self.words.append(f"{case.id} of {spread}")
        found = case.data(inner.shape or (), self.make)
        free = case.name not in _FIXED
        if case.name == "poisson":
            found = tuple(t + 0.2 for t in found)  # counts of zero stand at the edge
        operands = [self.leaf(case.name, t) if free and _smooth(t) else t for t in found]
        whole: dp.Objective = case.call(inner, *operands)
        return whole if case.name in _SETS else self.weight("λ") * whole


def _csmri(sketch: _Sketch, x: dp.Variable, coils: int = 0) -> dp.Objective:
    height, width = x.shape[-2:]
    mask = sketch.leaf("mask", sketch.make.mask(height, width))
    maps = None
    if coils:
        maps = sketch.leaf("coils", sketch.make.normal(coils, height, width, is_complex=True))
    channels = (coils or 1,)
    y = sketch.make.normal(*x.shape[:-3], *channels, height, width, is_complex=True)
    return dp.csmri(x, mask, sketch.leaf("y", y), maps)


def _coarse(sketch: _Sketch, x: dp.Variable) -> dp.Placeholder:
    shape = (*x.shape[:-2], x.shape[-2] // 2, x.shape[-1] // 2)
    return sketch.leaf("y", sketch.make.normal(*shape))


def _sisr(sketch: _Sketch, x: dp.Variable) -> dp.Objective:
    return dp.sisr(x, _coarse(sketch, x), sketch.leaf("kernel", sketch.make.normal(2, 2)))


def _misr(sketch: _Sketch, x: dp.Variable) -> dp.Objective:
    flow = sketch.leaf("flow", sketch.make.normal(*x.shape[-2:], 2))
    kernel = sketch.leaf("kernel", sketch.make.normal(2, 2))
    return dp.misr(x, [_coarse(sketch, x), _coarse(sketch, x)], [None, flow], kernel)


def _spi(sketch: _Sketch, x: dp.Variable) -> dp.Objective:
    ones = sketch.leaf("ones", 0.3 + 3.0 * sketch.make.uniform(*x.shape))
    return dp.spi(x + 0.5, ones, jots=4, gain=1.5)


def _phase_ret(sketch: _Sketch, x: dp.Variable) -> dp.Objective:
    code = sketch.leaf("code", sketch.make.normal(*x.shape[-2:], is_complex=True))
    image = dp.fft(dp.mul_elementwise(x, code))
    return dp.phase_ret(image, sketch.leaf("y", 0.5 + sketch.make.uniform(*x.shape)))


def _compress_sensing(sketch: _Sketch, x: dp.Variable) -> dp.Objective:
    masks = sketch.leaf("masks", sketch.make.uniform(*x.shape[-3:]))
    y = sketch.leaf("y", sketch.make.normal(*x.shape[:-3], *x.shape[-2:]))
    return dp.compress_sensing(x, y, masks)


def _learned(sketch: _Sketch, x: dp.Variable) -> dp.Objective:
    layer = torch.nn.Linear(x.shape[-1], 3, bias=False, dtype=torch.float64)
    layer.weight = torch.nn.Parameter(sketch.make.normal(*layer.weight.shape))
    sketch.leaves.append(Leaf("layer", layer.weight, parameter=layer.weight))
    image = dp.LearnedLinOp(layer)(x)
    return sketch.data_term(image)


_MEASURED: dict[str, Callable[[_Sketch, dp.Variable], dp.Objective]] = {
    "csmri": _csmri,
    "coils": lambda sketch, x: _csmri(sketch, x, coils=2),
    "sisr": _sisr,
    "misr": _misr,
    "spi": _spi,
    "phase_ret": _phase_ret,
    "compress_sensing": _compress_sensing,
    "learned": _learned,
}


def _smooth(tensor: Any) -> bool:
    return (
        isinstance(tensor, torch.Tensor)
        and tensor.layout is torch.strided
        and (tensor.is_floating_point() or tensor.is_complex())
    )
