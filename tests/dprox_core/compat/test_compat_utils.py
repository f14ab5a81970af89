"""Pictures, metrics and models under the published names, and the names themselves."""

from __future__ import annotations

import inspect
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import structural_similarity

import dprox_core
import dprox_core.compat as dp
from dprox_core import ShapeError
from dprox_core.compat import contrib, utils
from dprox_core.compat.contrib import optic
from dprox_core.compat.contrib.optic.utils import load_sample_img

RNG = np.random.default_rng(3)

# Every public name of the published reference with its parameters (its documentation and tests).
PUBLISHED = {
    "Problem": "prox_fns constraints absorb merge try_diagonalize try_freq_diagonalize "
    "linear_solve_config",
    "compile": "prox_fns method device",
    "specialize": "solver method device",
    "optimize": "prox_fns merge absorb",
    "visualize": "",
    "train": "solver step_fn dataset savedir epochs bs lr weight_decay resume",
    "validate": "linop tol",
    "eval": "linop inputs zero_out_constant",
    "adjoint": "linop",
    "gram": "linop inputs",
    "CompGraph": "end zero_out_constant",
    "est_CompGraph_norm": "K",
    "Variable": "shape value name",
    "Placeholder": "default",
    "Constant": "value",
    "conv": "arg kernel",
    "conv_doe": "arg psf circular",
    "grad": "arg dim",
    "mosaic": "arg",
    "mul_elementwise": "arg w",
    "mul_color": "arg srf",
    "scale": "scalar arg",
    "sum": "input_nodes",
    "copy": "arg",
    "vstack": "input_nodes",
    "split": "output_nodes",
    "BlackBox": "forward adjoint diag norm_bound",
    "LinOpFactory": "forward adjoint diag norm_bound",
    "LinOp": "input_nodes",
    "ProxFn": "linop alpha beta",
    "sum_squares": "linop b eps",
    "weighted_sum_squares": "linop weight b",
    "least_squares": "quad_fns other_fns try_diagonalize try_freq_diagonalize linear_solve_config",
    "ext_sum_squares": "linop",
    "norm1": "linop",
    "norm2": "linop",
    "nonneg": "linop",
    "deep_prior": "linop denoiser x8 clamp trainable unroll_step sqrt",
    "unrolled_prior": "linop denoiser",
    "patch_nlm": "linop",
    "csmri": "linop mask y",
    "sisr": "linop y kernel sf",
    "log_descent": "upper lower iter sigma w lam sqrt",
    "LPProblem": "c A_ub b_ub A_eq b_eq x_lb x_ub norm_ord dtype sparse device",
    "LPSolverADMM": "rho abstol reltol max_iters",
    "UnrolledSolver": "solver max_iter share learned_params",
    "DEQSolver": "solver learned_params rhos lams",
    "LinearSolveConfig": "rtol max_iters verbose solver_type solver_kwargs use_analytic_grad",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_names_take_the_published_parameters(name: str) -> None:
    assert name in dp.__all__
    known = list(inspect.signature(getattr(dp, name)).parameters)
    assert [p for p in PUBLISHED[name].split() if p not in known] == []
    assert inspect.getdoc(getattr(dp, name))


def test_the_modules_are_where_they_were() -> None:
    for path, names in {
        "algo": "Problem compile log_descent LPProblem",
        "linop": "Variable conv_doe CompGraph",
        "algo.primitives": "compile specialize train validate eval adjoint gram",
        "algo.problem": "Problem",
        "algo.lp": "LPProblem LPSolverADMM",
        "linop.conv": "conv conv_doe",
        "linop.graph": "CompGraph",
        "linop.edge": "Edge",
        "linop.comp_graph": "CompGraph Edge est_CompGraph_norm validate eval adjoint gram",
        "linop.variable": "Variable",
        "linop.vstack": "vstack split",
        "linop.sum": "sum copy",
        "linop.mul": "mul_color mul_elementwise",
        "linop.subsample": "mosaic",
        "proxfn.norm": "norm1 norm2 soft_threshold",
        "proxfn.sum_square": "sum_squares weighted_sum_squares ext_sum_squares least_squares",
        "proxfn.fast.csmri": "csmri",
        "proxfn.pnp.denoisers.base": "Denoiser Denoiser2D",
        "algo.admm": "ADMM ADMM_vxu LinearizedADMM",
        "algo.pc": "PockChambolle",
        "algo.tune.dpir": "log_descent get_rho_sigma_admm",
        "algo.specialization.deq.training": "train_deq",
        "algo.specialization.deq.utils": "anderson broyden jac_loss_estimate",
        "algo.specialization.rl": "AutoTuneSolver",
        "contrib.csmri": "CSMRIDataset CSMRIEvalDataset sample CustomADMM custom_policy_ob_pack_fn",
        "utils.misc": "fft2 ifft2 batchify debatchify to_nn_parameter seed_everything",
        "utils.io": "imread imshow filter_ckpt",
        "utils.psf2otf": "psf2otf padarray circshift",
        "linalg.solve.solver_cg": "cg cg2 pcg",
        "linalg.custom": "linear_solve LinearSolveConfig",
        "utils.examples": "sample point_spread_function blurring",
        "contrib.optic.doe_model": "DOEModelConfig build_doe_model img_psf_conv",
        "contrib.optic.utils": "load_sample_img",
        "proxfn": "deep_prior csmri",
        "linalg": "linear_solve LinearSolveConfig solve",
        "linalg.solve": "cg cg2 pcg minres plss plssw conjugate_gradient",
        "linalg.solve.solver_minres": "minres",
        "utils": "psnr ssim sam ergas mpsnr mssim mpsnr_max imshow imread to_torch_tensor",
        "utils.huggingface": "load_path load_checkpoint load_image download_dataset",
        "contrib": "sample point_spread_function blurring csmri fspecial_gaussian",
        "contrib.derain": "LearnableDegOp",
        "contrib.optic": "DOEModelConfig build_doe_model img_psf_conv build_baseline_profile",
        "contrib.energy_system": "load_simple_cep_model",
    }.items():
        module: Any = __import__(f"dprox_core.compat.{path}", fromlist=["x"])
        assert [n for n in names.split() if not hasattr(module, n)] == []
    assert inspect.isclass(dp.linop.conv)


def test_every_difference_on_the_page_is_held_by_a_test() -> None:
    root = Path(__file__).resolve().parents[3]
    page = (root / "docs" / "compat.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "---" not in line]
    tests = "".join(p.read_text(encoding="utf-8") for p in Path(__file__).parent.glob("test_*.py"))
    named = [re.findall(r"`(test_\w+)` \|$", row) for row in rows[1:]]
    assert len(named) > 30
    assert all(names and f"def {names[0]}(" in tests for names in named)


def test_the_library_does_not_load_them_by_itself() -> None:
    code = "import sys, dprox_core; sys.exit('dprox_core.compat' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_channels_are_found_by_their_number() -> None:
    for shape, found in {
        (8, 9, 3): (3, 8, 9),
        (8, 9, 1): (1, 8, 9),
        (64, 48, 31): (31, 64, 48),
        (3, 8, 9): (3, 8, 9),
        (31, 64, 48): (31, 64, 48),
        (3, 3, 1): (1, 3, 3),
        (1, 3, 3): (1, 3, 3),
        (8, 9): (8, 9),
    }.items():
        whole = (1, *found) if len(found) == 3 else (1, 1, *found)
        assert utils.to_torch_tensor(np.zeros(shape), batch=True).shape == whole
        assert utils.to_torch_tensor(torch.zeros(shape), batch=True).shape == whole
        assert utils.to_torch_tensor(np.zeros(shape)).shape == shape
    tensor = utils.to_torch_tensor(np.zeros((8, 9, 3)), batch=True)
    assert tensor.shape == (1, 3, 8, 9)
    assert utils.to_ndarray(tensor, debatch=True).shape == (8, 9, 3)
    assert utils.to_ndarray(tensor).shape == (1, 3, 8, 9)
    assert utils.to_ndarray(tensor[:, :1], True, True).shape == (8, 9)
    ready = utils.tensor(np.zeros((8, 9, 3)))
    assert utils.to_torch_tensor(ready, batch=True).shape == (8, 9, 3)
    assert utils.is_dp_array(utils.array([1.0]))
    assert not utils.is_dp_tensor(ready + 1)


def even_similarity(image: np.ndarray, truth: np.ndarray) -> float:
    """The paper's formula in windows of 7 × 7 that weigh evenly, with sample covariances."""
    windows = [np.lib.stride_tricks.sliding_window_view(p, (7, 7), (0, 1)) for p in (image, truth)]
    a, b = (w.reshape(*w.shape[:3], 49) for w in windows)
    da, db = a - a.mean(-1, keepdims=True), b - b.mean(-1, keepdims=True)
    both, both_squares = (da * db).sum(-1) / 48, ((da**2).sum(-1) + (db**2).sum(-1)) / 48
    c1, c2, mean_a, mean_b = 0.01**2, 0.03**2, a.mean(-1), b.mean(-1)
    above = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    return float((above / ((mean_a**2 + mean_b**2 + c1) * (both_squares + c2))).mean())


def test_bands_of_an_array_are_its_last_axis() -> None:
    """A small cube of many bands, such as (16, 17, 31), has fewer rows than bands."""
    cube, other = RNG.random((16, 17, 31)), RNG.random((16, 17, 31))
    tensors = [torch.from_numpy(c).movedim(-1, 0)[None] for c in (cube, other)]
    for measure in (utils.mpsnr, utils.mpsnr_max, utils.ssim, utils.sam, utils.ergas):
        assert measure(cube, other) == pytest.approx(measure(*tensors))
    angle = np.arccos(
        (cube * other).sum(-1) / np.linalg.norm(cube, axis=-1) / np.linalg.norm(other, axis=-1)
    )
    assert utils.sam(cube, other) == pytest.approx(angle.mean())
    colours = cube[..., :3]
    assert utils.mpsnr(np.moveaxis(colours, -1, 0), other[..., :3].transpose(2, 0, 1)) == (
        pytest.approx(utils.mpsnr(colours, other[..., :3]))
    )


def test_metrics_are_those_of_their_formulae() -> None:
    truth = RNG.random((24, 20, 3))
    image = truth + 0.1 * RNG.standard_normal(truth.shape)
    t, i = utils.to_torch_tensor(truth, batch=True), utils.to_torch_tensor(image, batch=True)
    assert utils.psnr(i, t) == pytest.approx(-10 * math.log10(((image - truth) ** 2).mean()))
    assert utils.psnr(i, truth) == utils.psnr(image, t)
    bands = [utils.psnr(image[..., k], truth[..., k]) for k in range(3)]
    assert utils.mpsnr(i, t) == pytest.approx(np.mean(bands))
    peaks = truth.max(axis=(0, 1))
    assert utils.mpsnr_max(i, t) == pytest.approx(np.mean(bands + 20 * np.log10(peaks)))
    paper: Any = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    exact = structural_similarity(image, truth, data_range=1.0, channel_axis=-1, **paper)
    assert utils.ssim(i, t, **paper) == pytest.approx(exact, abs=1e-6)
    assert utils.ssim(i, t) == pytest.approx(even_similarity(image, truth))
    assert utils.ssim(255 * i, 255 * t, data_range=255) == pytest.approx(utils.ssim(i, t))
    with pytest.raises(ShapeError, match="at least 7 × 7"):
        utils.ssim(image[:6], truth[:6])
    assert utils.sam(2 * t, t) == pytest.approx(0.0, abs=1e-6)
    right, diagonal = torch.tensor([[[1.0]], [[0.0]]]), torch.ones(2, 1, 1)
    assert utils.sam(right, diagonal) == pytest.approx(math.pi / 4)
    error = ((image - truth) ** 2).mean(axis=(0, 1)) / truth.mean(axis=(0, 1)) ** 2
    assert utils.ergas(i, t, r=1 / 4) == pytest.approx(25 * math.sqrt(error.mean()))
    assert utils.psnr(t, t) == math.inf
    assert utils.bandwise(utils.psnr)(i, t) == pytest.approx(np.mean(bands))


def test_pictures_come_from_files(tmp_path: Path) -> None:

    dprox_core.save_image(str(tmp_path / "a.png"), contrib.sample("camera")[..., :16, :12])
    assert utils.list_image_files(tmp_path) == ["a.png"]
    assert utils.imread(tmp_path / "a.png").shape[:2] == (16, 12)
    colours = utils.imread_rgb(tmp_path / "a.png")
    assert (colours.shape, colours.dtype) == ((16, 12, 3), np.uint8)
    assert np.allclose(colours / 255, np.atleast_3d(utils.imread(tmp_path / "a.png")), atol=2e-3)
    dprox_core.save_image(tmp_path / "grey.png", torch.rand(1, 1, 9, 8))
    assert utils.imread(tmp_path / "grey.png").shape == (9, 8)
    assert load_sample_img(tmp_path / "grey.png", patch_size=6).shape == (1, 1, 6, 6)
    assert optic.center_crop(Image.fromarray(colours), 4, 6).size == (6, 4)
    assert optic.center_crop(torch.zeros(3, 9, 8), 4, 6).shape == (3, 4, 6)
    assert load_sample_img(tmp_path / "a.png", patch_size=10).shape[-2:] == (10, 10)


def test_measurements_are_what_the_operators_say() -> None:
    image = contrib.sample("coffee", return_tensor=True)[..., :20, :24]
    psf = contrib.point_spread_function(5, 1.2)
    assert psf.shape == (5, 5, 1)
    assert contrib.fspecial_gaussian(5, 1.2).shape == (5, 5)
    assert psf.sum() == pytest.approx(1.0)
    blurred = contrib.blurring(image, psf)
    assert torch.allclose(blurred, dp.eval(dp.conv(dp.Variable(), psf), image), atol=1e-5)
    small, start = contrib.downsampling(image, psf, 4)
    assert torch.equal(small, contrib.blurring(image, psf)[..., ::4, ::4])
    assert start.shape == image.shape
    assert torch.allclose(start[..., ::4, ::4], small, atol=0.1)
    array = image[0].permute(1, 2, 0).numpy()
    assert np.allclose(contrib.mosaicing_np(array), contrib.mosaicing(array)[0].permute(1, 2, 0))
    assert torch.equal(contrib.mosaicing(image), dp.eval(dp.mosaic(dp.Variable()), image))
    with pytest.warns(UserWarning, match="stands in"):
        contrib.sample("face")


def test_the_mri_sample_is_consistent() -> None:
    x0, y0, truth, mask = contrib.csmri.sample(size=32, sigma=0.0)
    assert torch.allclose(mask * utils.fft2(truth), y0, atol=1e-5)
    assert torch.allclose(utils.ifft2(y0), x0)
    assert float(mask[0, 0, 0, 16]) == 1.0  # the frequency 0 is in the middle
    assert 0.1 < float(mask.mean()) < 0.6


def test_k_space_has_its_frequency_zero_in_the_middle() -> None:
    """‖m ⊙ F x − y‖² with the transform of the utilities, at odd and even sizes."""
    for shape in ((1, 1, 5, 6), (1, 2, 8, 7)):
        v = torch.from_numpy(RNG.random(shape)) + 1j * torch.from_numpy(RNG.random(shape))
        y, mask = utils.fft2(v.flip(-1)), torch.from_numpy(RNG.random(shape) < 0.5).double()
        assert torch.allclose(utils.ifft2(utils.fft2(v)), v)
        function = dp.csmri(dp.Variable(), mask, mask * y)
        exact = (mask * (utils.fft2(v) - y)).abs().square().sum()
        assert torch.allclose(function.eval(v), exact)


def test_a_fresnel_lens_focuses_its_own_colour_best() -> None:
    camera = optic.build_doe_model(wave_resolution=128, patch_size=32, sensor_distance=1e-3)
    psf = camera.psf[0].detach()
    assert torch.allclose(psf.sum(dim=(-2, -1)), torch.ones(3), atol=1e-5)
    middle = psf[1]
    assert int(middle.argmax()) == 16 * 32 + 16
    assert float(middle.max()) > 2.0 * float(torch.stack([psf[0], psf[2]]).max())
    baseline = optic.build_baseline_profile(camera)
    assert torch.allclose(camera.get_psf(baseline)[0], psf, atol=1e-6)
    image = torch.rand(1, 3, 40, 36, generator=torch.Generator().manual_seed(2))
    seen, used = camera(image, baseline, circular=True)
    assert torch.allclose(seen, optic.img_psf_conv(image, used, circular=True))


def test_light_travels_as_a_gaussian_beam_does() -> None:
    """A beam of waist w₀ is w₀ √(1 + (z λ / π w₀²)²) wide after z (Saleh, Teich, chapter 3)."""
    wave, waist, distance = 550e-9, 25e-6, 2e-3
    xx, yy = optic.get_coordinate(256, 256, 2e-6, 2e-6)
    squared = xx.square() + yy.square()
    field = torch.exp(-squared / waist**2).to(torch.complex64)[None, None]
    travel = optic.FresnelPropagator((1, 1, 256, 256), distance, 2e-6, torch.tensor([wave]))
    spot = travel(field).abs().square().double()[0, 0]
    width = 2.0 * math.sqrt(float((spot * squared).sum() / spot.sum() / 2.0))
    exact = waist * math.sqrt(1.0 + (distance * wave / (math.pi * waist**2)) ** 2)
    assert width == pytest.approx(exact, rel=1e-3)


def test_the_gradient_reaches_the_height_map() -> None:
    camera = optic.build_doe_model(wave_resolution=32, patch_size=7, sensor_distance=2e-4)
    weights = torch.randn(1, 3, 7, 7, generator=torch.Generator().manual_seed(0))
    microns = camera.height_map.microns

    def cost() -> torch.Tensor:
        return (camera.psf * weights).sum()

    cost().backward()
    gradient = microns.grad
    assert gradient is not None
    direction = gradient / gradient.norm()
    with torch.no_grad():
        microns.add_(5e-3 * direction)
        above = float(cost())
        microns.sub_(1e-2 * direction)
        slope = (above - float(cost())) / 1e-2
    assert slope == pytest.approx(float(gradient.norm()), rel=0.02)


def test_kernels_checkpoints_and_pieces_of_pictures() -> None:
    kernel = RNG.random((3, 3))
    spectrum = utils.psf2otf.psf2otf(kernel, (6, 8))
    image = RNG.random((6, 8))
    circular = np.fft.ifft2(spectrum * np.fft.fft2(image)).real
    exact = dp.eval(dp.conv(dp.Variable(), kernel), torch.from_numpy(image)[None, None])
    assert np.allclose(circular, exact[0, 0])
    assert utils.filter_ckpt("net.", {"net.a": 1, "other.b": 2}) == {"a": 1}
    assert utils.crop_center_region(np.arange(49).reshape(7, 7), 3)[1, 1] == 24
    assert utils.outlier_correct(np.arange(101.0), 10.0)[[0, -1]].tolist() == [10.0, 90.0]
    net = optic.U_Net(3, 2, widths=(2, 2, 2, 2, 2))
    assert net(torch.zeros(1, 3, 9, 20)).shape == (1, 2, 9, 20)
    plain = optic.normalize_psf(RNG.random((5, 5, 3)))
    assert plain.max() == 1.0
    scaled = contrib.derain.LearnableDegOp(diag=True)
    assert torch.equal(scaled.diag(torch.zeros(1, 3, 2, 2)), torch.ones(1, 3, 2, 2))
