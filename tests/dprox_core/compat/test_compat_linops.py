"""Operators under the published names: values, adjoints, grams, shapes, published uses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import dprox_core.compat as dp
from dprox_core.compat import contrib
from dprox_core.errors import DproxError

GENERATOR = torch.Generator().manual_seed(5)


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def of(shape: tuple[int, ...] = (2, 3, 5, 4)) -> dp.Variable:
    return dp.Variable(shape)


SHIFT = dp.LinOpFactory(lambda x: x.roll(1, -1), lambda y: y.roll(-1, -1))
EXPRESSIONS: dict[str, Callable[[dp.Variable], dp.LinOp]] = {
    "variable": lambda x: x,
    "nested scales": lambda x: 3 * (2 * x),
    "a sum": lambda x: x + 2 * x,
    "a convolution of a scaled image": lambda x: dp.conv(2 * x, drawn(3, 3)),
    "a kernel per channel": lambda x: dp.conv(x, drawn(3, 3, 3).numpy()[:2, :2]),
    "a diffractive lens": lambda x: dp.conv_doe(x, drawn(1, 3, 3, 3), circular=False),
    "down": lambda x: dp.grad(x, dim=0),
    "right": lambda x: dp.grad(x, dim=1),
    "channels": lambda x: dp.grad(x, dim=2),
    "mosaic": lambda x: dp.mosaic(x),
    "weights": lambda x: dp.mul_elementwise(x, drawn(2, 3, 5, 4)),
    "colours": lambda x: dp.mul_color(x, drawn(2, 3)),
    "black box": lambda x: SHIFT(2 * x),
    "copy": lambda x: dp.copy(x) - dp.mosaic(x),
    "mosaic of a blur": lambda x: dp.mosaic(dp.conv(x, drawn(3, 3))),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_the_adjoint_is_that_of_the_whole_expression(name: str) -> None:
    x = of()
    expression = EXPRESSIONS[name](x)
    assert dp.validate(expression)
    assert dp.CompGraph(expression).sanity_check()
    v = drawn(2, 3, 5, 4)
    image = dp.eval(expression, v)
    assert torch.allclose(expression.T(image), dp.adjoint(expression, image))
    assert torch.allclose(expression.gram(v), dp.gram(expression, v))
    assert torch.allclose(dp.gram(expression, v), dp.adjoint(expression, image))


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_solve_agrees_with_what_the_expression_does(name: str) -> None:
    """At the minimizer of ‖A x − b‖² + ‖x‖² the gradient is zero, by eval and adjoint alone."""
    x = of((1, 3, 5, 4))
    if name == "weights":
        expression = dp.mul_elementwise(x, drawn(3, 5, 4))
    else:
        expression = EXPRESSIONS[name](x)
    b = drawn(*dp.eval(expression, drawn(1, 3, 5, 4)).shape)
    problem = dp.Problem(dp.sum_squares(expression - b) + dp.sum_squares(x))
    found = problem.solve(x0=drawn(1, 3, 5, 4), abs_tol=0.0, rel_tol=1e-12, max_iter=300)
    gradient = dp.adjoint(expression, dp.eval(expression, found) - b) + found
    assert float(gradient.abs().max()) < 1e-6


def test_diagonals_and_norms() -> None:
    x = of()
    w = drawn(5, 4)
    assert torch.allclose(dp.mul_elementwise(x, w).get_diag().double(), w.square(), atol=1e-5)
    assert float((3 * (2 * x)).get_diag()) == 36.0
    assert dp.mosaic(x).is_diag()
    assert not dp.conv(x, drawn(3, 3)).is_gram_diag()
    assert dp.conv(x, drawn(3, 3)).is_gram_diag(freq=True)
    assert dp.est_CompGraph_norm(dp.CompGraph(2 * x)) == pytest.approx(2.0)
    assert (x + 2 * x).norm_bound() == pytest.approx(3.0)
    blur = dp.conv(x, contrib.point_spread_function(3, 1.0))
    assert blur.norm_bound() == pytest.approx(1.0, abs=1e-5)


def test_whole_numbers_stay_whole_as_in_the_published_test() -> None:
    x = dp.Variable()
    y = 3 * (x - torch.tensor([2, 2, 2]))
    given = torch.tensor([1, 2, 3])
    x.value = given
    assert torch.equal(dp.eval(y, given, zero_out_constant=False), 3 * (given - 2))
    assert torch.equal(y.value, 3 * (given - 2))
    assert torch.equal(y.offset, torch.tensor([-6, -6, -6]))
    assert torch.equal(dp.eval(y, given), 3 * given)
    assert [type(c).__name__ for c in y.constants] == ["Constant"]
    assert y.variables[0] is x


def test_two_variables_and_their_gradients() -> None:
    a, b = dp.Variable(), dp.Variable()
    graph = dp.CompGraph(a + b)
    left = torch.randn((4, 4), requires_grad=True)
    graph.forward(left, torch.randn(4, 4)).mean().backward()
    assert left.grad is not None
    assert torch.allclose(left.grad, torch.full((4, 4), 1 / 16))
    with pytest.raises(DproxError, match="2 variables, but 1 input"):
        graph.forward(left)


def test_stacks_have_lists_for_values() -> None:
    x = dp.Variable()
    graph = dp.CompGraph(dp.vstack([dp.mosaic(x), dp.grad(x)]))
    image = drawn(1, 3, 6, 5)
    outputs = graph.forward(image)
    assert [tuple(o.shape) for o in outputs] == [(1, 3, 6, 5)] * 2
    assert graph.adjoint(outputs).shape == image.shape
    assert graph.sanity_check()
    assert graph.visualize().startswith("digraph")


def test_a_stack_inside_a_function() -> None:
    x = dp.Variable()
    b = drawn(1, 3, 6, 5)
    stacked = dp.norm1(dp.vstack([dp.grad(x, dim=0), dp.grad(x, dim=1)]))
    apart = [dp.norm1(dp.grad(x, dim=dim)) for dim in (0, 1)]
    one = dp.Problem(dp.sum_squares(x - b) + stacked).solve(x0=b, max_iter=2000)
    two = dp.Problem(dp.sum_squares(x - b) + apart).solve(x0=b, max_iter=2000)
    assert torch.allclose(one, two, atol=1e-4)


def test_a_drawing_goes_where_it_is_told(tmp_path) -> None:  # type: ignore[no-untyped-def]
    x = dp.Variable()
    dp.visualize(dp.Problem(dp.sum_squares(dp.conv(x, drawn(3, 3)))), tmp_path / "graph.png")
    assert "conv" in (tmp_path / "graph.dot").read_text(encoding="utf-8")


def test_edges_say_whose_value_goes_where() -> None:
    x, b = of((1, 2, 4, 5)), torch.ones(1, 2, 4, 5)
    twice = 2 * x
    end = dp.vstack([twice - b, dp.grad(twice, 1)])
    graph = dp.CompGraph(end)
    assert graph.nodes[-1] is end
    assert all(e.start in graph.nodes and e.end in graph.nodes for e in graph.edges)
    assert [e.start for e in graph.input_edges[end]] == list(end.arguments)
    assert [e.end for e in graph.output_edges[x]] == [twice]
    assert len(graph.output_edges[twice]) == 2
    assert graph.output_edges[end] == graph.input_edges[x] == []
    assert {e.shape for e in graph.output_edges[twice]} == {(1, 2, 4, 5)}
    assert len(graph.edges) == len({id(e) for edges in graph.input_edges.values() for e in edges})
    assert dp.CompGraph(dp.grad(dp.Variable(), 1)).edges[0].shape is None


def test_an_operator_of_ones_own_solves_like_any_other() -> None:
    class Matrix(dp.LinOp):
        def __init__(self, matrix: torch.Tensor, arg: object = ()) -> None:
            super().__init__(arg)
            self.A = nn.Parameter(matrix)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.A @ x

        def adjoint(self, y: torch.Tensor) -> torch.Tensor:
            return self.A.mT @ y

    matrix, b = drawn(4, 4), drawn(4)
    x = dp.Variable(4)
    operator = Matrix(matrix, [x])
    found = dp.Problem(dp.sum_squares(operator - b) + dp.sum_squares(x)).solve()
    eye = torch.eye(4, dtype=torch.float64)
    exact = torch.linalg.solve(matrix.mT @ matrix + eye, matrix.mT @ b)
    assert torch.allclose(found, exact, atol=1e-6)
    found.sum().backward()
    free = matrix.clone().requires_grad_()
    torch.linalg.solve(free.mT @ free + eye, free.mT @ b).sum().backward()
    assert operator.A.grad is not None
    assert torch.allclose(operator.A.grad, free.grad, atol=1e-5)


def test_a_black_box_may_ask_for_the_step_and_belong_to_a_module() -> None:
    model = contrib.LearnableDegOp(features=2)

    def forward(input: torch.Tensor, step: int) -> torch.Tensor:
        return model.forward(input, step)

    def adjoint(input: torch.Tensor, step: int) -> torch.Tensor:
        return model.adjoint(input, step)

    x = dp.Variable()
    raining = dp.LinOpFactory(forward, adjoint)(x)
    image = torch.rand(1, 3, 6, 7)
    y = torch.rand(1, 3, 6, 7)
    left = (raining(image) * y).sum()
    assert torch.allclose(left, (image * raining.adjoint(y)).sum(), rtol=1e-4)
    assert dp.validate(raining)
    solver = dp.compile(dp.sum_squares(raining, y) + dp.sum_squares(x), method="pgd")
    assert len(list(solver.parameters())) == len(list(model.parameters()))
    dp.Problem(dp.sum_squares(raining, y) + dp.sum_squares(x)).solve(x0=y).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_placeholders_keep_autograd_and_tell_who_watches() -> None:
    psf, y = dp.Placeholder(), dp.Placeholder()
    x = dp.Variable()
    problem = dp.Problem(dp.sum_squares(dp.conv_doe(x, psf) - y) + dp.sum_squares(x))
    with pytest.raises(DproxError, match="no value"):
        problem.solve(x0=torch.zeros(1, 1, 6, 6))
    heard: list[torch.Tensor] = []
    psf.change(heard.append)
    kernel = torch.rand(1, 1, 3, 3, dtype=torch.float64, requires_grad=True)
    psf.value, y.value = kernel, drawn(1, 1, 6, 6)
    assert heard[0] is kernel

    def cost(k: torch.Tensor) -> torch.Tensor:
        psf.value = k
        return problem.solve().square().sum()

    assert torch.autograd.gradcheck(cost, kernel, atol=1e-5)


def test_errors_are_sentences() -> None:
    x = dp.Variable()
    with pytest.raises(DproxError, match=r"0 \(down\), 1 \(right\) or 2"):
        dp.grad(x, dim=3)
    with pytest.raises(DproxError, match="products of unknowns"):
        x * x
    with pytest.raises(DproxError, match="Nothing tells the shape of"):
        dp.Problem(dp.norm1(x)).solve()
    with pytest.raises(DproxError, match="must be data"):
        dp.conv(x, x)
    with pytest.raises(DproxError, match="truth value"):
        bool(x <= 1)
    assert np.array([1.0, 2.0]) @ x is not None


def test_a_kernel_larger_than_the_picture_goes_around() -> None:
    """k ∗ x on a circle: every element of k moves x by its place, however far that is."""
    x = torch.rand(1, 1, 4, 5, generator=GENERATOR, dtype=torch.float64)
    kernel = torch.rand(7, 8, generator=GENERATOR, dtype=torch.float64)
    exact = torch.zeros_like(x)
    for i in range(7):
        for j in range(8):
            exact += kernel[i, j] * x.roll((i - 3, j - 4), (-2, -1))
    node = dp.conv_doe(dp.Variable(), kernel)
    assert torch.allclose(dp.eval(node, x), exact)
    assert torch.allclose(dp.eval(dp.conv(dp.Variable(), kernel), x), exact)
