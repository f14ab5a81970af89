"""What Python asks of numbers and lists, answered in words by what a user writes instead of them.

Without these methods Python answers for itself: with the name of a class and none of the
expression, or, for ``if x:``, with "yes".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn

import numpy as np

from dprox_core.errors import ParameterError

__all__ = ["NoNumber"]


class NoNumber:
    """Refuses to be a number, a truth value or a list.

    Attributes:
        is_what: what it is instead, for a sentence.
        number_from: where its number comes from.
        items_from: where its parts come from.
        algebra: what may be done with it.
    """

    is_what: ClassVar[str]
    number_from: ClassVar[str]
    items_from: ClassVar[str]
    algebra: ClassVar[str]

    def describe(self) -> str:
        """What the user wrote."""
        raise NotImplementedError

    def _refuse(self, asked: str, instead: str) -> NoReturn:
        raise ParameterError(
            f"{asked.replace('…', self.describe())}: {self.is_what}; {instead}.",
            got=asked,
            where=self.describe(),
        )

    # For a type checker there are no other attributes.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            # Only what tensors have gets a sentence; copies ask before there is a name for one.
            from dprox_core.linops.base import LINOPS

            if name != "value" and name not in LINOPS:
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")
            what = self.describe()
            known = f"{self.is_what}; {self.number_from}"
            raise AttributeError(
                f"{what}.{name}: {known if name == 'value' else f'write {name}({what}, …)'}."
            )

    def __iter__(self) -> NoReturn:
        self._refuse("list(…)", self.items_from)

    def __len__(self) -> int:
        self._refuse("len(…)", self.items_from)

    def __contains__(self, value: object) -> bool:
        self._refuse(f"{value} in …", self.items_from)

    def __float__(self) -> float:
        self._refuse("float(…)", self.number_from)

    def __int__(self) -> int:
        self._refuse("int(…)", self.number_from)

    def __complex__(self) -> complex:
        self._refuse("complex(…)", self.number_from)

    def __bool__(self) -> bool:
        self._refuse("bool(…)", self.number_from)

    def __round__(self, digits: int | None = None) -> NoReturn:
        self._refuse("round(…)", self.number_from)

    def __array__(
        self, dtype: np.typing.DTypeLike | None = None, copy: bool | None = None
    ) -> np.ndarray:
        if dtype is not None and np.dtype(dtype) != np.dtype(object):
            self._refuse(f"An array of … as {dtype}", self.number_from)
        # One object: what scipy's matrices leave to the right side of their products.
        held = np.empty((), dtype=object)
        held[()] = self
        return held

    def __floordiv__(self, other: object) -> NoReturn:
        self._refuse(f"… // {other}", self.algebra)

    def __mod__(self, other: object) -> NoReturn:
        self._refuse(f"… % {other}", self.algebra)

    def __divmod__(self, other: object) -> NoReturn:
        self._refuse(f"divmod(…, {other})", self.algebra)

    def __rfloordiv__(self, other: object) -> NoReturn:
        self._refuse(f"{other} // …", self.algebra)

    def __rmod__(self, other: object) -> NoReturn:
        self._refuse(f"{other} % …", self.algebra)

    def __rpow__(self, other: object) -> NoReturn:
        self._refuse(f"{other} ** …", self.algebra)
