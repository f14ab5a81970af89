"""Samples and simulations, where earlier releases had them."""

from dprox_core.compat.contrib.restoration import (
    blurring,
    downsampling,
    fspecial_gaussian,
    mosaicing,
    point_spread_function,
    sample,
)

__all__ = [
    "blurring",
    "downsampling",
    "fspecial_gaussian",
    "mosaicing",
    "point_spread_function",
    "sample",
]
