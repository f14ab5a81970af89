"""What the language refuses says what, where and what to write instead."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

import dprox_core as dp
from dprox_core.errors import DproxError, ParameterError, ShapeError

V = dp.Variable("v", (6,))
X = dp.Variable("x", (1, 1, 8, 8))
HELD = dp.Placeholder("held", (6,))
LAYER = dp.specialize(dp.Problem(dp.sum_squares(V - HELD)), max_iter=1)
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
        (_set_text, ParameterError, "The value of held must be"),
        (lambda: dp.Problem(dp.norm1(V)).value("a"), ParameterError, "The value for v must be"),
        (lambda: dp.Problem(dp.norm1(V)).solve("ADMM"), ParameterError, 'did you mean "admm"'),
        (lambda: dp.Problem(dp.norm1(V)).solve(rel_tol="1"), ParameterError, "rel_tol must be"),
        (lambda: dp.Problem(dp.norm1(V), None), ParameterError, "A constraint is"),
        (lambda: dp.candidates(3), ParameterError, "minimizes a penalty"),
        (lambda: LAYER(torch.ones(6)), ParameterError, "takes a mapping"),
        (lambda: ADMM.solve(state="a"), ParameterError, "goes on from a state of its own"),
    ],
)
def test_a_refusal_names_what_and_where(
    wrong: Callable[[], object], error: type[DproxError], says: str
) -> None:
    with pytest.raises(error, match=says):
        wrong()


def test_states_of_other_methods_and_problems_are_refused() -> None:
    other = dp.Problem(dp.sum_squares(X) + dp.norm1(X))
    with pytest.raises(ParameterError, match="not from FistaState"):
        ADMM.solve(state=other.compile("fista").init())
    with pytest.raises(ParameterError, match="belongs to another problem"):
        ADMM.solve(state=other.compile("admm").init())


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
