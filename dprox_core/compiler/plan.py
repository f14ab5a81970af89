"""What the compiler chose and why: for people (``explain``) and for programs (``to_dict``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from dprox_core.errors import ParameterError

__all__ = ["PassRecord", "Plan", "PlanTerm"]


@dataclass(frozen=True)
class PassRecord:
    """What one pass did: the terms before and after."""

    name: str
    title: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class PlanTerm:
    """Where one term went.

    Attributes:
        text: the term as written.
        role: "linear solve", "prox", "gradient step", "denoiser".
        operator: the operator in front of the prox, None for the variable itself.
        norm: the norm of that operator, without what moved.
        moved: what of it is inside the prox: "scaling", "rotation" or both; "" for nothing.
        curvature: of its function: "convex", "strongly convex", with "smooth" where its gradient
            is Lipschitz, "affine", "non-convex" or "learned".
    """

    text: str
    role: str
    operator: str | None
    norm: float
    moved: str = ""
    curvature: str = ""


@dataclass(frozen=True)
class Plan:
    """A compiled problem in words and numbers.

    Attributes:
        method: "admm" or "fista".
        objective: the objective as written.
        variables: name → shape.
        dtype: the working precision, such as "float32".
        device: where it runs.
        passes: what each pass changed; passes that changed nothing are left out.
        terms: where each term went.
        linear_solver: "diagonal", "fourier", "woodbury", "matrix", "dense", "cg" or "minres"; None
            for methods without a linear solve.
        reason: why that linear solver.
        parameters: ρ, step size, relaxation and the like, by name.
        automatic: the names of the parameters that were chosen, not given.
        tolerances: absolute and relative tolerance.
        memory_bytes: predicted memory of the solve, data included.
        extrapolation_bytes: what a solve of more than a hundred iterations may take beside that, to
            extrapolate; it does without where half of what is free does not suffice.
        guarantees: what is known about convergence.
        noted: what may go wrong as far as that was seen on the way.
        look: what else may go wrong, looked for by the first who asks; None for nothing.
    """

    method: str
    objective: str
    variables: dict[str, tuple[int, ...]]
    dtype: str
    device: str
    passes: tuple[PassRecord, ...]
    terms: tuple[PlanTerm, ...]
    linear_solver: str | None
    reason: str
    parameters: dict[str, float]
    automatic: tuple[str, ...]
    tolerances: dict[str, float]
    memory_bytes: int
    extrapolation_bytes: int = 0
    guarantees: tuple[str, ...] = field(default=())
    noted: tuple[str, ...] = field(default=())
    look: Callable[[], tuple[str, ...]] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What may go wrong, and what to do about it."""
        return self.noted if self.look is None else (*self.noted, *self.look())

    def explain(self, format: str = "words") -> str:
        """The plan, line by line.

        Args:
            format: "words" for plain words, "tex" for formulae: the objective, its terms under the
                names of the updates, the updates and the parameters, one formula a line, without
                dollar signs, as LaTeX and matplotlib's mathtext read them.

        Raises:
            ParameterError: there is no such format.
        """
        if format not in ("words", "tex"):
            raise ParameterError(
                f'A plan is explained in "words" or in "tex", not {format!r}.',
                expected=("words", "tex"),
                got=format,
                where="format",
            )
        return self._formulae() if format == "tex" else self._words()

    def _words(self) -> str:
        from dprox_core.compiler.explain import explain

        return explain(self)

    def _formulae(self) -> str:
        from dprox_core.compiler.explain_tex import explain_tex

        return explain_tex(self)

    def to_dict(self) -> dict[str, Any]:
        """The plan as numbers, strings, lists and dictionaries, ready for JSON."""
        known = asdict(replace(self, look=None))
        del known["noted"], known["look"]
        return _plain({**known, "warnings": self.warnings})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(held) for held in value]
    return value
