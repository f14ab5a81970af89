"""What can go wrong, as sentences for the person who reads them.

One root class, one subclass for each thing a person can put right. Each error carries what was
expected, what was found and where, so that a window can point at it without parsing the sentence.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "CompileError",
    "ConvergenceWarning",
    "DataError",
    "DeviceError",
    "DproxError",
    "ImageError",
    "ParameterError",
    "ShapeError",
    "nearest",
]


class DproxError(Exception):
    """The root of every error that the library raises on purpose.

    Args:
        sentence: what is wrong, where, and what to do about it.
        expected: what would have been right, if that can be said in a few words.
        got: what was found instead.
        where: the user's name for the place: an operand, a parameter, a file.
    """

    def __init__(
        self,
        sentence: str,
        *,
        expected: object = None,
        got: object = None,
        where: str | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.expected = expected
        self.got = got
        self.where = where


class ShapeError(DproxError):
    """Two operands whose shapes, or a shape and an operator, do not fit together."""


class ParameterError(DproxError):
    """A parameter outside the range in which the mathematics holds."""


class DataError(DproxError):
    """Data that no solver can use, such as an array holding NaN or infinity."""


class ImageError(DproxError):
    """An image file that is missing, is not an image, is damaged, or cannot be written."""


class CompileError(DproxError):
    """A problem that the chosen algorithm does not accept; ``where`` names the sub-expression."""


class DeviceError(DproxError):
    """A device that is not there, or that ran out of memory."""


class ConvergenceWarning(UserWarning):
    """Something was computed from an iteration that had not come to its end."""


def nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    """What follows "there is no NAME": the one known name that is spelled nearly so, or else.

    Args:
        name: what was asked for.
        known: the names there are.
        otherwise: what to say where none is near.
    """
    import difflib

    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    close = close or difflib.get_close_matches(name.lower(), known, n=1)
    return f'did you mean "{close[0]}"?' if close else otherwise
