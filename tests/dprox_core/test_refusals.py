"""What the language refuses says what, where and what to write instead."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import dprox_core as dp
from dprox_core.errors import CompileError, DataError, DproxError, ParameterError, ShapeError

V = dp.Variable("v", (6,))
X = dp.Variable("x", (1, 1, 8, 8))
HELD = dp.Placeholder("held", (6,))
LAYER = dp.specialize(dp.Problem(dp.sum_squares(V - HELD)), max_iter=1)
NO_NUMBERS = torch.ones(6, device="meta")
ADMM = dp.Problem(dp.sum_squares(V) + dp.norm1(V)).compile("admm")


def _set_text() -> None:
    HELD.value = "a"


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (lambda: dp.norm1(V) ** 2, ParameterError, "sum_squares"),
        (lambda: dp.norm1(V) * dp.norm1(V), ParameterError, "penalties are added"),
        (lambda: dp.norm2(V) <= 1, ParameterError, r"write l2_ball\(v, r\)"),
        (lambda: dp.norm1(V) <= 1, ParameterError, r"write l1_ball\(v, r\)"),
        (lambda: dp.sum_squares(V) <= 1, ParameterError, r"l2_ball\(v, r \*\* 0.5\)"),
        (lambda: dp.norm1(V) * math.inf, ParameterError, "must be a number from 0, not inf.$"),
        (lambda: abs(V), ParameterError, r"write norm1\(v\)"),
        (lambda: V != 0, ParameterError, "v != …"),
        (lambda: V * V, ParameterError, r"v \* v: one of both must be data"),
        (lambda: V - "abc", ParameterError, "In v - … the other side must be"),
        (lambda: dp.conv(X, "k"), ParameterError, "conv: kernel must be"),
        (lambda: dp.norm1("x"), ParameterError, "What norm1 takes must be"),
        (lambda: V >= "0", ParameterError, "The lower bound of v must be"),
        (lambda: torch.zeros(5) <= V, ShapeError, r"v >= lower: v has shape \(6,\)"),
        (lambda: torch.ones(2, 6) @ V == torch.ones(3), ShapeError, r"M @ v == b"),
        (lambda: dp.weighted_norm1(V, math.nan), ParameterError, "weights must be a finite"),
        (lambda: dp.weighted_norm1(V, torch.ones(5)), ShapeError, r"norm1: weights of shape"),
        (lambda: dp.box(V, math.inf, math.inf), ParameterError, "leave no value"),
        (lambda: dp.box(V, math.nan, 1), ParameterError, "lower must be a number"),
        (
            lambda: dp.maximum(torch.zeros(0)),
            ShapeError,
            "v of shape .0,. has no elements",
        ),
        (lambda: dp.sum_squares(torch.ones(3), torch.ones(2)), ShapeError, "cannot be subtracted"),
        (lambda: dp.misr(X, [], []), ParameterError, "give a list of images"),
        (
            lambda: dp.misr(X, [torch.ones(1, 1, 4, 4)], None),
            ParameterError,
            "1 images and 0",
        ),
        (lambda: dp.deep_prior(X, "tv", averaged="a"), ParameterError, "averaged must be a number"),
        (_set_text, ParameterError, "The value of held must be"),
        (lambda: dp.Problem(dp.norm1(V)).value("a"), ParameterError, "The value for v must be"),
        (lambda: dp.Problem(dp.norm1(V)).value(torch.ones(6) + 1j), ParameterError, "v is real"),
        (lambda: dp.Problem(dp.norm1(V)).value(torch.ones(5)), ShapeError, "The value for v has"),
        (lambda: dp.Problem(dp.norm1(V)).solve("ADMM"), ParameterError, 'did you mean "admm"'),
        (lambda: dp.Problem(dp.norm1(V)).solve(rel_tol="1"), ParameterError, "rel_tol must be"),
        (lambda: dp.Problem(dp.norm1(V), None), ParameterError, "A constraint is"),
        (lambda: dp.candidates(3), ParameterError, "minimizes a penalty"),
        (lambda: LAYER(torch.ones(6)), ParameterError, "takes a mapping"),
        (lambda: ADMM.solve(state="a"), ParameterError, "goes on from a state of its own"),
        (lambda: list(V), ParameterError, r"list\(v\): it is an expression.* split\(x, sizes\)"),
        (lambda: len(V), ParameterError, r"len\(v\): .* in .shape"),
        (lambda: float(V), ParameterError, r"float\(v\): .* result\[x\]"),
        (lambda: V and X, ParameterError, r"bool\(v\): .* conditions go into a Problem"),
        (lambda: 2**V, ParameterError, r"2 \*\* v: .* only \+"),
        (lambda: torch.tensor(V), ParameterError, r"len\(v\)"),
        (lambda: np.asarray(V, float), ParameterError, "An array of v"),
        (lambda: dp.norm1(V) and dp.norm1(X), ParameterError, "penalties are added with"),
        (lambda: 1 / dp.norm1(V), ParameterError, r"1 / \(norm1\(v\)\)"),
        (lambda: dp.norm1(V) / "a", ParameterError, r"\(norm1\(v\)\) / a"),
        (lambda: (V >= 0) & (V <= 1), ParameterError, "several conditions are a list"),
        (lambda: len(V >= 0), ParameterError, "give it to a Problem"),
        (lambda: ADMM.solve(rho=1), ParameterError, "give rho=1 to compile"),
        (lambda: ADMM.step(3), ParameterError, "goes on from a state, such as"),
        (lambda: ADMM.values(3), ParameterError, "goes on from a state, such as"),
        (lambda: ADMM.load_state(3), ParameterError, "the name of a file"),
        (lambda: LAYER(hold=torch.ones(6)), ParameterError, r"write layer\(\{held: …\}\)"),
        (lambda: dp.add_noise("a"), ParameterError, "add_noise: image must be a tensor"),
        (lambda: dp.add_noise(V), ParameterError, "add_noise: image must be a tensor"),
        (
            lambda: dp.add_noise(torch.ones(3), "a"),
            ParameterError,
            "sigma must be 0 or",
        ),
        (lambda: dp.random_mask(5), ParameterError, "random_mask: shape must be whole numbers"),
        (lambda: dp.random_mask((5, -5)), ParameterError, "shape must be whole numbers from 1"),
        (lambda: dp.random_mask((5, 5), "a"), ParameterError, "keep must be between"),
        (lambda: dp.fourier_mask((5, 5), "a"), ParameterError, "keep must be between"),
        (lambda: dp.coil_maps("a"), ParameterError, "coil_maps: shape must be"),
        (lambda: dp.gaussian_psf("a"), ParameterError, "size must be an odd whole number"),
        (lambda: dp.disk_psf("a"), ParameterError, "radius must be above 0"),
        (lambda: dp.motion_psf("a"), ParameterError, "length must be at least"),
        (lambda: dp.psnr("a", torch.ones(3)), ParameterError, "psnr: image must be a tensor"),
        (lambda: dp.load_image(3), ParameterError, "load_image takes the name of a file"),
        (lambda: dp.log_descent("a"), ParameterError, "upper must be a noise level"),
        (lambda: dp.solve_lp("a"), ParameterError, "solve_lp takes a LinearProgram"),
        (
            lambda: dp.Problem(dp.norm1(V), [(V >= 0).named("a"), (V <= 1).named("a")]),
            ParameterError,
            'Two constraints are called "a"',
        ),
        (
            lambda: dp.Problem(dp.norm1(V), [dp.Constant(torch.ones(2)) <= 0]).solve(),
            CompileError,
            r"\(b <= 0\) is infinite and depends on no variable",
        ),
        (
            lambda: dp.Problem(dp.norm1(V - 1.0) + dp.norm1(V)).solve("admm", rho=1e-40),
            ParameterError,
            "rho is 1e-40, and beyond 1e-30 and 1e\\+30 .* sizes nearer to one",
        ),
        (
            lambda: dp.Problem(dp.sum_squares(1e-20 * V - 1.0) + dp.norm1(V)).solve("pgd"),
            ParameterError,
            "step is .* sizes nearer to one",
        ),
        (lambda: dp.specialize(dp.norm1(V), algorithm="adm"), ParameterError, 'mean "admm"'),
        (lambda: dp.specialize(dp.norm1(V), relax=1.0), ParameterError, 'mean "relaxation"'),
        (lambda: dp.gradient_report(dp.norm1(V), steps=0), ParameterError, "steps must be a whole"),
        (lambda: dp.vstack(3), ParameterError, "vstack takes a list"),
        (lambda: dp.simplex(V, axis="a"), ParameterError, "axis must be a whole number"),
        (lambda: dp.Placeholder(3), ParameterError, "The name of a placeholder is a string"),
        (lambda: V - NO_NUMBERS, DataError, 'b lies on device "meta"'),
        (lambda: dp.norm1(NO_NUMBERS), DataError, 'v lies on device "meta"'),
        (lambda: ADMM.solve(NO_NUMBERS), DataError, 'x0 lies on device "meta"'),
        (lambda: LAYER({HELD: NO_NUMBERS}), DataError, 'The value of held lies on device "meta"'),
    ],
)
def test_a_refusal_names_what_and_where(
    wrong: Callable[[], object], error: type[DproxError], says: str
) -> None:
    with pytest.raises(error, match=says):
        wrong()


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (lambda: V.value, r"v\.value: .* after result = problem\.solve\(\) they are result\[x\]"),
        (lambda: (2 * V).reshape(6, 1), r"2\*v\.reshape: write reshape\(2\*v, …\)"),
        (lambda: dp.norm1(V).value, r"its value at a point is Problem\(…\)\.value\(point\)"),
        (lambda: V.nothing, "Variable has no attribute 'nothing'"),
    ],
)
def test_attributes_that_there_are_not(asked: Callable[[], object], says: str) -> None:
    with pytest.raises(AttributeError, match=says):
        asked()
    assert not hasattr(V, "value")
    assert copy.deepcopy(2 * V).describe() == "2*v"


def test_a_result_has_a_value() -> None:
    problem = dp.Problem(dp.sum_squares(V - 1.0) + dp.norm1(V))
    result = problem.solve()
    assert problem.value(result) == pytest.approx(result.objective)


def test_states_of_other_methods_and_problems_are_refused() -> None:
    other = dp.Problem(dp.sum_squares(X) + dp.norm1(X))
    with pytest.raises(ParameterError, match="not from FistaState"):
        ADMM.solve(state=other.compile("fista").init())
    with pytest.raises(ParameterError, match="belongs to another problem"):
        ADMM.solve(state=other.compile("admm").init())
    with pytest.raises(ParameterError, match="not from PrimalDualState"):
        ADMM.step(other.compile("pdhg").init())
    with pytest.raises(ParameterError, match="belongs to another problem"):
        ADMM.values(other.compile("admm").init())


def test_a_state_is_written_to_a_file_in_a_folder_that_is_there(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere" / "state"):
        with pytest.raises(DataError, match="could not be written"):
            ADMM.save_state(ADMM.init(), path)


def test_an_objective_stands_for_its_problem() -> None:
    objective = dp.sum_squares(V - HELD) + dp.norm1(V)
    HELD.value = torch.full((6,), 2.0)
    assert dp.compile(objective, "fista").plan.method == "fista"
    assert any(c.accepts for c in dp.candidates(objective))
    assert [row.name for row in dp.gradient_report(objective)] == ["held"]
    assert dp.specialize(objective, max_iter=50)().tolist() == pytest.approx([1.5] * 6, abs=1e-3)


def test_the_start_of_a_sum_leaves_no_trace() -> None:
    assert sum([V, 2 * V]).describe() == "v + 2*v"
    assert (V + 0).describe() == "v + 0"


def test_an_array_of_objects_keeps_an_expression() -> None:
    assert np.asarray(V).item() is V


@pytest.mark.parametrize("size", [1.0, 1e4, 1e6, 1e9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_set_forgives_the_rounding_of_large_data_and_no_more(
    size: float, dtype: torch.dtype
) -> None:
    generator = torch.Generator().manual_seed(3)
    b = size * torch.rand(1, 1, 16, 16, generator=generator, dtype=dtype)
    x = dp.Variable("x", b.shape)
    problem = dp.Problem(dp.noise_ball(2 * x, b, sigma=1e-3))
    away = torch.randn(b.shape, generator=generator, dtype=torch.float64)
    nearest = (b.double() + away * (1e-3 * 16 / away.norm())).to(dtype) / 2
    assert problem.value(nearest) == 0.0
    assert problem.value(nearest + max(1e-3, 1e-4 * size)) == math.inf
    bounded = dp.Problem(dp.norm1(x) * 0, [x - b >= -0.1, x - b <= 0.1])
    assert bounded.value(b - 0.1) == 0.0
