"""Inverse transforms of large images are those of small ones."""

from __future__ import annotations

import pytest
import torch

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
    out = torch.empty_like(image) if given else None
    found = fourier.inverse(spectrum, (shape[-2], shape[-1]), full=False, out=out)
    assert found.shape == image.shape
    assert out is None or found is out
    torch.testing.assert_close(found, plain)
    torch.testing.assert_close(found, image)


def test_memory_with_gaps_is_written_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fourier, "_TURNED", 1)
    monkeypatch.setattr(fourier, "_LEAST_SIDE", 1)
    image = torch.randn(24, 18)
    out = torch.empty(18, 24).T
    fourier.inverse(fourier.forward(image, full=False), (24, 18), full=False, out=out)
    torch.testing.assert_close(out, image)


def test_gradients_pass_through_large_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fourier, "_TURNED", 1)
    monkeypatch.setattr(fourier, "_LEAST_SIDE", 1)
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
