"""Inverse transforms of large images are those of small ones."""

from __future__ import annotations

import pytest
import torch
from solver_cases import noise

import dprox_core as dp
from dprox_core.expressions.binding import Binding
from dprox_core.numerics import fourier

SHAPES = [(24, 19), (1, 1, 24, 19), (3, 2, 17, 24)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("given", [False, True])
def test_a_copy_on_the_way_changes_nothing(
    shape: tuple[int, ...], dtype: torch.dtype, given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
    spectrum = fourier.forward(image, full=False)
    plain = fourier.inverse(spectrum, (shape[-2], shape[-1]), full=False)
    monkeypatch.setattr(fourier, "_TURNED", 1)
    monkeypatch.setattr(fourier, "_LEAST_SIDE", 1)
    monkeypatch.setattr(fourier, "_CROWDED", 1)
    out = torch.empty_like(image) if given else None
    found = fourier.inverse(spectrum, (shape[-2], shape[-1]), full=False, out=out)
    assert found.shape == image.shape
    assert out is None or found is out
    torch.testing.assert_close(found, plain)
    torch.testing.assert_close(found, image)


@pytest.mark.parametrize("shape", [(128, 512), (1, 1, 256, 301)])
def test_a_spectrum_in_columns_is_the_same(shape: tuple[int, ...]) -> None:
    image = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    assert fourier.worth_columns(image.dtype, shape, image.device)
    spectrum = fourier.forward_in_columns(image)
    assert spectrum.stride()[-2] == 1
    torch.testing.assert_close(spectrum, fourier.forward(image, full=False), rtol=0.0, atol=0.0)
    plain = fourier.in_columns(fourier.forward(image, full=False))
    assert plain.stride() == spectrum.stride()
    assert torch.equal(plain, spectrum)
    back = fourier.inverse(spectrum, (shape[-2], shape[-1]), full=False)
    torch.testing.assert_close(back, image)


def test_memory_with_gaps_is_written_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fourier, "_TURNED", 1)
    monkeypatch.setattr(fourier, "_LEAST_SIDE", 1)
    monkeypatch.setattr(fourier, "_CROWDED", 1)
    image = torch.randn(24, 18)
    out = torch.empty(18, 24).T
    fourier.inverse(fourier.forward(image, full=False), (24, 18), full=False, out=out)
    torch.testing.assert_close(out, image)


def test_gradients_pass_through_large_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fourier, "_TURNED", 1)
    monkeypatch.setattr(fourier, "_LEAST_SIDE", 1)
    monkeypatch.setattr(fourier, "_CROWDED", 1)
    image = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)

    def there_and_back(x: torch.Tensor) -> torch.Tensor:
        return fourier.inverse(fourier.forward(x, full=False) * 2.0, (6, 5), full=False)

    assert torch.autograd.gradcheck(there_and_back, (image,))


@pytest.mark.parametrize("shape", [(1025, 64), (300, 257), (2, 320, 384)])
def test_threads_do_not_count(shape: tuple[int, ...]) -> None:
    image = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    spectrum = fourier.forward(image, full=False)
    threads = torch.get_num_threads()
    try:
        found = []
        for count in (1, 2, 4):
            torch.set_num_threads(count)
            found.append(fourier.inverse(spectrum, (shape[-2], shape[-1]), full=False))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


PAIRS = [
    ((40, 30), (40, 30)),
    ((2, 3, 40, 30), (3, 40, 30)),
    ((2, 1, 40, 30), (3, 1, 30)),
    ((7,), ()),
]


@pytest.mark.parametrize("shapes", PAIRS)
@pytest.mark.parametrize("conjugate", [False, True])
@pytest.mark.parametrize("at_once", [1, 300, 16384])
def test_products_of_spectra(
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    conjugate: bool,
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fourier, "_AT_ONCE", at_once)
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(s, generator=generator, dtype=torch.complex128) for s in shapes)
    for left in (a, a.conj(), a.mT.contiguous().mT if a.ndim > 1 else a):
        expected = left.resolve_conj() * (b.conj() if conjugate else b)
        torch.testing.assert_close(fourier.multiply(left, b, conjugate), expected)


@pytest.mark.parametrize("shapes", [((3, 2), (3, 2)), ((2, 3, 2), (3, 1))])
@pytest.mark.parametrize("conjugate", [False, True])
def test_gradients_of_products_of_spectra(
    shapes: tuple[tuple[int, ...], tuple[int, ...]], conjugate: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (
        torch.randn(s, generator=generator, dtype=torch.complex128).requires_grad_() for s in shapes
    )

    def product(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return fourier.multiply(x, y, conjugate)

    assert torch.autograd.gradcheck(product, (a, b))
    assert torch.autograd.gradgradcheck(product, (a, b))


def test_products_have_the_same_bits_on_any_number_of_threads() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(2, 311, 257, generator=generator, dtype=torch.complex64) for _ in "ab")
    threads = torch.get_num_threads()
    try:
        found = []
        for count in (1, 2, 3, 4):
            torch.set_num_threads(count)
            found.append((fourier.multiply(a, b, True), fourier.multiply(a, b[0])))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(x, y) for pair in found for x, y in zip(pair, found[0], strict=True))


@pytest.mark.parametrize("side", [16, 260])
def test_derivatives_are_carried_along_forward(side: int) -> None:
    x, v = noise(1, (1, side, side)), noise(2, (1, side, side))
    kernel, change = noise(3, (5, 4)), noise(4, (5, 4))
    moved = torch.func.jvp(dp.conv, (x, kernel), (v, change))[1]
    assert torch.allclose(moved, dp.conv(v, kernel) + dp.conv(x, change), atol=1e-10)

    def cost(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        return (dp.conv(x, kernel) ** 3).sum()

    # Forward over reverse, and twice in reverse.
    slopes = torch.func.grad(cost, (0, 1))
    found = torch.func.jvp(slopes, (x, kernel), (v, change))[1]
    leaves = (x.clone().requires_grad_(), kernel.clone().requires_grad_())
    first = torch.autograd.grad(cost(*leaves), leaves, create_graph=True)
    expected = torch.autograd.grad((first[0] * v).sum() + (first[1] * change).sum(), leaves)
    for a, b in zip(found, expected, strict=True):
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-8)


def test_a_large_solve_of_a_repeated_picture_repeats_the_small_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # On a circle the solution for a picture that repeats repeats as well, and so do gradients.
    monkeypatch.setattr(fourier, "_TURNED", 16384)
    calls: list[tuple[int, int]] = []
    turned = fourier._turned

    def counted(spectrum: torch.Tensor, size: tuple[int, int], out: torch.Tensor) -> torch.Tensor:
        calls.append(size)
        return turned(spectrum, size, out)

    monkeypatch.setattr(fourier, "_turned", counted)
    kernels = noise(6, (2, 5, 4)).abs()
    small, weights = noise(7, (1, 2, 32, 24)), noise(8, (1, 2, 32, 24))

    def solved(repeat: tuple[int, int]) -> list[torch.Tensor]:
        b, w = (t.repeat(1, 1, *repeat).requires_grad_() for t in (small, weights))
        held = (kernels / kernels.sum((-2, -1), keepdim=True)).requires_grad_()
        found = []
        for is_recorded in (False, True):
            with torch.set_grad_enabled(is_recorded):
                x = dp.Variable("x", b.shape)
                squares = dp.sum_squares(dp.conv(x, held) - b)
                problem = dp.Problem(squares + 0.1 * dp.norm1(dp.grad(x)) + dp.nonneg(x))
                found.append(problem.solve(rho=0.5, max_iter=12, abs_tol=0.0, rel_tol=0.0)[x])
        (found[1] * w).sum().backward()
        assert b.grad is not None
        assert held.grad is not None
        return [*found, b.grad, held.grad / (repeat[0] * repeat[1])]

    few = solved((1, 1))
    assert not calls
    many = solved((8, 11))
    assert len(calls) > 12
    for a, b in zip(few[:3], many[:3], strict=True):
        assert torch.allclose(a.repeat(1, 1, 8, 11), b, atol=1e-10)
    assert torch.allclose(few[3], many[3], atol=1e-10)


def test_a_solve_in_columns_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    b = noise(9, (128, 512)).float()
    found = []
    for _ in range(2):
        x = dp.Variable("x", (128, 512))
        squares = dp.sum_squares(dp.conv(x, dp.gaussian_psf(size=5, sigma=1.0)) - b)
        problem = dp.Problem(squares + 0.1 * dp.norm1(dp.grad(x)) + dp.nonneg(x))
        found.append(problem.solve(max_iter=21, abs_tol=0.0, rel_tol=0.0)[x])
        # The second time in rows.
        monkeypatch.setattr(fourier, "worth_columns", lambda *_: False)
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("axes", [(-1,), (-2,), (-1, -2)])
@pytest.mark.parametrize("shape", [(6, 5), (2, 3, 4, 7), (2, 3, 6)])
def test_one_difference_of_a_blurred_image_multiplies_frequencies(
    shape: tuple[int, ...], axes: tuple[int, ...], is_complex: bool
) -> None:
    dtype = torch.complex128 if is_complex else torch.float64
    x = dp.Variable("x", shape, dtype=dtype)
    image, kernel = noise(1, shape, is_complex), noise(2, (3, 3))
    for place in range(-len(axes), len(axes)):
        expression = 3 * dp.grad(dp.conv(x, kernel), axes=axes)[..., place]
        operator = Binding([expression]).affine(expression).operators[x]
        transfer = operator.transfer()
        assert transfer is not None
        assert transfer.stack == 0
        spectrum = transfer.values * fourier.forward(image, transfer.full)
        found = fourier.inverse(spectrum, (shape[-2], shape[-1]), transfer.full)
        assert torch.allclose(found, operator.forward(image))
    # Parts of an image, or differences that end at its edge, do not.
    for other in (dp.grad(x, axes=axes)[..., 1:, :, 0], dp.grad(x, axes, "neumann")[..., 0]):
        assert Binding([other]).affine(other).operators[x].transfer() is None
