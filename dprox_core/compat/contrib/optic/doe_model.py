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
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from dprox_core.compat.linop.operators import conv_doe
from dprox_core.errors import ParameterError

__all__ = [
    "DOEModelConfig",
    "FresnelPropagator",
    "HeightMap",
    "RGBCollimator",
    "area_downsampling",
    "build_baseline_profile",
    "build_doe_model",
    "get_coordinate",
    "get_one_phase_shift_thickness",
    "img_psf_conv",
]


def silica_index(wave_length: float) -> float:
    """The refractive index of fused silica (Malitson 1965) for a wavelength in metres."""
    squared = (wave_length * 1e6) ** 2
    terms = ((0.6961663, 0.0684043), (0.4079426, 0.1162414), (0.8974794, 9.896161))
    return math.sqrt(1.0 + sum(b * squared / (squared - c * c) for b, c in terms))


@dataclass
class DOEModelConfig:
    """The measures of a camera with a diffractive lens, in metres.

    Attributes:
        circular: whether pictures continue on the other side.
        aperture_diameter: of the round opening that lets light through.
        sensor_distance: from the plate to the sensor, the focal length.
        num_steps: kept for old scripts.
        patch_size: pixels a side of the point spread function; a pixel is as large as a whole
            number of samples of the wave.
        sample_interval: pitch of the height map.
        model_kwargs: kept for old scripts.
        wave_lengths: one for each channel.
        refractive_idcs: of the plate, one for each channel; None for fused silica.
        wave_resolution: samples a side of the wave; a pair of two equal numbers does as well.
    """

    circular: bool = True
    aperture_diameter: float = 3e-3
    sensor_distance: float = 15e-3
    num_steps: int = 10001
    patch_size: int = 748
    sample_interval: float = 2e-6
    model_kwargs: dict[str, Any] = field(default_factory=dict)
    wave_lengths: Any = (460e-9, 550e-9, 640e-9)
    refractive_idcs: Any = None
    wave_resolution: Any = (1496, 1496)


def get_coordinate(nx: int, ny: int, dx: float, dy: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Where the samples of a grid (nx, ny) are, from its middle sample, x and y."""
    x = (torch.arange(nx, dtype=torch.float64) - nx // 2) * dx
    y = (torch.arange(ny, dtype=torch.float64) - ny // 2) * dy
    return x[:, None].expand(nx, ny), y.expand(nx, ny)


def get_one_phase_shift_thickness(wave_lengths: Any, refractive_index: Any) -> Any:
    """The height of a plate that delays light by one wave, λ / (n − 1)."""
    return wave_lengths / (refractive_index - 1.0)


def area_downsampling(input: torch.Tensor, target_side_length: int) -> torch.Tensor:
    """A picture (..., N, N) as (..., target, target), by the means of blocks.

    Raises:
        ParameterError: the target does not divide N.
    """
    if input.shape[-1] % target_side_length:
        raise ParameterError(
            f"area_downsampling: {target_side_length} does not divide the side {input.shape[-1]}.",
            expected="a divisor of the side",
            got=target_side_length,
            where="target_side_length",
        )
    return functional.avg_pool2d(input, input.shape[-1] // target_side_length)


class HeightMap(nn.Module):
    """The heights of the plate as parameters, to begin with a Fresnel lens.

    Args:
        height_map_shape: (1, 1, N, N).
        wave_lengths: one for each channel.
        refractive_idcs: one for each channel.
        xx: where the samples are.
        yy: where the samples are.
        sensor_distance: the focal length to begin with.
    """

    def __init__(
        self,
        height_map_shape: Sequence[int],
        wave_lengths: torch.Tensor,
        refractive_idcs: torch.Tensor,
        xx: torch.Tensor,
        yy: torch.Tensor,
        sensor_distance: float,
    ) -> None:
        super().__init__()
        self.thickness = get_one_phase_shift_thickness(
            wave_lengths.double(), refractive_idcs.double()
        )
        # No step is higher than one wave of the middle wavelength.
        middle = len(wave_lengths) // 2
        wave = float(wave_lengths[middle])
        phase = -math.pi * (xx.square() + yy.square()) / (wave * sensor_distance)
        start = self.phase_to_height_map(phase, middle).expand(tuple(height_map_shape))
        # Heights are near a micrometre: the parameter is kept in units that an optimizer likes.
        self.microns = nn.Parameter((start * 1e6).float().clone())

    @property
    def height_map(self) -> torch.Tensor:
        """h in metres."""
        return self.microns * 1e-6

    def phase_to_height_map(self, phi: torch.Tensor, wave_length_idx: int = 1) -> torch.Tensor:
        """The height that delays one wavelength by a phase, modulo 2π."""
        turns = torch.remainder(phi, 2.0 * math.pi) / (2.0 * math.pi)
        return turns * float(self.thickness[wave_length_idx])

    def get_phase_profile(self, height_map: torch.Tensor | None = None) -> torch.Tensor:
        """exp(i φ) of each channel, (1, C, N, N), for heights in metres.

        Args:
            height_map: (1, 1, N, N) or (N, N); None for the parameters.
        """
        microns = self.microns if height_map is None else height_map * 1e6
        rates = (2e-6 * math.pi / self.thickness).reshape(1, -1, 1, 1)
        delay = microns * rates.to(device=microns.device, dtype=microns.dtype)
        return torch.polar(torch.ones_like(delay), delay)

    def forward(self, input_field: torch.Tensor) -> torch.Tensor:
        """A field behind the plate."""
        return input_field * self.get_phase_profile()


class FresnelPropagator(nn.Module):
    """A field a distance further on, by the band-limited angular spectrum.

    Args:
        input_shape: (1, C, N, N).
        distance: how far.
        discretization_size: pitch of the samples.
        wave_lengths: one for each channel.
    """

    passed: torch.Tensor

    def __init__(
        self,
        input_shape: Sequence[int],
        distance: float,
        discretization_size: float,
        wave_lengths: torch.Tensor,
    ) -> None:
        super().__init__()
        n = int(input_shape[-1])
        frequency = torch.fft.fftfreq(n, discretization_size, dtype=torch.float64)
        squared = frequency[:, None].square() + frequency[None, :].square()
        spacing = 1.0 / (n * discretization_size)
        factors = []
        for wave in wave_lengths.tolist():
            along = (1.0 / wave**2 - squared).clamp_min(0.0).sqrt()
            # Above this frequency the phase turns by more than π from one sample to the next.
            limit = 1.0 / (wave * math.sqrt((2.0 * spacing * distance) ** 2 + 1.0))
            kept = (frequency.abs() <= limit).double()
            factors.append(
                torch.polar(kept[:, None] * kept[None, :], 2.0 * math.pi * distance * along)
            )
        # The phase itself runs to 10⁵ and needs double precision, its factor does not.
        self.register_buffer("passed", torch.stack(factors)[None].to(torch.complex64), False)

    def forward(self, input_field: torch.Tensor) -> torch.Tensor:
        """The field at the distance."""
        return torch.fft.ifft2(torch.fft.fft2(input_field) * self.passed.to(input_field.dtype))


class RGBCollimator(nn.Module):
    """The camera: ``height_map`` has the parameters, ``psf`` is what it does to a point far away.

    Args:
        sensor_distance: the focal length, in metres.
        refractive_idcs: of the plate, one for each channel.
        wave_lengths: one for each channel, in metres.
        patch_size: pixels a side of the point spread function.
        sample_interval: pitch of the height map, in metres.
        wave_resolution: samples a side of the wave.
        aperture_diameter: of the opening, in metres.
        circular: whether pictures continue on the other side.

    Raises:
        ParameterError: the point spread function is larger than the wave.
    """

    aperture: torch.Tensor

    def __init__(
        self,
        sensor_distance: float,
        refractive_idcs: Any,
        wave_lengths: Any,
        patch_size: int,
        sample_interval: float,
        wave_resolution: Any,
        aperture_diameter: float = 3e-3,
        circular: bool = True,
    ) -> None:
        super().__init__()
        n = wave_resolution if isinstance(wave_resolution, int) else int(wave_resolution[0])
        if not 1 <= patch_size <= n:
            raise ParameterError(
                f"patch_size is from 1 to {n}, the samples of the wave, not {patch_size!r}.",
                expected=f"1 … {n}",
                got=patch_size,
                where="patch_size",
            )
        self.sensor_distance = sensor_distance
        self.sample_interval = sample_interval
        self.patch_size, self.wave_res = patch_size, (n, n)
        self.circular = circular
        self.wave_lengths = torch.as_tensor(wave_lengths, dtype=torch.float64)
        self.refractive_idcs = torch.as_tensor(refractive_idcs, dtype=torch.float64)
        xx, yy = get_coordinate(n, n, sample_interval, sample_interval)
        inside = xx.square() + yy.square() <= (aperture_diameter / 2.0) ** 2
        self.register_buffer("aperture", inside.float()[None, None])
        self.height_map = HeightMap(
            (1, 1, n, n), self.wave_lengths, self.refractive_idcs, xx, yy, sensor_distance
        )
        shape = (1, len(self.wave_lengths), n, n)
        self.propagator = FresnelPropagator(
            shape, sensor_distance, sample_interval, self.wave_lengths
        )

    @property
    def psf(self) -> torch.Tensor:
        """The point spread functions (1, C, k, k), each summing to one; they carry gradients."""
        return self.get_psf()

    def get_psf(self, phase_profile: torch.Tensor | None = None) -> torch.Tensor:
        """The point spread functions (1, C, k, k), each summing to one.

        Args:
            phase_profile: exp(i φ) of the plate, (1, C, N, N); None for that of the parameters.
        """
        if phase_profile is None:
            phase_profile = self.height_map.get_phase_profile()
        intensity = self.propagator(self.aperture * phase_profile).abs().square()
        side = self.wave_res[0] // self.patch_size * self.patch_size
        first = self.wave_res[0] // 2 - side // 2
        window = slice(first, first + side)
        pixels = area_downsampling(intensity[..., window, window], self.patch_size)
        return pixels / pixels.sum(dim=(-2, -1), keepdim=True)

    def forward(
        self,
        input_img: torch.Tensor,
        phase_profile: torch.Tensor | None = None,
        circular: bool | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the sensor sees of a picture, and the point spread functions.

        Args:
            input_img: (B, C, H, W).
            phase_profile: as ``get_psf`` takes it.
            circular: whether the picture continues on the other side; None as configured.
        """
        psf = self.get_psf(phase_profile)
        seen = img_psf_conv(input_img, psf, self.circular if circular is None else circular)
        return seen, psf


def build_doe_model(config: DOEModelConfig | None = None, **measures: Any) -> RGBCollimator:
    """A camera with a diffractive lens, to begin with a Fresnel lens.

    Args:
        config: its measures; None for the default ones.
        measures: single ones to change.

    Example:
        >>> from dprox_core.compat.contrib.optic import build_doe_model
        >>> camera = build_doe_model(wave_resolution=96, patch_size=8, sensor_distance=1e-3)
        >>> camera.psf.shape
        torch.Size([1, 3, 8, 8])
    """
    if config is None:
        config = DOEModelConfig(**measures)
    elif measures:
        raise ParameterError(
            "build_doe_model takes a config or single measures, not both.",
            expected="one of both",
            where="config",
        )
    waves = torch.as_tensor(config.wave_lengths, dtype=torch.float64)
    indices = config.refractive_idcs
    if indices is None:
        indices = [silica_index(wave) for wave in waves.tolist()]
    return RGBCollimator(
        config.sensor_distance,
        indices,
        waves,
        config.patch_size,
        config.sample_interval,
        config.wave_resolution,
        config.aperture_diameter,
        config.circular,
    )


def build_baseline_profile(rgb_collim_model: RGBCollimator) -> torch.Tensor:
    """exp(i φ) of a Fresnel lens for the middle wavelength, (1, C, N, N).

    Its phase −π r² / (λ f) is taken modulo 2π, so that no step is higher than one wave.
    """
    model, n = rgb_collim_model, rgb_collim_model.wave_res[0]
    xx, yy = get_coordinate(n, n, model.sample_interval, model.sample_interval)
    fresh = HeightMap(
        (1, 1, n, n), model.wave_lengths, model.refractive_idcs, xx, yy, model.sensor_distance
    )
    return fresh.get_phase_profile().detach().to(model.aperture.device)


def img_psf_conv(img: Any, psf: Any, circular: bool = False) -> Any:
    """psf ∗ img, as ``conv_doe`` has it."""
    from dprox_core.compat.linop.leaves import Variable

    return conv_doe(Variable(), psf, circular=circular)(img)
