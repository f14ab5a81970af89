"""Whole problems that the language makes possible, against closed forms and CVXPY."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
import torch

import dprox_core as dp
from dprox_core.testing.cases import Maker
from dprox_core.testing.measures import dense, operator_of

TIGHT = {"max_iter": 6000, "abs_tol": 1e-9, "rel_tol": 1e-9}
MAKE = Maker(11)


def test_a_prox_is_taken_behind_an_orthogonal_transform() -> None:
    x = dp.Variable("x", (1, 1, 4, 8), dtype=torch.float64)
    b = MAKE.normal(1, 1, 4, 8)
    for transform in (dp.wavelet, dp.dct, lambda e: dp.permute(dp.dct(e), (0, 2, 1, 3))):
        coefficients = transform(b)
        shrunk = coefficients - coefficients.clamp(-0.3, 0.3)
        expected = operator_of(transform(x)).adjoint(shrunk)
        problem = dp.Problem(dp.sum_squares(x - b) + 0.6 * dp.norm1(transform(x)))
        for method in ("admm", "fista"):
            assert torch.allclose(problem.solve(method, **TIGHT)[x], expected, atol=1e-6)


def test_scales_rotations_and_offsets_together() -> None:
    x = dp.Variable("x", (1, 1, 4, 4), dtype=torch.float64)
    b, w, c = MAKE.normal(1, 1, 4, 4), MAKE.normal(1, 1, 4, 4), MAKE.normal(1, 1, 4, 4)
    expression = dp.mul_elementwise(dp.wavelet(dp.dct(2 * x)), w) - c
    problem = dp.Problem(dp.sum_squares(x - b) + 0.5 * dp.norm1(expression))
    matrix = dense(operator_of(expression)).numpy()
    unknown = cp.Variable(16)
    cost = cp.sum_squares(unknown - b.reshape(-1).numpy())
    cost += 0.5 * cp.norm1(matrix @ unknown - c.reshape(-1).numpy())
    cp.Problem(cp.Minimize(cost)).solve(solver="CLARABEL")
    found = problem.solve("fista", **TIGHT)[x].reshape(-1).numpy()
    assert np.abs(found - unknown.value).max() < 1e-5


def test_bounds_beside_a_transform_are_met_exactly() -> None:
    x = dp.Variable("x", (1, 1, 4, 4), dtype=torch.float64)
    b = MAKE.normal(1, 1, 4, 4)
    terms = (
        dp.sum_squares(x - b) + 0.3 * dp.norm1(dp.dct(x)) + dp.nonneg(x) + dp.box(dp.dct(x), -2, 2)
    )
    problem = dp.Problem(terms)
    result = problem.solve(**TIGHT)
    assert float(result[x].min()) >= 0.0
    matrix = dense(operator_of(dp.dct(x))).numpy()
    unknown = cp.Variable(16)
    cost = cp.sum_squares(unknown - b.reshape(-1).numpy()) + 0.3 * cp.norm1(matrix @ unknown)
    bounds = [unknown >= 0, matrix @ unknown >= -2, matrix @ unknown <= 2]
    cp.Problem(cp.Minimize(cost), bounds).solve(solver="CLARABEL")
    assert np.abs(result[x].reshape(-1).numpy() - unknown.value).max() < 1e-5


def test_robust_principal_components() -> None:
    low, sparse = dp.Variable("low", (6, 5)), dp.Variable("sparse", (6, 5))
    data = MAKE.normal(6, 2) @ MAKE.normal(2, 5)
    data[1, 2] += 5.0
    problem = dp.Problem(dp.nuclear_norm(low) + 0.4 * dp.norm1(sparse), [low + sparse == data])
    result = problem.solve(**TIGHT)
    one, other = cp.Variable((6, 5)), cp.Variable((6, 5))
    cost = cp.normNuc(one) + 0.4 * cp.sum(cp.abs(other))
    reference = cp.Problem(cp.Minimize(cost), [one + other == data.numpy()])
    reference.solve(solver="SCS", eps=1e-8)
    assert torch.allclose(result[low] + result[sparse], data, atol=1e-6)
    value = float(dp.nuclear_norm(result[low]) + 0.4 * dp.norm1(result[sparse]))
    assert value == pytest.approx(reference.value, abs=1e-4)


@pytest.mark.parametrize("method", ["pdhg", "pd3o", "ladmm", "pgd", "fista"])
def test_variables_of_different_sizes_take_steps_of_their_own(method: str) -> None:
    """y in another unit: after about as many steps the same solution, a hundredth as large."""
    make, solutions = Maker(0), []
    first, second, b = make.normal(6, 4), make.normal(6, 4), make.normal(6)
    for unit in (1.0, 100.0):
        x = dp.Variable("x", (4,), dtype=torch.float64)
        y = dp.Variable("y", (4,), dtype=torch.float64)
        seen = dp.matrix(x, first) + unit * dp.matrix(y, second)
        penalties = 0.3 * dp.norm1(x) + 0.3 * unit * dp.norm1(y)
        problem = dp.Problem(dp.sum_squares(seen - b) + penalties)
        result = problem.solve(method, abs_tol=1e-8, rel_tol=1e-8, max_iter=1500)
        assert result.converged
        solutions.append(torch.cat([result[x], unit * result[y]]))
    assert torch.allclose(solutions[0], solutions[1], atol=1e-6)


def test_a_complex_problem_with_two_priors_does_not_diverge() -> None:
    """The published csmri with two priors runs away."""
    x = dp.Variable("x", (1, 1, 4, 8), dtype=torch.complex128)
    truth = MAKE.normal(1, 1, 4, 8, is_complex=True)
    mask = MAKE.mask(4, 8)
    y = dp.fourier_sampling(truth, mask)
    terms = dp.csmri(x, mask, y) + 0.05 * dp.norm1(dp.wavelet(x)) + 0.05 * dp.norm1(dp.grad(x))
    problem = dp.Problem(terms)
    result = problem.solve(**TIGHT)
    assert result.plan.linear_solver == "fourier"
    best = problem.value(result[x])
    for scale in (1e-1, 1e-2, 1e-3):
        moved = result[x] + scale * MAKE.normal(1, 1, 4, 8, is_complex=True)
        assert problem.value(moved) >= best - 1e-8


def test_coils_give_the_image_that_least_squares_gives() -> None:
    x = dp.Variable("x", (1, 1, 4, 6), dtype=torch.complex128)
    coils, mask = MAKE.normal(3, 4, 6, is_complex=True), MAKE.mask(4, 6)
    truth = MAKE.normal(1, 1, 4, 6, is_complex=True)
    y = dp.fourier_sampling(truth, mask, coils)
    problem = dp.Problem(dp.csmri(x, mask, y, coils) + 1e-9 * dp.sum_squares(x))
    assert torch.allclose(problem.solve(**TIGHT)[x], truth, atol=1e-4)


def test_superresolution_data_terms_agree() -> None:
    x = dp.Variable("x", (1, 1, 4, 6), dtype=torch.float64)
    y, kernel = MAKE.normal(1, 1, 2, 3), MAKE.uniform(3, 3) / 5
    smooth = 0.2 * dp.sum_squares(dp.grad(x)) + 0.1 * dp.sum_squares(x)
    closed = dp.Problem(dp.sisr(x, y, kernel) + smooth).solve(**TIGHT)[x]
    written = dp.Problem(dp.misr(x, [y], [None], kernel) + smooth).solve(**TIGHT)[x]
    assert torch.allclose(closed, written, atol=1e-6)


def test_a_snapshot_of_many_bands() -> None:
    x = dp.Variable("x", (1, 3, 4, 4), dtype=torch.float64)
    y, masks = MAKE.normal(1, 4, 4), MAKE.mask(3, 4, 4)
    solved = dp.Problem(dp.compress_sensing(x, y, masks) + 0.5 * dp.sum_squares(x)).solve(**TIGHT)
    expected = masks * (y / (0.5 + masks.sum(0))).unsqueeze(1)
    assert torch.allclose(solved[x], expected, atol=1e-6)


def test_phases_are_found_from_a_near_start() -> None:
    x = dp.Variable("x", (1, 1, 8, 8), dtype=torch.complex128)
    truth = MAKE.normal(1, 1, 8, 8, is_complex=True)
    codes = [torch.exp(6.28j * MAKE.uniform(8, 8)) for _ in range(4)]
    terms = sum(
        dp.phase_ret(
            dp.fft(dp.mul_elementwise(x, code)), dp.fft(dp.mul_elementwise(truth, code)).abs()
        )
        for code in codes
    )
    start = truth + 0.1 * MAKE.normal(1, 1, 8, 8, is_complex=True)
    result = dp.Problem(terms).solve(x0=start, max_iter=400)
    phase = (truth.conj() * result[x]).sum()
    aligned = result[x] * (phase.conj() / phase.abs())
    assert float((aligned - truth).abs().max()) < 1e-2


def test_patches_that_resemble_each_other_are_averaged() -> None:
    photo = dp.load_image("sample:coffee", size=32)
    noisy = dp.add_noise(photo, sigma=0.1, seed=0)
    x = dp.Variable("x", photo.shape)
    problem = dp.Problem(dp.sum_squares(x - noisy) + dp.patch_nlm(x, sigma=0.1))
    restored = problem.solve("admm", max_iter=6)[x]
    assert dp.psnr(restored, photo) > dp.psnr(noisy, photo) + 1


def test_gradients_reach_the_lens_through_a_solve() -> None:
    """The published optics example loses the gradient of its point spread function."""
    psf = (MAKE.uniform(1, 1, 3, 3) / 9).requires_grad_()
    x = dp.Variable("x", (1, 1, 5, 6), dtype=torch.float64)
    y = MAKE.normal(1, 1, 5, 6)
    for circular in (True, False):

        def loss(psf: torch.Tensor, circular: bool = circular) -> torch.Tensor:
            fit = dp.sum_squares(dp.conv_doe(x, psf, circular=circular) - y)
            return dp.Problem(fit + 0.1 * dp.sum_squares(x)).solve(**TIGHT)[x].square().sum()

        assert torch.autograd.gradcheck(loss, (psf,), fast_mode=True)


def test_gradients_reach_the_parameters_of_a_learned_operator() -> None:
    layer = torch.nn.Conv2d(1, 1, 3, padding=1, bias=False).double()
    x = dp.Variable("x", (1, 1, 5, 6), dtype=torch.float64)
    y = MAKE.normal(1, 1, 5, 6)
    problem = dp.Problem(dp.sum_squares(dp.LearnedLinOp(layer)(x) - y) + 0.1 * dp.sum_squares(x))
    problem.solve(**TIGHT)[x].square().sum().backward()
    slope = layer.weight.grad
    assert slope is not None
    with torch.no_grad():
        values = []
        for change in (1e-6, -1e-6):
            layer.weight[0, 0, 1, 0] += change
            values.append(float(problem.solve(**TIGHT)[x].square().sum()))
            layer.weight[0, 0, 1, 0] -= change
    assert float(slope[0, 0, 1, 0]) == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-4)


def test_a_budget_is_a_sum() -> None:
    gain = torch.tensor([0.1, 0.3, 0.2, -0.1], dtype=torch.float64)
    root = torch.tensor([[1.0, 0.2, 0.0, 0.1], [0.0, 0.8, 0.3, 0.0]], dtype=torch.float64)
    x, u = dp.Variable("x", (4,)), cp.Variable(4)
    risk = dp.sum_squares(dp.matrix(x, root)) + 0.1 * dp.sum_squares(x) - dp.linear(x, gain)
    other = cp.sum_squares(root.numpy() @ u) + 0.1 * cp.sum_squares(u) - gain.numpy() @ u
    result = dp.Problem(risk, [x.sum() == 1.0, x >= 0, x[:2].mean() <= 0.3]).solve(
        abs_tol=1e-8, rel_tol=1e-8, max_iter=5000
    )
    limits = [cp.sum(u) == 1.0, u >= 0, cp.sum(u[:2]) / 2.0 <= 0.3]
    best = cp.Problem(cp.Minimize(other), limits).solve(solver=cp.CLARABEL)
    assert result.objective == pytest.approx(best, abs=1e-6)
    assert float(result[x].sum()) == pytest.approx(1.0, abs=1e-6)


def test_linear_terms_are_subtracted_and_nothing_else() -> None:
    x = dp.Variable("x", (3,), dtype=torch.float64)
    c = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    square = dp.sum_squares(x)
    for objective in (
        square - dp.linear(x, c),
        square + -1.0 * dp.linear(x, c),
        square - (dp.linear(x, c) + 4.0) + 4.0,
        square - c @ x,
        -(c @ x) + square,
        1.0 - dp.linear(x, c) + square - 1.0,
    ):
        result = dp.Problem(objective).solve(**TIGHT)
        torch.testing.assert_close(result[x], c / 2.0)
        assert result.objective == pytest.approx(-float(c.square().sum()) / 4.0)
    mean = dp.Problem(square - x.mean()).solve(**TIGHT)[x]
    torch.testing.assert_close(mean, torch.full((3,), 1.0 / 6.0, dtype=torch.float64))
    with pytest.raises(dp.ParameterError, match="is not convex"):
        square - dp.norm1(x)
    with pytest.raises(dp.ParameterError, match="is not convex"):
        1.0 - square


def test_sums_over_pictures_are_solved_by_fft() -> None:
    b = torch.randn(2, 3, 5, 6, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    x = dp.Variable("x", (2, 3, 5, 6))
    fit = dp.sum_squares(x - b) + 2.0 * dp.sum_squares(x.sum((-1, -2)) - 1.0)
    problem = dp.Problem(fit + 0.1 * dp.norm1(dp.grad(x)))
    assert problem.compile().plan.linear_solver == "fourier"
    smooth = dp.Problem(fit).solve()[x]
    # (1 + 2 · 30) s = Σ b + 2 · 30 for each sum s.
    torch.testing.assert_close(smooth.sum((-1, -2)), (b.sum((-1, -2)) + 60.0) / 61.0)


def test_an_intercept_and_a_gain_are_unknown_numbers() -> None:
    points, labels = MAKE.normal(12, 3), MAKE.normal(12).sign()
    w, b, g = (
        dp.Variable(n, s, dtype=torch.float64) for n, s in (("w", (3,)), ("b", ()), ("g", (1,)))
    )
    gain = MAKE.uniform(12)
    scores = points @ w + b + g * gain
    loss = dp.hinge(dp.mul_elementwise(scores, labels)) + dp.sum_squares(w) + dp.norm1(g)
    result = dp.Problem(loss + 0.1 * dp.sum_squares(b)).solve(**TIGHT)
    u, c, h = cp.Variable(3), cp.Variable(), cp.Variable()
    margins = cp.multiply(labels.numpy(), points.numpy() @ u + c + h * gain.numpy())
    other = cp.sum(cp.pos(1 - margins)) + cp.sum_squares(u) + cp.abs(h) + 0.1 * cp.square(c)
    best = cp.Problem(cp.Minimize(other)).solve(solver=cp.CLARABEL)
    assert result.objective == pytest.approx(best, abs=1e-5)
    np.testing.assert_allclose(result[w].numpy(), u.value, atol=1e-4)


def test_one_picture_is_seen_in_many_frames() -> None:
    frames = MAKE.normal(5, 1, 4, 6)
    x = dp.Variable("x", (1, 1, 4, 6), dtype=torch.float64)
    problem = dp.Problem(dp.sum_squares(x - frames) + 0.5 * dp.norm1(x))
    assert problem.compile().plan.linear_solver == "diagonal"
    mean = frames.mean(0, keepdim=True)
    soft = mean.sign() * (mean.abs() - 0.05).clamp_min(0.0)
    torch.testing.assert_close(problem.solve(**TIGHT)[x], soft, atol=1e-7, rtol=0.0)
    below = dp.Problem(dp.sum_squares(x - frames[:1]), [x <= dp.Variable("s", ())])
    torch.testing.assert_close(below.solve(**TIGHT)[x], frames[:1], atol=1e-6, rtol=0.0)


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "hqs"])
@pytest.mark.parametrize("size", [1.0, 10.0])
def test_a_long_operator_under_a_smooth_loss_does_not_hold_a_penalty_up(
    method: str, size: float
) -> None:
    """Group logistic regression: one ρ serves A x, of norm 20 or 200, and x."""
    make = Maker(3)
    A, w = size * make.normal(200, 40), torch.zeros(10, 4, dtype=torch.float64)
    w[:3] = make.normal(3, 4)
    y = torch.sign(A @ w.reshape(-1) / size + 0.5 * make.normal(200))
    x = dp.Variable("x", (10, 4))
    whole = dp.logistic(A @ dp.reshape(x, (-1,)), y) + 20.0 * size * dp.group_norm1(x, -1)
    tight = {"abs_tol": 1e-6, "rel_tol": 1e-6, "max_iter": 500}
    result = dp.Problem(whole).solve(method, **tight)
    assert result.converged
    other = dp.Problem(whole).solve("fista", **tight)
    assert result.objective == pytest.approx(other.objective, rel=5e-5)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize(
    "method", ["admm", "admm_vxu", "dr", "hqs", "ladmm", "pdhg", "pd3o", "pgd", "fista"]
)
def test_one_number_without_axes_stays_in_single_precision(method: str, dtype: str) -> None:
    x = dp.Variable("x", (), dtype=dtype)
    gradient = method in ("pgd", "fista")
    rest = dp.norm1(x) if gradient else dp.norm2(2 * x) + 0.1 * dp.norm1(dp.broadcast_to(x, (3,)))
    problem = dp.Problem(dp.sum_squares(x - 3.0) + rest)
    name = {"pdhg": "weight", "pd3o": "weight", "pgd": "step", "fista": "step"}.get(method, "rho")
    given = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    for options in ({}, {name: given}):
        result = problem.solve(method, **options)
        assert result[x].dtype == getattr(torch, dtype)
        assert abs(result[x].item() - (2.5 if gradient else 1.85)) < 0.01


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
@pytest.mark.parametrize("transposed", [False, True])
def test_numbers_in_an_operator_of_ones_own_leave_the_precision(
    dtype: torch.dtype, transposed: bool
) -> None:
    w = torch.linspace(0.5, 1.5, 6, dtype=torch.float64)
    weigh = dp.LinOpFactory(lambda v: w * v, (lambda y: w * y) if transposed else None)
    x = dp.Variable("x", (6,), dtype=dtype)
    fit = dp.sum_squares(weigh(x) - 1.0) + dp.sum_squares(x - 0.5)
    problem = dp.Problem(fit + 0.1 * dp.norm1(x))
    iterative = {"linear_solver": "cg"}
    for method, options in (("admm", iterative), ("dr", iterative), ("pd3o", {}), ("fista", {})):
        found = problem.solve(method, **options)[x]
        assert found.dtype == dtype
        assert torch.allclose(found.real.double(), (w + 0.45) / (w**2 + 1), atol=5e-3), method


@pytest.mark.parametrize("method", ["admm_vxu", "pd3o", "pgd"])
def test_real_data_beside_a_complex_operator_of_ones_own(method: str) -> None:
    turn = dp.LinOpFactory(lambda v: 1j * v)
    x = dp.Variable("x", (2, 3), dtype="complex128")
    problem = dp.Problem(dp.elastic_net(turn(x) - 0.5) + dp.sum_squares(x))
    expected = dp.Problem(dp.elastic_net(1j * x - 0.5) + dp.sum_squares(x))
    if method == "pgd":
        problem, expected = (
            dp.Problem(dp.sum_squares(e - 0.5) + dp.norm1(x)) for e in (turn(x), 1j * x)
        )
    found = problem.solve(method, abs_tol=1e-9, rel_tol=1e-9)[x]
    best = expected.solve(method, abs_tol=1e-9, rel_tol=1e-9)[x]
    assert torch.allclose(found, best, atol=1e-6)
