"""A camera whose only lens is a diffractive element, differentiable in the element's height map.

A plane wave passes a plate of height h(x, y), which delays it by 2π (n_λ − 1) h / λ, travels to the
sensor by the angular spectrum, and is measured as intensity: the point spread function of the
wavelength λ.

References:
    J. Goodman, Introduction to Fourier Optics, 2005, sections 3.10 and 5.1; K. Matsushima, T.
    Shimobaba, Band-Limited Angular Spectrum Method for Numerical Simulation of Free-Space
    Propagation in Far and Near Fields, 2009.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from dprox_core.compat.linop.operators import conv_doe
from dprox_core.errors import ParameterError

__all__ = [
    "DOEModelConfig",
    "RGBCollimator",
    "build_baseline_profile",
    "build_doe_model",
    "img_psf_conv",
    "normalize_psf",
]


@dataclass
class DOEModelConfig:
    """The measures of a camera with a diffractive lens, in metres.

    Attributes:
        wave_lengths: one for each channel.
        focal_length: from the plate to the sensor.
        sample_interval: pitch of the height map.
        wave_resolution: samples a side of the wave, the dark margin included.
        aperture: the share of the side that lets light through.
        patch_size: pixels a side of the point spread function, odd.
        refractive_index: of the plate, one for each channel; None for fused silica.
        circular: whether pictures continue on the other side.
    """

    wave_lengths: tuple[float, ...] = (640e-9, 550e-9, 460e-9)
    focal_length: float = 15e-3
    sample_interval: float = 2e-6
    wave_resolution: int = 1496
    aperture: float = 0.5
    patch_size: int = 65
    refractive_index: tuple[float, ...] | None = None
    circular: bool = True


def silica_index(wave_length: float) -> float:
    """The refractive index of fused silica (Malitson 1965) for a wavelength in metres."""
    squared = (wave_length * 1e6) ** 2
    terms = ((0.6961663, 0.0684043), (0.4079426, 0.1162414), (0.8974794, 9.896161))
    return math.sqrt(1.0 + sum(b * squared / (squared - c * c) for b, c in terms))


def build_baseline_profile(config: DOEModelConfig) -> torch.Tensor:
    """The height map of a Fresnel lens for the middle wavelength, in metres.

    Its phase −π r² / (λ f) is taken modulo 2π, so that no step is higher than one wave.
    """
    middle = len(config.wave_lengths) // 2
    wave = config.wave_lengths[middle]
    radius_squared = _squared_radius(config)
    phase = torch.remainder(-math.pi * radius_squared / (wave * config.focal_length), 2.0 * math.pi)
    return phase * wave / (2.0 * math.pi * (_indices(config)[middle] - 1.0))


class RGBCollimator(nn.Module):
    """The camera: ``height_map`` is a parameter, ``psf`` what it does to a point far away.

    Args:
        config: the measures.
        height_map: (N, N) in metres; None for a Fresnel lens.

    Raises:
        ParameterError: the point spread function is larger than the wave.
    """

    opening: torch.Tensor

    def __init__(self, config: DOEModelConfig, height_map: torch.Tensor | None = None) -> None:
        super().__init__()
        if not 1 <= config.patch_size <= config.wave_resolution or config.patch_size % 2 == 0:
            raise ParameterError(
                f"patch_size must be odd and at most {config.wave_resolution}, the samples of the "
                f"wave, not {config.patch_size!r}.",
                expected=f"odd, at most {config.wave_resolution}",
                got=config.patch_size,
                where="patch_size",
            )
        self.config = config
        start = build_baseline_profile(config) if height_map is None else height_map
        # Heights are near a micrometre: the parameter is kept in units that an optimizer likes.
        self.microns = nn.Parameter((start * 1e6).float())
        reach = config.aperture * config.wave_resolution * config.sample_interval / 2.0
        self.register_buffer("opening", (_squared_radius(config) <= reach**2).float())

    @property
    def height_map(self) -> torch.Tensor:
        """h in metres."""
        return self.microns * 1e-6

    @property
    def psf(self) -> torch.Tensor:
        """The point spread functions (1, C, k, k), each summing to one; they carry gradients."""
        return self.get_psf()

    def get_psf(self) -> torch.Tensor:
        """The point spread functions (1, C, k, k), each summing to one."""
        config = self.config
        channels = []
        for wave, index in zip(config.wave_lengths, _indices(config), strict=True):
            delay = self.microns * (2e-6 * math.pi * (index - 1.0) / wave)
            field = torch.polar(self.opening, delay)
            channels.append(_propagate(field, wave, config).abs().square())
        whole = torch.stack(channels)
        middle, reach = config.wave_resolution // 2, config.patch_size // 2
        window = slice(middle - reach, middle + reach + 1)
        return normalize_psf(whole[:, window, window])[None]

    def forward(self, img: torch.Tensor) -> torch.Tensor:
        """What the sensor sees of a picture."""
        found: torch.Tensor = img_psf_conv(img, self.get_psf(), self.config.circular)
        return found


def build_doe_model(config: DOEModelConfig | None = None, **measures: Any) -> RGBCollimator:
    """A camera with a diffractive lens, to begin with a Fresnel lens.

    Args:
        config: its measures; None for the default ones.
        measures: single ones to change.

    Example:
        >>> from dprox_core.compat.contrib.optic import build_doe_model
        >>> camera = build_doe_model(wave_resolution=96, patch_size=9, focal_length=1e-3)
        >>> camera.psf.shape
        torch.Size([1, 3, 9, 9])
    """
    if config is None:
        config = DOEModelConfig(**measures)
    elif measures:
        raise ParameterError(
            "build_doe_model takes a config or single measures, not both.",
            expected="one of both",
            where="config",
        )
    return RGBCollimator(config)


def img_psf_conv(img: Any, psf: Any, circular: bool = False) -> Any:
    """psf ∗ img, as ``conv_doe`` has it."""
    from dprox_core.compat.linop.leaves import Variable

    return conv_doe(Variable(), psf, circular=circular)(img)


def normalize_psf(psf: torch.Tensor) -> torch.Tensor:
    """The point spread function with a sum of one in each channel."""
    return psf / psf.sum(dim=(-2, -1), keepdim=True)


def _indices(config: DOEModelConfig) -> tuple[float, ...]:
    if config.refractive_index is not None:
        return config.refractive_index
    return tuple(silica_index(wave) for wave in config.wave_lengths)


def _squared_radius(config: DOEModelConfig) -> torch.Tensor:
    n = config.wave_resolution
    places = (torch.arange(n, dtype=torch.float64) - n // 2) * config.sample_interval
    return places[:, None].square() + places[None, :].square()


def _propagate(field: torch.Tensor, wave: float, config: DOEModelConfig) -> torch.Tensor:
    """The field a focal length further on: each plane wave with its own phase."""
    n, distance = config.wave_resolution, config.focal_length
    frequency = torch.fft.fftfreq(n, config.sample_interval, dtype=torch.float64)
    squared = frequency[:, None].square() + frequency[None, :].square()
    along = (1.0 / wave**2 - squared).clamp_min(0.0).sqrt()
    # Above this frequency the phase turns by more than π from one sample to the next.
    spacing = 1.0 / (n * config.sample_interval)
    limit = 1.0 / (wave * math.sqrt((2.0 * spacing * distance) ** 2 + 1.0))
    kept = (frequency.abs() <= limit).double()
    passed = torch.polar(kept[:, None] * kept[None, :], 2.0 * math.pi * distance * along)
    # The phase itself runs to 10⁵ and needs double precision, its factor does not.
    passed = passed.to(device=field.device, dtype=field.dtype)
    return torch.fft.ifft2(torch.fft.fft2(field) * passed)
