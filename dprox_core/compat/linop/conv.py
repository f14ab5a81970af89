"""Convolutions, at their published place."""

from dprox_core.compat.linop.operators import conv, conv_doe

__all__ = ["conv", "conv_doe"]
