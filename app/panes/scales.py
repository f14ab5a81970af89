"""From a parameter's value to a slider's position and back, and from text to a value."""

from __future__ import annotations

import math

from nodes.parameter import Json, Parameter

__all__ = ["STEPS", "from_slider", "raw_value", "slider_range", "to_slider"]

#: Positions of a slider.
STEPS = 1000


def slider_range(parameter: Parameter) -> tuple[float, float] | None:
    """The range a slider covers; None where there is no sensible one."""
    low, high = parameter.soft or (parameter.minimum, parameter.maximum)
    if low is None or high is None or not low < high:
        return None
    if parameter.scale == "log" and low <= 0:
        return None
    return float(low), float(high)


def to_slider(parameter: Parameter, value: float) -> int:
    """Where on a slider of 1000 steps a value lies; beyond the ends it stays at the end."""
    bounds = slider_range(parameter)
    if bounds is None or not math.isfinite(value):
        return 0
    low, high = bounds
    value = min(max(value, low), high)
    if parameter.scale == "log":
        share = math.log(value / low) / math.log(high / low)
    else:
        share = (value - low) / (high - low)
    return round(share * STEPS)


def from_slider(parameter: Parameter, position: int) -> float | int:
    """The value at a slider's position, rounded as a person would choose it."""
    bounds = slider_range(parameter)
    if bounds is None:
        return 0
    low, high = bounds
    share = position / STEPS
    value = low * (high / low) ** share if parameter.scale == "log" else low + share * (high - low)
    if parameter.kind == "int":
        whole = round(value)
        if parameter.odd and whole % 2 == 0:
            whole = whole + 1 if whole < high else whole - 1
        return whole
    # Three figures are as fine as a hand; the ends are met exactly.
    if position in (0, STEPS):
        return low if position == 0 else high
    if parameter.scale == "log":
        return float(f"{value:.3g}")
    digits = max(0, 2 - math.floor(math.log10(high - low)))
    return round(value, digits)


def raw_value(parameter: Parameter, text: str) -> Json:
    """What a text means even if it is out of range; a text that is no number stays a text."""
    stripped = text.strip()
    if parameter.kind in ("float", "int"):
        try:
            number = float(stripped.replace(",", ".", 1))
        except ValueError:
            return text
        if not math.isfinite(number):
            return text
        if parameter.kind == "int" and number.is_integer():
            return int(number)
        return number
    return text
