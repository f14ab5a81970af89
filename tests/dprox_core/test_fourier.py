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
