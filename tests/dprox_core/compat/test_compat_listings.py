"""The five listings the project began with run as they are written there."""

from __future__ import annotations

import builtins
import re
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.optimize import linprog

import dprox_core.compat as dp

OPTICS = """
x = Variable()
psf = build_doe_model().psf
data_term = sum_squares(conv(x, psf) - y)
reg_term = deep_prior(x, 'ffdnet', trainable=True)
out = compile(data_term + reg_term, method='admm').solve()
"""
MRI = """
x = Variable()
objective = csmri(x, b) + deep_prior(x, 'unet')
prob = Problem( objective )
output = prob.solve(method='admm')
"""
DERAINING = """
x = Variable()
psf = build_doe_model().psf
data_term = sum_squares(LearnedLinOp(x, psf) - y)
reg_term = unrolled_prior(x, 'ffdnet', trainable=True)
objective = data_term + reg_term
solver = compile(objective, method='admm').solve()
init = Initializer()
out = solver.solve(x0=init(b))
"""
ENERGY = """
x = Variable()
prob = Problem(c @ x, [A_ub @ x <= b_ub, A_eq @ x == b_eq])
out = prob.solve(method='admm', adapt_params=True)
"""
# A network that trains in a blink stands for the ones named in the listings.
TINY = pytest.mark.filterwarnings("ignore:.*stands in")


def run(listing: str, **given: Any) -> dict[str, Any]:
    """The listing after ``from dprox_core.compat import *``, with data of the caller."""
    names: dict[str, Any] = {}
    exec("from dprox_core.compat import *", names)
    names["build_doe_model"] = lambda: dp.build_doe_model(
        wave_resolution=64, patch_size=7, sensor_distance=5e-4
    )
    names |= given
    exec(listing, names)
    return names


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


@TINY
def test_end_to_end_optics_reaches_the_lens_and_the_network() -> None:
    names = run(OPTICS, y=picture(1, 3, 12, 14))
    names["out"].square().mean().backward()
    assert names["out"].shape == (1, 3, 12, 14)
    assert all(p.grad is not None for p in names["reg_term"].parameters())


@TINY
def test_compressive_mri_is_better_than_the_zero_filled_picture() -> None:
    x0, y0, truth, _ = dp.contrib.csmri.sample(size=48)
    names = run(MRI, b=y0)
    zero_filled = dp.utils.psnr(x0.real, truth)
    assert dp.utils.psnr(names["output"], truth) > zero_filled + 2.0


@TINY
def test_deraining_learns_the_operator_too() -> None:
    y = picture(1, 3, 9, 10)
    names = run(DERAINING, y=y, b=y)
    names["out"].square().mean().backward()
    kernel = names["data_term"].linop.input_nodes[0].kernel
    assert float(kernel.grad.abs().max()) > 0.0


@pytest.mark.parametrize("kind", ["numpy", "torch", "scipy"])
def test_energy_planning_gives_the_optimum_itself(kind: str) -> None:
    rng = np.random.default_rng(0)
    n = 6
    a_ub = np.vstack([rng.random((4, n)), -np.eye(n)])
    b_ub = np.concatenate([np.full(4, 3.0), np.zeros(n)])
    a_eq, c = rng.random((2, n)), rng.random(n) - 0.3
    b_eq = a_eq @ np.full(n, 0.2)
    wrap: Any = {"numpy": np.asarray, "torch": torch.from_numpy, "scipy": sparse.csr_array}[kind]
    plain: Any = np.asarray if kind == "scipy" else wrap
    names = run(
        ENERGY, c=plain(c), A_ub=wrap(a_ub), b_ub=plain(b_ub), A_eq=wrap(a_eq), b_eq=plain(b_eq)
    )
    best = linprog(c, a_ub, b_ub, a_eq, b_eq, bounds=(None, None))
    out = names["out"]
    assert float(torch.from_numpy(c) @ out) == pytest.approx(best.fun, abs=1e-5)
    assert torch.allclose(out, names["x"].value)


def test_a_program_without_a_bound_has_the_published_one() -> None:
    """Costs that fall without end where x may be negative, as capacities may not."""
    rng = np.random.default_rng(2)
    a_ub, a_eq = rng.random((3, 5)), rng.random((1, 5))
    given: Any = {"c": rng.random(5), "A_ub": a_ub, "b_ub": a_ub.sum(1), "A_eq": a_eq}
    given["b_eq"] = a_eq @ np.full(5, 0.5)
    with pytest.warns(UserWarning, match="x >= 0 is taken for one of its conditions"):
        out = run(ENERGY, **given)["out"]
    best = linprog(given["c"], a_ub, given["b_ub"], a_eq, given["b_eq"])
    assert out.result.status.name == "OPTIMAL"
    assert float(torch.from_numpy(given["c"]) @ out) == pytest.approx(best.fun, abs=1e-6)
    # What falls even so, and what is bounded by its writer, stays what it is.
    x, one = dp.Variable(), np.ones(1)
    assert dp.Problem(-one @ x, [one[None] @ x >= one]).solve().result.status.name == "UNBOUNDED"
    below = dp.Problem(one @ x, [one[None] @ x <= one, x >= -2 * one]).solve()
    assert float(below) == pytest.approx(-2.0)
    least = dp.Problem(one @ x, [-one[None] @ x <= one]).solve()
    assert float(least) == pytest.approx(-1.0)


def test_the_first_problem_of_the_listings_is_written_with_our_own_names_too() -> None:
    """A listing's words are exactly those of the compatibility package."""
    for listing in (OPTICS, MRI, DERAINING, ENERGY):
        for name in re.findall(r"([A-Za-z_]+)\(", listing):
            known = name in dp.__all__ or name in ("solve", "init") or hasattr(builtins, name)
            assert known, name


def test_star_imports_bring_what_scripts_use_without_importing_it() -> None:
    names: dict[str, Any] = {}
    for path in ("", ".utils", ".contrib", ".contrib.csmri", ".contrib.optic"):
        exec(f"from dprox_core.compat{path} import *", names)
    wanted = "np torch nn F to_torch_tensor to_ndarray fft2 ifft2 conv_doe Variable psnr sample hf"
    assert [name for name in wanted.split() if name not in names] == []
    assert names["np"] is np
    assert names["torch"] is torch
