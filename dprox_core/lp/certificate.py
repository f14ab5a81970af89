"""How good a pair (x, y) is, in the units of the program as written: one function for all."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch

from dprox_core.lp.across import ALONE, Across
from dprox_core.lp.model import LinearProgram

__all__ = ["Certificate", "Limits", "certify", "dual_feasible", "measure"]

# The size of an objective is at least this share of its terms' sizes, and this number.
_CANCELLED, _NOTHING = 1e-2, 1e-3
# The largest imbalance that a gap tells of, before it counts twofold.
_MOST = 30.0


@dataclass(frozen=True)
class Certificate:
    """Residuals and gap in original units.

    Conditions of optimality for a minimization, with reduced costs z = c − Aᵀy: the rows and
    bounds hold (primal), y and z are positive only at finite lower limits and negative only at
    finite upper ones (dual), and both objectives agree (gap).

    Attributes:
        primal: Euclidean norm of the violations of rows and bounds.
        primal_max: the largest violation.
        primal_relative: primal / (1 + ‖finite row limits‖).
        dual: Euclidean norm of the part of y and z that no finite limit supports.
        dual_max: the largest of it.
        dual_relative: dual / (1 + ‖c‖).
        gap: |primal objective − dual objective|.
        gap_relative: gap / (1 + |primal objective| + |dual objective|).
        objective: cᵀx + c0 (of the minimization).
        dual_objective: the bound that y and z give (of the minimization).
        objective_error: first-order bound of the distance of the objective from the optimum: the
            larger of |yᵀ violations| and (gap)₊ + |xᵀ dual violations|, over the objective's size:
            |objective|, but at least 1 % of |c|ᵀ|x| (what cancels in it), and 0.001.
    """

    primal: float
    primal_max: float
    primal_relative: float
    dual: float
    dual_max: float
    dual_relative: float
    gap: float
    gap_relative: float
    objective: float
    dual_objective: float
    objective_error: float

    def meets(self, tol: float) -> bool:
        """Whether every relative number is at most ``tol``."""
        return self.worst <= tol

    @property
    def worst(self) -> float:
        """The largest of the relative numbers; infinite when one is not a number."""
        worst = max(
            self.primal_relative, self.dual_relative, self.gap_relative, self.objective_error
        )
        return worst if np.isfinite(worst) else float("inf")

    @property
    def imbalance(self) -> float:
        """Relative dual residual over the primal one, for the choice of a primal weight.

        Where every variable has both bounds any duals are feasible, and the gap says how far they
        are: a tenfold imbalance then counts as a hundredfold one, and none as out of hand.
        """
        primal = max(self.primal_relative, 1e-300)
        if self.dual_relative > 0 or self.gap_relative == 0:
            return self.dual_relative / primal or 1.0
        return min(max(self.gap_relative / primal, 1 / _MOST), _MOST) ** 2

    def to_dict(self) -> dict[str, float]:
        """The numbers by name."""
        return asdict(self)


class Limits:
    """The vectors of a minimization on a device, and what is known of them beforehand."""

    def __init__(
        self, program: LinearProgram, device: torch.device, across: Across = ALONE
    ) -> None:
        def move(values: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(values)).to(device)

        self.c = move(program.c)
        self.c0 = program.c0
        self.row_lower, self.row_upper = move(program.row_lower), move(program.row_upper)
        self.lower, self.upper = move(program.lower), move(program.upper)
        # Where a limit is infinite nothing supports a dual: zero there, and a mask beside it.
        self.finite_row_lower, self.no_row_lower = _finite(self.row_lower)
        self.finite_row_upper, self.no_row_upper = _finite(self.row_upper)
        self.finite_lower, self.no_lower = _finite(self.lower)
        self.finite_upper, self.no_upper = _finite(self.upper)
        size = torch.maximum(self.finite_row_lower.abs(), self.finite_row_upper.abs())
        self.row_norm = float(across.total((size @ size).reshape(1).cpu().numpy())[0]) ** 0.5
        self.cost_norm = float(torch.linalg.vector_norm(self.c))


def _finite(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    finite = values.isfinite()
    return torch.where(finite, values, 0.0), ~finite


def dual_feasible(limits: Limits, y: torch.Tensor) -> torch.Tensor:
    """y without the parts that no finite row limit supports."""
    y = torch.where(limits.no_row_lower, y.clamp(max=0), y)
    return torch.where(limits.no_row_upper, y.clamp(min=0), y)


def measure(
    limits: Limits,
    x: torch.Tensor,
    y: torch.Tensor,
    activity: torch.Tensor,
    adjoint: torch.Tensor,
    across: Across = ALONE,
) -> Certificate:
    """The certificate of (x, y), given ``activity`` = A x and ``adjoint`` = Aᵀ y.

    ``y``, ``activity`` and the limits may be those of this process's rows; ``across`` completes
    what is summed over rows, and the numbers are the same in all processes.
    """
    row_miss = activity - activity.clamp(limits.row_lower, limits.row_upper)
    bound_miss = x - x.clamp(limits.lower, limits.upper)
    z = limits.c - adjoint
    z_up, z_down = z.clamp(min=0), z.clamp(max=0)
    y_up, y_down = y.clamp(min=0), y.clamp(max=0)
    zero = torch.zeros((), dtype=x.dtype, device=x.device)
    z_miss = torch.where(limits.no_lower, z_up, zero) + torch.where(limits.no_upper, z_down, zero)
    y_miss = torch.where(limits.no_row_lower, y_up, zero) + torch.where(
        limits.no_row_upper, y_down, zero
    )
    # One transfer for everything: what is summed over rows, over columns, and the maxima.
    numbers = torch.stack(
        [
            row_miss @ row_miss,
            y_miss @ y_miss,
            y_up @ limits.finite_row_lower + y_down @ limits.finite_row_upper,
            y @ row_miss,
            activity @ y_miss,
            bound_miss @ bound_miss,
            z_miss @ z_miss,
            z_up @ limits.finite_lower + z_down @ limits.finite_upper,
            z @ bound_miss,
            x @ z_miss,
            limits.c @ x,
            limits.c.abs() @ x.abs(),
            *(_largest(values) for values in (row_miss, y_miss, bound_miss, z_miss)),
        ]
    ).tolist()
    of_rows = across.total(np.array(numbers[:5])).tolist()
    row_max, y_max = across.largest(np.array(numbers[12:14])).tolist()
    of_columns = numbers[5:10]
    bound_max, z_max = numbers[14:]
    primal, dual, dual_value, row_price, activity_price = (
        a + b for a, b in zip(of_rows, of_columns, strict=True)
    )
    primal, dual = primal**0.5, dual**0.5
    primal_value, terms = numbers[10:12]
    # To first order the optimum is at least the dual objective less x·(dual misses), and at most
    # the primal one plus y·(primal misses).
    primal_price, dual_price = abs(row_price), abs(activity_price)
    objective, bound = primal_value + limits.c0, dual_value + limits.c0
    gap = abs(objective - bound)
    return Certificate(
        primal=primal,
        primal_max=max(row_max, bound_max),
        primal_relative=primal / (1 + limits.row_norm),
        dual=dual,
        dual_max=max(y_max, z_max),
        dual_relative=dual / (1 + limits.cost_norm),
        gap=gap,
        gap_relative=gap / (1 + abs(objective) + abs(bound)),
        objective=objective,
        dual_objective=bound,
        objective_error=max(primal_price, max(objective - bound, 0.0) + dual_price)
        / max(abs(objective), _CANCELLED * terms, _NOTHING),
    )


def _largest(values: torch.Tensor) -> torch.Tensor:
    if values.numel() == 0:
        return torch.zeros((), dtype=values.dtype, device=values.device)
    return values.abs().amax()


def certify(program: LinearProgram, x: np.ndarray, y: np.ndarray) -> Certificate:
    """The certificate of (x, y) for a program, from its own matrix, on the CPU.

    For a maximization x is judged by the minimization of the negated costs and y is the
    derivative of the written objective, so that −y is that minimization's dual; the objectives
    reported are those of the minimization.

    Args:
        program: as written.
        x: ``(n,)``.
        y: ``(m,)``, in the sign convention of ``LPResult``.

    Example:
        >>> from dprox_core.lp import LinearProgram, certify
        >>> program = LinearProgram(c=[1.0], A=[[2.0]], row_lower=4.0)
        >>> certify(program, [2.0], [0.5]).worst
        0.0
    """
    minimum = program.minimized()
    x = np.asarray(x, float)
    y = np.asarray(y, float) * (1.0 if program.sense == "min" else -1.0)
    return measure(
        Limits(minimum, torch.device("cpu")),
        torch.from_numpy(x),
        torch.from_numpy(y),
        torch.from_numpy(minimum.A @ x),
        torch.from_numpy(minimum.A.T @ y),
    )
