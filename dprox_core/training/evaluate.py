"""Hold denoising networks against scikit-image's denoisers on photographs, and print the table.

    python -m dprox_core.training.evaluate --photos DATA/held_out --weights A.safetensors

Each of scikit-image's denoisers gets the strength, per noise level, that is best on average over
these very photographs: an advantage the networks do not have. Noise is seeded and not clipped.
"""

from __future__ import annotations

import argparse
import csv
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dprox_core.priors.weights import load
from dprox_core.training.denoiser import load_photos

__all__ = ["classical", "main", "noisy", "psnr", "table"]

log = logging.getLogger(__name__)

LEVELS = (15, 25, 50)
Filter = Callable[[np.ndarray, float, float], np.ndarray]


def noisy(photo: Tensor, level: float, index: int) -> Tensor:
    """A photograph with noise of ``level``/255, the same for the same index."""
    noise = torch.randn(photo.shape, generator=torch.Generator().manual_seed(index))
    return photo + noise * (level / 255)


def psnr(estimate: Tensor, photo: Tensor) -> float:
    """PSNR in dB of an estimate, clipped to 0…1."""
    return -10 * math.log10(float((estimate.clamp(0, 1) - photo).square().mean()))


def classical() -> dict[str, tuple[Filter, tuple[float, ...]]]:
    """scikit-image's denoisers as f(image (H, W[, C]), sigma, strength), and strengths to try."""
    from skimage import restoration

    def axis(image: np.ndarray) -> dict[str, Any]:
        return {"channel_axis": -1 if image.ndim == 3 else None}

    def nlm(image: np.ndarray, sigma: float, strength: float) -> np.ndarray:
        return restoration.denoise_nl_means(
            image, 5, 6, strength * sigma, sigma=sigma, fast_mode=True, **axis(image)
        )

    def wavelet(image: np.ndarray, sigma: float, strength: float) -> np.ndarray:
        return restoration.denoise_wavelet(
            image,
            sigma=strength * sigma,
            wavelet="db2",
            convert2ycbcr=image.ndim == 3,
            rescale_sigma=True,
            **axis(image),
        )

    def tv(image: np.ndarray, sigma: float, strength: float) -> np.ndarray:
        return restoration.denoise_tv_chambolle(image, strength * sigma, **axis(image))

    def bilateral(image: np.ndarray, sigma: float, strength: float) -> np.ndarray:
        clipped = np.clip(image, 0, 1)
        return restoration.denoise_bilateral(
            clipped, sigma_color=strength * sigma, sigma_spatial=1.5, **axis(image)
        )

    return {
        "non-local means": (nlm, (0.5, 0.6, 0.7, 0.8, 0.9)),
        "wavelet": (wavelet, (0.7, 1.0, 1.3)),
        "TV (Chambolle)": (tv, (0.7, 1.0, 1.3, 1.6)),
        "bilateral": (bilateral, (1.0, 1.7, 2.5)),
    }


def _filtered(image: Tensor, sigma: float, filter_: Filter, strength: float) -> Tensor:
    pixels = image[0].permute(1, 2, 0).numpy().astype(np.float64)
    out = filter_(pixels[..., 0] if pixels.shape[-1] == 1 else pixels, sigma, strength)
    out = out[..., None] if out.ndim == 2 else out
    return torch.from_numpy(np.ascontiguousarray(out)).permute(2, 0, 1)[None].float()


def table(
    photos: Sequence[Tensor],
    networks: Iterable[tuple[str, Callable[[Tensor, float], Tensor]]],
    levels: Sequence[float] = LEVELS,
    others: bool | Sequence[str] = True,
) -> list[tuple[str, list[float]]]:
    """Mean PSNR in dB of each denoiser at each level.

    Args:
        photos: (1, C, H, W) in 0…1, all grey or all in colour.
        networks: names and networks called with (image, sigma).
        levels: noise levels in grey values of 255.
        others: whether scikit-image's denoisers are in the table, or the names of those that are.
    """

    def mean(level: float, run: Callable[[Tensor, float], Tensor]) -> float:
        values = [
            psnr(run(noisy(photo, level, index), level / 255), photo)
            for index, photo in enumerate(photos)
        ]
        return sum(values) / len(values)

    rows = [("noisy", [mean(level, lambda image, sigma: image) for level in levels])]
    if others:
        for name, (filter_, strengths) in classical().items():
            if others is not True and name not in others:
                continue
            try:
                best = [
                    max(
                        mean(level, partial(_filtered, filter_=filter_, strength=strength))
                        for strength in strengths
                    )
                    for level in levels
                ]
            except ImportError as error:  # scikit-image's wavelets need PyWavelets
                log.warning("%s left out: %s", name, error)
                continue
            rows.append((name, best))
            log.info("%s done", name)
    with torch.inference_mode():
        for name, network in networks:
            rows.append((name, [mean(level, network) for level in levels]))
    return rows


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="dprox_core.training.evaluate", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of .png photographs")
    parser.add_argument("--weights", type=Path, nargs="*", default=[], help="files to judge")
    parser.add_argument("--grey", action="store_true", help="judge on grey photographs")
    parser.add_argument("--side", type=int, help="cut out the middle of each photograph")
    parser.add_argument("--networks-only", action="store_true")
    parser.add_argument(
        "--others", nargs="*", choices=tuple(classical()), help="only these of scikit-image's"
    )
    parser.add_argument("--out", type=Path, help="write the table as .csv too")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(given.threads)
    photos = load_photos(given.photos, given.grey, given.side)
    networks = [(path.stem, load(path)) for path in given.weights]
    others = not given.networks_only if given.others is None else given.others
    rows = table(photos, networks, others=others)
    log.info("\n| mean PSNR, %d photographs | σ = 15 | σ = 25 | σ = 50 |", len(photos))
    log.info("|---|---|---|---|")
    for name, values in rows:
        log.info("| %s | %s |", name, " | ".join(f"{value:.2f}" for value in values))
    if given.out is not None:
        with given.out.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("denoiser", *LEVELS))
            writer.writerows((name, *(f"{v:.3f}" for v in values)) for name, values in rows)


if __name__ == "__main__":
    main()
