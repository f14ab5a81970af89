"""Small convex problems, each with its optimum as CVXPY finds it from dense matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cvxpy
import numpy as np
import torch

import dprox_core as dp

__all__ = ["CASES", "Case", "dense", "goes_on_from_a_file", "optimum"]

SHAPE = (1, 1, 5, 6)
Build = Callable[[], tuple[dp.Problem, dict[dp.Variable, object], object, list[object]]]


@dataclass(frozen=True)
class Case:
    """A problem of ours beside the same in CVXPY's words.

    Attributes:
        name: what it is about.
        build: makes the problem, and CVXPY's unknowns, objective and constraints.
        unique: whether there is one minimizer, so that the iterate can be compared too.
    """

    name: str
    build: Build
    unique: bool = True


def noise(seed: int, shape: tuple[int, ...] = SHAPE, complex: bool = False) -> torch.Tensor:
    """Standard normal values in double precision."""
    generator = torch.Generator().manual_seed(seed)
    dtype = torch.complex128 if complex else torch.float64
    return torch.randn(shape, generator=generator, dtype=dtype)


def goes_on_from_a_file(
    problem: dp.Problem, x: dp.Variable, method: str, path: str, half: int, whole: int
) -> None:
    """So many iterations, saved, loaded by a fresh solver and gone on from, are bit for bit all."""
    options = {"abs_tol": 0.0, "rel_tol": 1e-14}
    solver = problem.compile(method, **options)
    through = solver.solve(max_iter=whole)
    solver.save_state(solver.solve(max_iter=half).state, path)
    fresh = problem.compile(method, **options)
    rest = fresh.solve(state=fresh.load_state(path), max_iter=whole - half)
    torch.testing.assert_close(rest[x], through[x], rtol=0.0, atol=0.0)


def dense(
    operator: Callable[[torch.Tensor], torch.Tensor],
    shape: tuple[int, ...],
    dtype: torch.dtype = torch.float64,
) -> np.ndarray:
    """The matrix of a linear operator, column by column."""
    size = int(np.prod(shape))
    columns = []
    for index in range(size):
        unit = torch.zeros(size, dtype=dtype)
        unit[index] = 1.0
        columns.append(operator(unit.reshape(shape)).reshape(-1))
    return torch.stack(columns, dim=1).numpy()


def flat(tensor: torch.Tensor) -> np.ndarray:
    """The values in one row."""
    return tensor.reshape(-1).numpy()


@cache
def optimum(name: str) -> tuple[float, dict[str, np.ndarray]]:
    """CVXPY's optimal value, and its minimizer by variable name."""
    case = next(case for case in CASES if case.name == name)
    _, unknowns, objective, constraints = case.build()
    problem = cvxpy.Problem(cvxpy.Minimize(objective), constraints)
    value = problem.solve(solver=cvxpy.CLARABEL)
    assert problem.status == cvxpy.OPTIMAL
    return float(value), {v.name: np.asarray(u.value) for v, u in unknowns.items()}


KERNEL = torch.tensor([[0.1, 0.2, 0.0], [0.3, 0.5, 0.1], [0.0, 0.2, -0.1]], dtype=torch.float64)


def _start() -> tuple[dp.Variable, cvxpy.Variable]:
    return dp.Variable("x", SHAPE), cvxpy.Variable(int(np.prod(SHAPE)))


def _tv(u: object, scale: float = 1.0) -> object:
    return scale * cvxpy.norm1(dense(dp.grad, SHAPE) @ u)


def _isotropic(u: object) -> object:
    gradient = dense(dp.grad, SHAPE)
    both = cvxpy.vstack([gradient[0::2] @ u, gradient[1::2] @ u])
    return cvxpy.sum(cvxpy.norm(both, 2, axis=0))


def denoise():
    x, u = _start()
    b = noise(1)
    problem = dp.Problem(dp.sum_squares(x - b) + 0.4 * dp.norm1(dp.grad(x)))
    return problem, {x: u}, cvxpy.sum_squares(u - flat(b)) + _tv(u, 0.4), []


def deconvolve():
    x, u = _start()
    b = noise(2).abs()
    problem = dp.Problem(
        dp.sum_squares(dp.conv(x, KERNEL) - b) + 0.05 * dp.norm1(dp.grad(x)) + dp.nonneg(x)
    )
    blurred = dense(lambda v: dp.conv(v, KERNEL), SHAPE) @ u
    return problem, {x: u}, cvxpy.sum_squares(blurred - flat(b)) + _tv(u, 0.05), [u >= 0]


def isotropic():
    x, u = _start()
    b = noise(3)
    problem = dp.Problem(2.5 * dp.sum_squares(x - b) + dp.group_norm1(dp.grad(x)))
    return problem, {x: u}, 2.5 * cvxpy.sum_squares(u - flat(b)) + _isotropic(u), []


def inpaint():
    x, u = _start()
    keep = (noise(4) > -0.5).double()
    b = keep * noise(5)
    problem = dp.Problem(
        dp.sum_squares(dp.mask(x, keep) - b) + 0.2 * dp.group_norm1(dp.grad(x)) + dp.box(x, -1, 1)
    )
    kept = cvxpy.multiply(flat(keep), u)
    objective = cvxpy.sum_squares(kept - flat(b)) + 0.2 * _isotropic(u)
    return problem, {x: u}, objective, [u >= -1, u <= 1]


def weighted_pixels():
    x, u = _start()
    w, b = 0.5 + noise(6).abs(), noise(7)
    problem = dp.Problem(dp.sum_squares(dp.mul_elementwise(x, w) - b) + 0.6 * dp.norm1(x))
    scaled = cvxpy.multiply(flat(w), u)
    return problem, {x: u}, cvxpy.sum_squares(scaled - flat(b)) + 0.6 * cvxpy.norm1(u), []


def weights_offsets_and_nested_scales():
    x, u = _start()
    b, c, g = noise(8), noise(9), noise(10, (*SHAPE, 2))
    problem = dp.Problem(
        0.7 * dp.sum_squares(3 * (2 * x) - b)
        + 3 * (2 * dp.norm1(x + 2 * x - c))
        + 1.5 * dp.sum_squares(dp.grad(x) - g)
        + 4.0
    )
    gradient = dense(dp.grad, SHAPE)
    objective = (
        0.7 * cvxpy.sum_squares(6 * u - flat(b))
        + 6 * cvxpy.norm1(3 * u - flat(c))
        + 1.5 * cvxpy.sum_squares(gradient @ u - flat(g))
        + 4.0
    )
    return problem, {x: u}, objective, []


def blurred_and_masked():
    x, u = _start()
    keep = (noise(11) > -0.8).double()
    b = keep * noise(12)
    problem = dp.Problem(
        dp.sum_squares(dp.mask(dp.conv(x, KERNEL), keep) - b)
        + 0.1 * dp.norm1(dp.grad(x))
        + 0.05 * dp.sum_squares(x)
    )
    seen = dense(lambda v: dp.mask(dp.conv(v, KERNEL), keep), SHAPE) @ u
    objective = cvxpy.sum_squares(seen - flat(b)) + _tv(u, 0.1) + 0.05 * cvxpy.sum_squares(u)
    return problem, {x: u}, objective, []


def two_variables():
    x, u = _start()
    y, v = dp.Variable("y", SHAPE), cvxpy.Variable(int(np.prod(SHAPE)))
    b = noise(13)
    problem = dp.Problem(
        dp.sum_squares(x + 2 * y - b)
        + 0.1 * dp.sum_squares(y)
        + 0.3 * dp.norm1(x)
        + 0.4 * dp.norm1(dp.grad(y))
    )
    objective = (
        cvxpy.sum_squares(u + 2 * v - flat(b))
        + 0.1 * cvxpy.sum_squares(v)
        + 0.3 * cvxpy.norm1(u)
        + _tv(v, 0.4)
    )
    return problem, {x: u, y: v}, objective, []


def constraints():
    x, u = _start()
    b = noise(14)
    problem = dp.Problem(
        dp.sum_squares(x - b) + 0.3 * dp.norm1(x - 0.2),
        [x >= -0.5, dp.conv(x, KERNEL) <= 0.4],
    )
    blur = dense(lambda v: dp.conv(v, KERNEL), SHAPE)
    objective = cvxpy.sum_squares(u - flat(b)) + 0.3 * cvxpy.norm1(u - 0.2)
    return problem, {x: u}, objective, [u >= -0.5, blur @ u <= 0.4]


def simple_sparse():
    x, u = _start()
    b = noise(15)
    problem = dp.Problem(dp.sum_squares(dp.conv(x, KERNEL) - b) + 0.5 * dp.norm1(x) + dp.nonneg(x))
    blurred = dense(lambda v: dp.conv(v, KERNEL), SHAPE) @ u
    objective = cvxpy.sum_squares(blurred - flat(b)) + 0.5 * cvxpy.norm1(u)
    return problem, {x: u}, objective, [u >= 0]


def least_squares():
    x, u = _start()
    b, g = noise(16), noise(17, (*SHAPE, 2))
    problem = dp.Problem(
        3 * dp.sum_squares(dp.conv(x, KERNEL) - b)
        + 0.2 * dp.sum_squares(dp.grad(x) - g)
        + 0.1 * dp.sum_squares(x)
    )
    blurred = dense(lambda v: dp.conv(v, KERNEL), SHAPE) @ u
    objective = (
        3 * cvxpy.sum_squares(blurred - flat(b))
        + 0.2 * cvxpy.sum_squares(dense(dp.grad, SHAPE) @ u - flat(g))
        + 0.1 * cvxpy.sum_squares(u)
    )
    return problem, {x: u}, objective, []


def colours():
    shape = (2, 3, 4, 4)
    size = int(np.prod(shape))
    x, u = dp.Variable("x", shape), cvxpy.Variable(size)
    b = noise(18, shape)
    problem = dp.Problem(
        dp.sum_squares(dp.mosaic(x) - dp.mosaic(b))
        + 0.2 * dp.group_norm1(dp.grad(x), (-1, 1))
        + 0.01 * dp.sum_squares(x)
    )
    sampled = dense(dp.mosaic, shape)
    gradient = dense(dp.grad, shape).reshape(2, 3, 16, 2, size)
    groups = [gradient[n, :, p].reshape(6, size) @ u for n in range(2) for p in range(16)]
    objective = (
        cvxpy.sum_squares(sampled @ (u - flat(b)))
        + 0.2 * cvxpy.sum(cvxpy.hstack([cvxpy.norm(group, 2) for group in groups]))
        + 0.01 * cvxpy.sum_squares(u)
    )
    return problem, {x: u}, objective, []


def complex_values():
    x = dp.Variable("x", SHAPE, dtype=torch.complex128)
    u = cvxpy.Variable(int(np.prod(SHAPE)), complex=True)
    kernel, b = noise(19, (3, 3), complex=True), noise(20, complex=True)
    problem = dp.Problem(dp.sum_squares(dp.conv(x, kernel) - b) + 0.8 * dp.norm1(x))
    blur = dense(lambda v: dp.conv(v, kernel), SHAPE, torch.complex128)
    objective = cvxpy.sum_squares(blur @ u - flat(b)) + 0.8 * cvxpy.sum(cvxpy.abs(u))
    return problem, {x: u}, objective, []


def no_squares():
    x, u = _start()
    b = noise(21)
    problem = dp.Problem(
        dp.norm1(x - b) + 0.3 * dp.norm1(dp.grad(x)) + 0.2 * dp.group_norm1(dp.grad(x))
    )
    objective = cvxpy.norm1(u - flat(b)) + _tv(u, 0.3) + 0.2 * _isotropic(u)
    return problem, {x: u}, objective, []


CASES = (
    Case("denoise", denoise),
    Case("deconvolve", deconvolve),
    Case("isotropic", isotropic),
    Case("inpaint", inpaint, unique=False),
    Case("weighted_pixels", weighted_pixels),
    Case("weights_offsets_and_nested_scales", weights_offsets_and_nested_scales),
    Case("blurred_and_masked", blurred_and_masked),
    Case("two_variables", two_variables),
    Case("constraints", constraints),
    Case("simple_sparse", simple_sparse),
    Case("least_squares", least_squares),
    Case("colours", colours),
    Case("complex_values", complex_values),
    Case("no_squares", no_squares, unique=False),
)
