"""Plans as formulae: every line is TeX, in the user's names."""

from __future__ import annotations

import re

import pytest
import torch
from solver_cases import CASES, KERNEL, SHAPE, noise

import dprox_core as dp
from dprox_core.compiler.methods import METHODS
from dprox_core.compiler.tex import name_tex, number_tex, tex_of
from dprox_core.testing.cases import Maker
from dprox_core.testing.linop_rows import LINOP_CASES
from dprox_core.testing.prox_rows import PROX_CASES

COMMANDS = frozenset(
    re.findall(
        r"\w+",
        "Vert ast iota geq leq langle rangle infty nabla Delta odot downarrow mathrm mathcal left "
        "right frac cdot quad top succeq max sqrt backslash sim hat tau rho sigma alpha omega "
        "lambda gamma sum leq bar",
    )
)
TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|[{}_^]|[^\\{}_^]", re.DOTALL)


def read(line: str) -> None:
    """What mathtext and LaTeX want: known commands, closed groups, one index and one power each."""
    assert "\n" not in line
    assert "$" not in line.replace(r"\$", "")
    tokens = TOKEN.findall(line)
    assert "".join(tokens) == line
    depth, fences = 0, 0
    scripts: list[set[str]] = [set()]
    for place, token in enumerate(tokens):
        if token.startswith("\\") and token[1:].isalpha():
            assert token[1:] in COMMANDS, token
            fences += (token == r"\left") - (token == r"\right")
        elif token.startswith("\\"):
            assert token[1:] in r",;\ _{}$%#&", token
        depth += (token == "{") - (token == "}")
        assert depth >= 0
        assert fences >= 0
        if token in "_^":
            assert place > 0
            assert tokens[place + 1] == "{" or tokens[place + 1].isalnum(), line
            assert token not in scripts[-1], f"two of {token} in {line}"
            scripts[-1].add(token)
        elif token == "{":
            scripts.append(set())
        elif token == "}":
            scripts.pop()
        elif not (tokens[place - 1] in ("_", "^") and place):
            scripts[-1] = set()
    assert depth == 0
    assert fences == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sum_squares(conv(x, kernel) - b)", r"\Vert \mathrm{kernel} \ast x - b \Vert_{2}^2"),
        ("0.01*norm1(grad(x))", r"0.01\, \Vert \nabla x \Vert_{1}"),
        ("norm1(grad(x + y))", r"\Vert \nabla (x + y) \Vert_{1}"),
        ("lambda_1*x", None),
        ("box(x, -1, inf)", r"\iota_{[-1, \infty]}\left(x\right)"),
        ("conv(2*x, k)", r"k \ast (2\, x)"),
        ("x - (y - z)", "x - (y - z)"),
        ("A @ x", r"A\, x"),
        ("x_1", "x_{1}"),
        ("sum_over(x, axes=(0, -1))", r"\sum_{(0, -1)} x"),
        ("(0 <= x <= 1)", r"\iota_{\{0 \leq x \leq 1\}}"),
        ("norm1(x) + (A @ x == b)", r"\Vert x \Vert_{1} + \iota_{\{A\, x = b\}}"),
    ],
)
def test_expressions_as_people_write_them(text: str, expected: str | None) -> None:
    found = tex_of(text)
    read(found)
    assert expected is None or found == expected


def test_names_and_numbers() -> None:
    assert name_tex("rho") == r"\rho"
    assert name_tex("sky_map") == r"\mathrm{sky\_map}"
    assert number_tex(1e-5) == r"1 \cdot 10^{-5}"
    for text in ("1e-5", "1e+20", "2.5", "-3.0", "(1+2j)"):
        read(tex_of(text))
    for odd in ("a } b {", "50 % & #1 $", "x ~ y ^ z", "é→", "\\"):
        read(tex_of(odd))


def test_every_operator_and_function_has_a_formula() -> None:
    for case in (*LINOP_CASES, *PROX_CASES):
        x = dp.Variable("x", case.shapes[0], torch.float64 if case.real else torch.complex128)
        read(tex_of(case.call(x, *case.data(case.shapes[0], Maker(0))).describe()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_line_of_a_plan_is_read(case: object) -> None:
    problem = case.build()[0]  # type: ignore[attr-defined]
    for method in METHODS:
        try:
            plan = problem.compile(method).plan
        except dp.CompileError:
            continue
        lines = plan.explain(format="tex").split("\n")
        for line in lines:
            read(line)
        assert lines[0].startswith(r"\mathrm{minimize}_{")
        assert any("^{k+1} = " in line for line in lines)


def test_the_updates_are_those_of_the_method_in_the_users_names() -> None:
    photo = dp.Variable("photo", SHAPE)
    problem = dp.Problem(
        dp.sum_squares(dp.conv(photo, KERNEL) - noise(1))
        + 0.1 * dp.norm1(dp.grad(photo))
        + dp.nonneg(photo)
    )
    text = problem.compile("admm", rho=2.0).plan.explain(format="tex")
    for line in (
        r"q(\mathrm{photo}) = \Vert \mathrm{kernel} \ast \mathrm{photo} - b \Vert_{2}^2",
        r"h_{1}(z_{1}) = 0.1\, \Vert z_{1} \Vert_{1}, \quad z_{1} = \nabla \mathrm{photo}",
        r"h_{2}(\mathrm{photo}) = \iota_{\geq 0}\left(\mathrm{photo}\right)",
        r"z_{1}^{k+1} = \mathrm{prox}_{\rho^{-1} h_{1}}(v_{1}^{k+1})",
        r"\rho = 2",
    ):
        assert line in text.split("\n")
    fista = dp.Problem(dp.sum_squares(photo - noise(2)) + dp.norm1(photo)).compile("fista")
    assert (
        r"\mathrm{photo}^{k+1} = \mathrm{prox}_{\tau h_{1}}(y^{k} - \tau \nabla q(y^{k}))"
        in fista.plan.explain(format="tex")
    )


def test_beside_a_denoiser_squares_are_in_one_prox() -> None:
    x = dp.Variable("x", SHAPE)
    squares = dp.sum_squares(dp.conv(x, KERNEL) - noise(1))
    problem = dp.Problem(squares + dp.deep_prior(x, lambda image, level: image))
    updates = {
        "pgd": r"x^{k+1} = \mathrm{denoise}_{\sigma^k}(\mathrm{prox}_{\tau q}(x^{k}))",
        "admm": r"z_{1}^{k+1} = \mathrm{denoise}_{\sigma^k}(x^{k+1} + u_{1}^{k})",
        "pdhg": r"x^{k+1} = \mathrm{prox}_{\tau q}(x^{k} - \tau (\omega u_{1}^{k}))",
        "ladmm": r"x^{k+1} = \mathrm{prox}_{\tau q}"
        r"(x^{k} - \tau (\rho (x^{k} - z_{1}^{k} + u_{1}^{k})))",
    }
    for method, update in updates.items():
        lines = problem.compile(method).plan.explain(format="tex").split("\n")
        assert update in lines
    for line in lines:
        read(line)
    robust = dp.Problem(problem.objective + dp.huber(x - 1, 0.5) + 0.1 * dp.norm1(dp.grad(x)))
    for line in robust.compile("pd3o").plan.explain(format="tex").split("\n"):
        read(line)
    plain = problem.compile("pgd", step=0.3).plan.explain(format="tex")
    assert r"\mathrm{denoise}_{\sigma^k}(x^{k} - \tau \nabla q(x^{k}))" in plain


def test_letters_of_the_method_are_told_from_those_of_the_user() -> None:
    """A bar over each letter that both have."""
    u, v = dp.Variable("u", SHAPE), dp.Variable("v", SHAPE)
    alpha = dp.Placeholder("alpha", (), value=torch.tensor(0.3))
    problem = dp.Problem(
        dp.sum_squares(u + v - noise(1)) + alpha * dp.norm1(dp.grad(v)) + dp.norm1(u)
    )
    lines = problem.compile("admm").plan.explain(format="tex").split("\n")
    for line in lines:
        read(line)
    moved = r"\bar{\alpha} \left[\nabla v\right]^{k+1} + (1 - \bar{\alpha}) z_{1}^{k}"
    assert rf"\bar{{v}}_{{1}}^{{k+1}} = {moved} + \bar{{u}}_{{1}}^{{k}}" in lines
    assert r"h_{1}(z_{1}) = \alpha\, \Vert z_{1} \Vert_{1}, \quad z_{1} = \nabla v" in lines
    assert r"\bar{\alpha} = 1.6" in "\n".join(lines)
    z_2, q = dp.Variable("z_2", SHAPE), dp.Variable("q", SHAPE)
    problem = dp.Problem(dp.sum_squares(z_2 - q) + dp.norm1(dp.grad(z_2)) + dp.norm1(q - 1))
    for method in METHODS:
        if any(c.method == method and c.accepts for c in dp.candidates(problem)):
            text = problem.compile(method).plan.explain(format="tex")
            assert "z_{2} - q" in text
            assert " q(" not in text  # ours wear a bar
            assert "z_{1}" not in text


def test_another_format_is_refused() -> None:
    plan = dp.Problem(dp.sum_squares(dp.Variable("x", (3,)) - 1)).compile().plan
    with pytest.raises(dp.ParameterError, match='in "words" or in "tex"'):
        plan.explain(format="html")
    assert plan.explain() == plan.explain(format="words")


def test_a_linear_program_is_explained_in_tex_too() -> None:
    x = dp.Variable("x", (3,))
    plan = dp.Problem(dp.linear(x), [x >= 1]).solve().plan
    for line in plan.explain(format="tex").split("\n"):
        read(line)
    assert "linear program" in plan.explain()


def test_parts_are_picked_from_the_whole() -> None:
    """One index at a time, and that of a gradient is not that of its argument."""
    for text, shown in {
        "x_2[:4]": r"{x_{2}}_{\mathrm{:4}}",
        "grad(x)[..., 0]": r"(\nabla x)_{\mathrm{...,\ 0}}",
    }.items():
        assert tex_of(text) == shown
        read(tex_of(text))
