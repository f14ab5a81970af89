"""What a solve returns: a tensor, that still knows how it came about."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from dprox_core.result import Result

__all__ = ["Solution", "solution"]


class Solution(torch.Tensor):
    """The solution; whatever is computed from it, copied or saved of it is a plain tensor.

    Attributes:
        result: status, history and plan of the solve.
    """

    # Results of operations are plain tensors.
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    result: Result
    solver: Any

    def solve(self, x0: Any = None, **options: Any) -> Any:  # type: ignore[override]
        """The same problem once more, from another start."""
        return self.solver.solve(x0=x0, **options)

    def __deepcopy__(self, memo: dict[int, Any]) -> torch.Tensor:
        return copy.deepcopy(self.as_subclass(torch.Tensor), memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # Files of solutions are files of tensors, which torch.load takes without asking.
        return self.as_subclass(torch.Tensor).__reduce_ex__(protocol)

    def __repr__(self, *args: Any, **kwargs: Any) -> str:  # type: ignore[override]
        return repr(self.as_subclass(torch.Tensor))


def solution(tensor: torch.Tensor, result: Result, solver: Any) -> Solution:
    """A tensor with the result and the solver it comes from."""
    found = tensor.as_subclass(Solution)
    assert isinstance(found, Solution)
    found.result = result
    found.solver = solver
    return found
