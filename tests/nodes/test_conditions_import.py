"""Conditions, matrix products and written shapes of a script mean what they mean in the library."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from nodes.checks import check
from nodes.errors import ImportScriptError
from nodes.importer import import_script
from nodes.script import generate

HEAD = """
import dprox_core as dp
A = dp.array([[1, 2, 0], [0, 1, -1]])
b = dp.array([1, 2])
c = dp.array([3, -2, 1])
"""


def _solution(script: str) -> Any:
    held: dict[str, Any] = {}
    exec(compile(script, "script", "exec"), held)
    return held["r"][held["x"]]


@pytest.mark.parametrize(
    "conditions",
    [
        "[x >= 0, A @ x <= b]",
        "[A @ x == b]",
        "x <= 1",
        "[0 <= x <= 1, A @ x >= 0.5]",
        "[1 >= x, x >= -1]",
        "[1 >= x >= -0.5, b <= A @ x]",
        "[x >= c, x == x[0] * 2 - x]",
        "constraints=[0 == A @ x]",
    ],
)
def test_conditions_mean_the_same_drawn_and_written(conditions: str) -> None:
    script = textwrap.dedent(f"""
        {HEAD}
        x = dp.Variable("x", shape=(3,))
        p = dp.Problem(dp.sum_squares(x - c) + dp.norm1(A @ x), {conditions})
        r = p.solve(abs_tol=1e-7, rel_tol=1e-7, max_iter=2000)
        """).replace("\n        ", "\n")
    drawn = import_script(script)
    assert not [issue for issue in check(drawn) if issue.severity == "error"]
    again = generate(drawn).text
    # In single precision a solve at 1e-7 ends where the objective is as good as the least.
    assert _solution(again).tolist() == pytest.approx(_solution(script).tolist(), abs=2e-3)
    assert generate(import_script(again)).text == again


def test_a_linear_objective_and_a_picture_of_a_written_shape() -> None:
    script = HEAD + textwrap.dedent("""
        x = dp.Variable("x", shape=c.shape)
        p = dp.Problem(c @ x, [0 <= x <= 1, A @ x <= b])
        r = p.solve("admm")
        """)
    assert _solution(generate(import_script(script)).text).tolist() == pytest.approx(
        _solution(script).tolist(), abs=1e-3
    )
    script = HEAD + textwrap.dedent("""
        x = dp.Variable("x", (1, 1, 3, 4))
        kept = dp.random_mask((1, 1, 3, 4), 0.5)
        p = dp.Problem(dp.sum_squares(A @ x - 1) + dp.sum_squares(dp.mask(x, kept)))
        r = p.solve("admm")
        """).replace(" - 1)", ")")
    assert _solution(generate(import_script(script)).text).shape == (1, 1, 3, 4)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("p = x > 0", "write <= or >="),
        ("p = x != 0", "is no condition"),
        ("p = 0 <= b", "must have an unknown"),
        ("p = 0 <= x >= 1", "is no condition"),
        ("p = x <= b <= x", "must have an unknown"),
        ("p = x @ A", "write the matrix on the left"),
        ('y = dp.Variable("y", (0, 3))', "whole numbers from 1"),
    ],
)
def test_what_is_no_condition_is_refused(line: str, sentence: str) -> None:
    script = HEAD + f'x = dp.Variable("x", 3)\n{line}\n'
    with pytest.raises(ImportScriptError, match=sentence) as caught:
        import_script(script)
    assert caught.value.line == len(script.splitlines())
