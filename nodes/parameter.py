"""One parameter of a node type: its range, its unit, and what to say when a value is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from nodes.arithmetic import evaluate
from nodes.grammars import GRAMMARS

__all__ = ["Json", "Parameter", "number_text"]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

# Beyond this a whole number is no longer exact in the arrays that it ends up in.
_LARGEST = 2**53


@dataclass(frozen=True)
class Parameter:
    """A value that a person sets on a node.

    Attributes:
        name: the argument's name in the library.
        title: the name on the screen.
        kind: "float", "int", "bool", "choice", "path" or "text".
        default: the value of a new node.
        minimum, maximum: the range, ends included.
        above: a bound that the value must exceed.
        choices: the values of a choice.
        literals: what a choice is called in a script, where that is not its own text.
        files: what a path may end in, such as ".npy"; none for images.
        unit: shown behind the number.
        scale: "linear" or "log", for sliders.
        soft: the range a slider covers where the real one is unbounded.
        decimals: shown in number fields.
        optional: None is a value, and means automatic.
        odd: only odd whole numbers.
        grammar: what a text may say, a key of ``GRAMMARS``; the script holds what it means.
        quiet: left out of the script while it equals the default.
        help: one line for the tooltip.
    """

    name: str
    title: str
    kind: str
    default: Json = None
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    literals: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    unit: str = ""
    scale: str = "linear"
    soft: tuple[float, float] | None = None
    decimals: int = 3
    optional: bool = False
    odd: bool = False
    grammar: str = ""
    quiet: bool = False
    help: str = ""

    def validate(self, value: Json) -> str | None:
        """What is wrong with a value, as the end of a sentence about it; None if it is fine.

        Example:
            >>> Parameter("weight", "weight λ", "float", 1.0, minimum=0).validate(-1.0)
            'weight λ must be 0 or more, not -1'
        """
        if value is None:
            return None if self.optional else f"{self.title} needs a value"
        if self.kind in ("float", "int"):
            return self._validate_number(value)
        if self.kind == "bool":
            return (
                None
                if isinstance(value, bool)
                else f"{self.title} must be true or false, not {_show(value)}"
            )
        if not isinstance(value, str):
            return f"{self.title} must be text, not {_show(value)}"
        if self.kind == "choice" and value not in self.choices:
            return f"{self.title} must be one of {', '.join(self.choices)}, not {_show(value)}"
        if self.kind == "path" and not value.strip():
            return f"{self.title} needs a file"
        if self.grammar:
            try:
                GRAMMARS[self.grammar].source(value)
            except ValueError as error:
                return f"{self.title} {error}"
        if "\0" in value:
            return f"{self.title} holds a character that no file name can have"
        return None

    def parse(self, text: str) -> Json:
        """The value that a person typed.

        Raises:
            ValueError: with the sentence of ``validate``, or saying that it is no number.
        """
        stripped = text.strip()
        if self.optional and stripped.lower() in ("", "auto", "automatic", "none"):
            return None
        value: Json = text
        if self.kind in ("choice", "path"):
            value = stripped
        elif self.kind == "bool":
            value = {"true": True, "yes": True, "1": True, "on": True}.get(
                stripped.lower(),
                {"false": False, "no": False, "0": False, "off": False}.get(
                    stripped.lower(), stripped
                ),
            )
        elif self.kind == "int":
            value = _parse_int(stripped)
        elif self.kind == "float":
            value = _parse_float(stripped)
        problem = self.validate(value)
        if problem:
            raise ValueError(problem[0].upper() + problem[1:] + ".")
        return value

    def nearest(self, value: Json) -> Json:
        """The valid value closest to a number out of range; None if there is no such thing."""
        if self.kind not in ("float", "int") or isinstance(value, bool):
            return None
        if not isinstance(value, int | float) or not math.isfinite(value):
            return None
        number = float(value)
        if self.minimum is not None:
            number = max(number, self.minimum)
        if self.maximum is not None:
            number = min(number, self.maximum)
        right: Json = number
        if self.kind == "int":
            right = round(number)
            if self.odd and right % 2 == 0:
                right += 1
        return right if self.validate(right) is None else None

    def show(self, value: Json) -> str:
        """The value with its unit, as shown on the screen."""
        if value is None:
            return "automatic"
        if isinstance(value, bool):
            return "yes" if value else "no"
        text = number_text(value) if isinstance(value, int | float) else str(value)
        if not self.unit:
            return text
        return text + self.unit if self.unit in ("°", "%") else f"{text} {self.unit}"

    @property
    def range_text(self) -> str:
        """What values it takes, in words."""
        if self.kind == "choice":
            lists = any("," in choice for choice in self.choices)
            return (" or " if lists else ", ").join(self.choices)
        if self.kind == "bool":
            return "yes or no"
        if self.grammar:
            return GRAMMARS[self.grammar].values
        if self.kind not in ("float", "int"):
            return "text" if self.kind == "text" else "a file"
        words = ["whole" if self.kind == "int" else "any number"]
        if self.odd:
            words = ["odd"]
        low, high = self.minimum, self.maximum
        if self.above is not None:
            words.append(f"above {number_text(self.above)}")
        if low is not None and high is not None:
            words.append(f"{number_text(low)} to {number_text(high)}")
        elif low is not None:
            words.append(f"{number_text(low)} or more")
        elif high is not None:
            words.append(f"{number_text(high)} or less")
        if len(words) > 1 and words[0] == "any number":
            words = words[1:]
        return ", ".join(words)

    def _validate_number(self, value: Json) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            noun = "a whole number" if self.kind == "int" else "a number"
            return f"{self.title} must be {noun}, not {_show(value)}"
        shown = number_text(value)
        if isinstance(value, float) and not math.isfinite(value):
            return f"{self.title} must be a finite number, not {shown}"
        if self.kind == "int" and not float(value).is_integer():
            return f"{self.title} must be a whole number, not {shown}"
        if self.above is not None and value <= self.above:
            return f"{self.title} must be above {number_text(self.above)}, not {shown}"
        if self.minimum is not None and value < self.minimum:
            return f"{self.title} must be {number_text(self.minimum)} or more, not {shown}"
        if self.maximum is not None and value > self.maximum:
            return f"{self.title} must be {number_text(self.maximum)} or less, not {shown}"
        if abs(value) > _LARGEST and self.kind == "int":
            return f"{self.title} is too large a number"
        if self.odd and int(value) % 2 == 0:
            return f"{self.title} must be odd, so that there is a centre, not {shown}"
        return None


def number_text(value: float) -> str:
    """A number as a person writes it: no trailing zeros, no needless exponent.

    Example:
        >>> number_text(0.010), number_text(200.0), number_text(1e-6)
        ('0.01', '200', '1e-6')
    """
    if isinstance(value, int):
        return (
            str(value)
            if abs(value) < 10**15
            else f"{float(min(max(value, -(10**300)), 10**300)):.3g}"
        )
    text = f"{value:.6g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa}e{int(exponent)}"
    return text


def _parse_int(text: str) -> Json:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        found = evaluate(text)
        if found is None:
            return text
        number = found
    return int(number) if number.is_integer() else number


def _parse_float(text: str) -> Json:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        # A decimal comma is what many keyboards type.
        return float(text.replace(",", ".", 1))
    except ValueError:
        found = evaluate(text)
        return text if found is None else found


def _show(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value if len(value) <= 40 else value[:37] + "…"}"'
    if isinstance(value, int | float):
        return number_text(value)
    return "empty" if value is None else "a list"
