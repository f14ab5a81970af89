"""Gradients through whole solves, against finite differences in double precision."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from solver_cases import noise
from torch.autograd import forward_ad

import dprox_core as dp
from dprox_core.testing.cases import Maker

SHAPE = (1, 1, 3, 4)
FIXED = {"abs_tol": 0.0, "rel_tol": 0.0}


def leaf(values: torch.Tensor) -> torch.Tensor:
    return values.clone().requires_grad_()


def check(solution: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> None:
    weights = noise(77, SHAPE)
    assert torch.autograd.gradcheck(
        lambda *given: (solution(*given) * weights).sum(), inputs, eps=1e-6, atol=1e-5, rtol=1e-4
    )


KERNEL = torch.tensor([[0.1, 0.2, 0.05], [0.2, 0.4, 0.0], [0.0, 0.1, 0.1]], dtype=torch.float64)


@pytest.mark.parametrize("method", ["admm", "fista"])
def test_data_kernel_and_weight_of_a_sparse_deconvolution(method: str) -> None:
    def solution(b: torch.Tensor, kernel: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        x = dp.Variable("x", SHAPE)
        terms = dp.sum_squares(dp.conv(x, kernel) - b) + weight * dp.norm1(x)
        options = {"rho": 1.0} if method == "admm" else {"step": 0.3, "restart": False}
        return dp.Problem(terms).solve(method, max_iter=7, **options, **FIXED)[x]

    check(
        solution,
        leaf(noise(1, SHAPE)),
        leaf(KERNEL),
        leaf(torch.tensor(0.2, dtype=torch.float64)),
    )


def test_rho_of_total_variation() -> None:
    def solution(b: torch.Tensor, rho: torch.Tensor) -> torch.Tensor:
        x = dp.Variable("x", SHAPE)
        terms = dp.sum_squares(x - b) + 0.3 * dp.norm1(dp.grad(x))
        return dp.Problem(terms).solve(rho=rho, max_iter=7, **FIXED)[x]

    check(solution, leaf(noise(2, SHAPE)), leaf(torch.tensor(0.8, dtype=torch.float64)))


def test_a_mask_and_bounds_through_conjugate_gradients() -> None:
    def solution(b: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        x = dp.Variable("x", SHAPE)
        terms = dp.sum_squares(dp.mul_elementwise(dp.conv(x, KERNEL), w) - b)
        terms = terms + 0.2 * dp.norm1(dp.grad(x)) + 0.1 * dp.sum_squares(x)
        options = {"rho": 0.5, "linear_solver": "cg"}
        return dp.Problem(terms).solve(max_iter=2, **options, **FIXED)[x]

    check(solution, leaf(noise(3, SHAPE)), leaf(0.5 + noise(4, SHAPE).abs()))


def test_a_placeholder_stays_attached() -> None:
    kernel = dp.Placeholder("kernel", shape=(3, 3))
    b = noise(5, SHAPE)
    x = dp.Variable("x", SHAPE)
    problem = dp.Problem(dp.sum_squares(dp.conv(x, kernel) - b) + 0.1 * dp.sum_squares(x))

    def solution(values: torch.Tensor) -> torch.Tensor:
        kernel.value = values
        return problem.solve()[x]

    check(solution, leaf(KERNEL))


def test_the_gradient_of_a_quadratic_is_that_of_its_closed_form() -> None:
    b = leaf(noise(6, SHAPE))
    x = dp.Variable("x", SHAPE)
    result = dp.Problem(dp.sum_squares(x - b) + 3 * dp.sum_squares(x)).solve()[x]
    result.sum().backward()
    torch.testing.assert_close(b.grad, torch.full_like(b, 0.25))


def test_without_a_wish_for_gradients_nothing_is_recorded() -> None:
    b = leaf(noise(7, SHAPE))
    x = dp.Variable("x", SHAPE)
    problem = dp.Problem(dp.sum_squares(x - b) + dp.norm1(x))
    with torch.no_grad():
        assert not problem.solve()[x].requires_grad
    assert problem.solve()[x].requires_grad
    assert not dp.Problem(dp.sum_squares(x - b.detach())).solve()[x].requires_grad


def test_a_solve_that_is_differentiated_finds_the_same() -> None:
    b = noise(8, SHAPE)
    x = dp.Variable("x", SHAPE)

    def solve(data: torch.Tensor) -> torch.Tensor:
        terms = (
            dp.sum_squares(dp.conv(x, KERNEL) - data) + 0.1 * dp.norm1(dp.grad(x)) + dp.nonneg(x)
        )
        return dp.Problem(terms).solve(rho=1.0, max_iter=40, **FIXED)[x]

    torch.testing.assert_close(solve(leaf(b)).detach(), solve(b), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("method", ["ladmm", "pdhg", "pd3o", "pgd", "fista"])
def test_steps_that_follow_from_norms_do_not_move_with_the_kernel(method: str) -> None:
    # Few iterations: their result depends on the steps, which gradients take as constant.
    x = dp.Variable("x", (1, 1, 3, 4), dtype=torch.float64)
    kernel, b = noise(61, (2, 3)).requires_grad_(), noise(62, (1, 1, 3, 4))
    fits = method in ("pgd", "fista")

    def solve(kernel: torch.Tensor) -> torch.Tensor:
        fidelity = dp.sum_squares(dp.mul_elementwise(dp.conv(x, kernel), b) - b)
        penalty = dp.norm1(x) if fits else dp.norm1(dp.conv(x, kernel)) + dp.norm2(dp.grad(x) - 1)
        return dp.Problem(fidelity + 0.3 * penalty).solve(method, max_iter=4)[x]

    assert torch.autograd.gradcheck(solve, (kernel,), atol=1e-5)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("method", ["ladmm", "pdhg", "pd3o"])
def test_steps_do_not_move_with_kernels_that_sum_to_one(method: str, batch: int) -> None:
    # Their norm is one, and that of a block whose share of the step is all of it.
    make = Maker(8)
    psf = make.uniform(batch, 1, 3, 3, low=0.5, high=1.5)
    psf, b = psf / psf.sum((-2, -1), keepdim=True), make.normal(batch, 1, 4, 5)
    x = dp.Variable("x", b.shape, dtype="float64")

    def solve(kernel: torch.Tensor) -> torch.Tensor:
        rest = dp.norm1(dp.conv(x, kernel) - b)
        return dp.Problem(rest + 0.1 * dp.sum_squares(x)).solve(method, max_iter=4)[x]

    assert torch.autograd.gradcheck(solve, (psf.requires_grad_(),), atol=1e-5)


@pytest.mark.parametrize("method", ["admm", "pdhg"])
def test_where_a_mask_is_zero_its_gradient_is_that_of_the_limit(method: str) -> None:
    keep = torch.tensor([1.0, 0.0, 1.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    b = noise(80, (6,))

    def solution(keep: torch.Tensor) -> torch.Tensor:
        x = dp.Variable("x", (6,))
        misfit = dp.huber(dp.mask(x, keep) - b, 0.5)
        terms = misfit + dp.sum_squares(x - 0.3) + 0.2 * dp.norm1(x)
        return dp.Problem(terms).solve(method, max_iter=6, **FIXED)[x]

    assert torch.autograd.gradcheck(solution, (leaf(keep),), eps=1e-4, atol=1e-5, rtol=1e-3)


def test_a_variable_whose_system_holds_nothing_that_wants_a_gradient() -> None:
    """Conjugate gradients over two variables, and only one of them meets the kernel."""
    b = noise(81, SHAPE)

    def solution(kernel: torch.Tensor) -> torch.Tensor:
        x, y = dp.Variable("x", SHAPE), dp.Variable("y", SHAPE)
        terms = dp.sum_squares(x + y - b) + dp.norm1(dp.conv(x, kernel)) + dp.norm1(y)
        found = dp.Problem(terms).solve("admm", max_iter=3, rho=0.7, **FIXED)
        return torch.stack([found[x], found[y]])

    check(solution, leaf(KERNEL))


def test_a_matrix_with_more_columns_than_rows_and_nothing_beside_it() -> None:
    """The system is singular: its null space, which moves with the matrix, keeps the start."""
    start, b = noise(82, (5,)), noise(83, (2,))
    x = dp.Variable("x", (5,))

    def solution(matrix: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return dp.Problem(dp.sum_squares(dp.matrix(x, matrix) - b)).solve("admm", x0=start)[x]

    inputs = (leaf(noise(84, (2, 5))), leaf(b))
    expected = start + torch.linalg.pinv(inputs[0]) @ (b - inputs[0] @ start)
    torch.testing.assert_close(solution(*inputs), expected, atol=1e-10, rtol=1e-10)
    assert torch.autograd.gradcheck(solution, inputs, atol=1e-6)


def test_second_derivatives_are_right_or_refused() -> None:
    b, k = dp.Placeholder("b", SHAPE), dp.Placeholder("k", (3, 3))
    x = dp.Variable("x", SHAPE)
    terms = dp.sum_squares(dp.conv(x, k) - b) + 0.2 * dp.sum_squares(dp.grad(x))
    problem = dp.Problem(terms + 0.1 * dp.huber(x, 0.2))
    given = (leaf(noise(85, SHAPE)), leaf(KERNEL))

    def total(layer: torch.nn.Module, *given: torch.Tensor) -> torch.Tensor:
        return layer(dict(zip((b, k), given, strict=True))).square().sum()

    for engine in ("autograd", "recompute"):
        layer = dp.specialize(problem, max_iter=3, engine=engine, rho=1.0)
        assert torch.autograd.gradgradcheck(
            lambda *held, layer=layer: total(layer, *held), given, atol=1e-5, fast_mode=True
        )
    for layer, words in (
        (dp.specialize(problem, "deq"), "fixed point"),
        (dp.specialize(problem, max_iter=3, linear_solver="cg"), "conjugate gradients"),
        (dp.specialize(problem, max_iter=3, linear_solver="minres"), "minimal residuals"),
    ):
        first = torch.autograd.grad(total(layer, *given), given, create_graph=True)
        for gradient in first:
            with pytest.raises(dp.DproxError, match=f"no second derivatives through .*{words}"):
                torch.autograd.grad(gradient.sum(), given, retain_graph=True)
        # By a derivative of the first one along what it was given, for which all else is constant.
        with pytest.raises(dp.DproxError, match=f"through .*{words}.*, and no forward ones"):
            torch.autograd.functional.jvp(lambda *held: total(layer, *held), given, given)  # noqa: B023


def test_forward_derivatives_are_right_or_refused() -> None:
    """Two backward passes give them, where the first one can be differentiated."""
    b, x = dp.Placeholder("b", SHAPE), dp.Variable("x", SHAPE)
    at, along = noise(86, SHAPE), noise(88, SHAPE)

    def found(penalty: dp.Objective) -> Callable[[torch.Tensor], torch.Tensor]:
        layer = dp.specialize(dp.sum_squares(x - b) + 0.1 * penalty, max_iter=3, rho=1.0)
        return lambda v: layer({b: v})

    sparse = found(dp.norm1(x))
    _, moved = torch.autograd.functional.jvp(sparse, at, along)
    expected = (sparse(at + 1e-6 * along) - sparse(at - 1e-6 * along)) / 2e-6
    torch.testing.assert_close(moved, expected, atol=1e-6, rtol=1e-6)
    with pytest.raises(dp.DproxError, match="through singular values"):
        torch.autograd.functional.jvp(found(dp.nuclear_norm(x)), at, along)


def test_what_watches_the_numbers_of_a_solve_is_refused() -> None:
    x = dp.Variable("x", (3,))

    def found(b: torch.Tensor) -> torch.Tensor:
        return dp.Problem(dp.sum_squares(x - b) + dp.norm1(x)).solve()[x]

    b = noise(87, (3,))
    with pytest.raises(dp.DataError, match=r"take gradients with torch\.autograd"):
        torch.func.grad(lambda b: found(b).sum())(b)
    with pytest.raises(dp.DataError, match="several samples as one batch"):
        torch.func.vmap(found)(torch.stack([b, b]))
    with pytest.raises(dp.DataError, match="forward-mode"):
        torch.func.jvp(found, (b,), (b,))
    with forward_ad.dual_level(), pytest.raises(dp.DataError, match="forward-mode"):
        found(forward_ad.make_dual(b, b))


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "dr", "hqs"])
def test_how_split_terms_are_brought_to_one_scale_does_not_move_with_a_kernel(method: str) -> None:
    make = Maker(7)
    b, psf = make.normal(1, 1, 5, 6), make.uniform(3, 3, low=0.5, high=1.5)
    x = dp.Variable("x", b.shape, dtype="float64")
    kernel = dp.Placeholder("psf", value=psf)
    problem = dp.Problem(dp.huber(dp.conv_doe(x, kernel) - b, 0.7) + 0.2 * dp.norm1(x))
    layer = dp.specialize(problem, algorithm=method, max_iter=5)
    weights, direction = make.normal(*b.shape), make.normal(3, 3)

    def cost(at: torch.Tensor) -> torch.Tensor:
        return (layer({kernel: at}) * weights).sum()

    leaf = psf.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(cost(leaf), leaf)
    with torch.no_grad():
        ends = [float(cost(psf + sign * 1e-6 * direction)) for sign in (1.0, -1.0)]
    assert float((gradient * direction).sum()) == pytest.approx(
        (ends[0] - ends[1]) / 2e-6, rel=1e-5
    )
