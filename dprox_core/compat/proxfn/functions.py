"""Functions with counterparts in our language."""

from __future__ import annotations

from typing import Any

import torch

import dprox_core
from dprox_core.compat.arrays import as_tensor
from dprox_core.compat.linop.base import LinOp
from dprox_core.compat.linop.leaves import Constant
from dprox_core.compat.linop.nodes import as_node
from dprox_core.compat.linop.operators import mul_elementwise
from dprox_core.compat.proxfn.base import ProxFn
from dprox_core.compat.scope import Scope
from dprox_core.errors import ParameterError
from dprox_core.proxfns.base import Objective

__all__ = ["nonneg", "norm1", "norm2", "sum_squares", "weighted_sum_squares"]


class sum_squares(ProxFn):
    """‖A x − b‖², in the x-update as in the prox.

    Args:
        linop: the expression.
        b: data to subtract.
        eps: kept for old scripts; no use is made of it.
    """

    is_square = True

    def __init__(self, linop: Any, b: Any = None, eps: float = 1e-7, **scales: float) -> None:
        node = as_node(linop)
        super().__init__(node if b is None else node - as_node(b), **scales)
        self.eps = eps

    def _function(self, expression: Any) -> Objective:
        objective = dprox_core.sum_squares(expression)
        assert isinstance(objective, Objective)
        return objective


class weighted_sum_squares(sum_squares):
    """‖w ⊙ (A x) − b‖².

    Args:
        linop: the expression A x.
        weight: w, a tensor; or an operator on the same variable, such as ``mosaic(x)``, which is
            then applied to A x.
        b: data to subtract.
    """

    def __init__(self, linop: Any, weight: Any, b: Any = None, **scales: float) -> None:
        node = as_node(linop)
        if isinstance(weight, LinOp) and not isinstance(weight, Constant):
            if len(weight.input_nodes) != 1:
                raise ParameterError(
                    "weighted_sum_squares: the weight must be a tensor, or one operator on a "
                    "variable, such as mosaic(x).",
                    expected="a tensor or an operator",
                    got=type(weight).__name__,
                    where="weight",
                )
            weighted = weight.clone()
            weighted._modules["input_nodes"] = torch.nn.ModuleList([node])
        else:
            weighted = mul_elementwise(node, weight)
        super().__init__(weighted, b, **scales)


class norm1(ProxFn):
    """‖A x‖₁ = Σ |(A x)_i|, real or complex."""

    def _function(self, expression: Any) -> Objective:
        objective = dprox_core.norm1(expression)
        assert isinstance(objective, Objective)
        return objective


class norm2(sum_squares):
    """‖A x‖²: here norm2 is the squared norm, as its published prox v / (1 + 2 lam) says.

    The norm itself is ``dprox_core.norm2``.
    """

    def __init__(self, linop: Any, **scales: float) -> None:
        super().__init__(linop, None, **scales)


class nonneg(ProxFn):
    """The constraint A x ≥ 0."""

    def _function(self, expression: Any) -> Objective:
        objective = dprox_core.nonneg(expression)
        assert isinstance(objective, Objective)
        return objective


class ext_sum_squares(sum_squares):
    """A least-squares data term with a solver of its own: the base of csmri and sisr.

    Args:
        linop: the expression A x, the operator included.
        y: the data; None for zero.
    """

    def __init__(self, linop: Any, y: Any = None, **scales: float) -> None:
        super().__init__(linop, y, **scales)


class _FourierSamples(LinOp):
    """The unitary Fourier transform of an image where a mask is one."""

    def __init__(self, arg: Any, mask: Any) -> None:
        super().__init__([arg])
        self.mask = mask if isinstance(mask, LinOp) else as_node(mask)

    def _weights(self) -> torch.Tensor:
        return torch.as_tensor(self.mask.value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """m ⊙ F x."""
        return self._weights() * torch.fft.fft2(x, norm="ortho")

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Fᴴ (m ⊙ y)."""
        return torch.fft.ifft2(self._weights().conj() * y, norm="ortho")

    def _expression(self, scope: Scope) -> Any:
        from dprox_core.compat.errors import offered

        sample = offered("fourier_sampling", "write the operator with LinOpFactory")
        weights = self._weights()
        if weights.dtype == torch.bool:
            weights = weights.to(torch.float32)
        return sample(scope.expression(self.input_nodes[0]), scope.data(weights))  # type: ignore[arg-type]


class _Low(LinOp):
    """An image blurred and reduced, every sf-th pixel of k ∗ x."""

    def __init__(self, arg: Any, kernel: Any, sf: int) -> None:
        super().__init__([arg])
        self.kernel = as_node(
            as_tensor(kernel, "kernel") if not isinstance(kernel, LinOp) else kernel
        )
        self.sf = sf

    def _core(self, argument: Any, kernel: torch.Tensor) -> Any:
        from dprox_core.compat.arrays import kernel_tensor
        from dprox_core.compat.errors import offered

        reduce = offered("subsample", "write the operator with LinOpFactory")
        return reduce(dprox_core.conv(argument, kernel_tensor(kernel)), self.sf)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """S (k ∗ x)."""
        image: torch.Tensor = self._core(x, self.kernel.value.to(x.dtype))
        return image

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """k's correlation with y between zeros."""
        from dprox_core.expressions.binding import Binding

        x = dprox_core.Variable("x", self._domain(tuple(y.shape)), dtype=y.dtype)
        expression = self._core(x, self.kernel.value)
        back: torch.Tensor = Binding([expression]).affine(expression).operators[x].adjoint(y)
        return back

    def _domain(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*shape[:-2], shape[-2] * self.sf, shape[-1] * self.sf)

    def _expression(self, scope: Scope) -> Any:
        return self._core(
            scope.expression(self.input_nodes[0]),  # type: ignore[arg-type]
            scope.data(self.kernel.value),
        )


class csmri(ext_sum_squares):
    """Compressive magnetic resonance imaging, ‖m ⊙ F x − y‖², F the unitary Fourier transform.

    Args:
        linop: the image.
        mask: m, one where k-space was sampled; left out, it is one where y is not zero.
        y: the samples, zero where there are none.
    """

    def __init__(self, linop: Any, mask: Any, y: Any = None, **scales: float) -> None:
        if y is None:
            y, mask = mask, _Seen(as_node(mask))
        samples = _FourierSamples(linop, mask)
        super().__init__(samples, y, **scales)


class _Seen(LinOp):
    """One where data is not zero, looked at when it is asked for."""

    def __init__(self, data: LinOp) -> None:
        super().__init__()
        self.data = data

    @property
    def value(self) -> torch.Tensor:
        """The mask, common to all samples and channels where it is the same for all."""
        given = self.data.required() if isinstance(self.data, Constant) else self.data.value
        return (given != 0).to(given.real.dtype)


class sisr(ext_sum_squares):
    """Single image super-resolution, ‖(k ∗ x)↓sf − y‖².

    Args:
        linop: the large image.
        y: the small image.
        kernel: k.
        sf: the factor, from 1.
    """

    def __init__(self, linop: Any, y: Any, kernel: Any, sf: int, **scales: float) -> None:
        super().__init__(_Low(linop, kernel, sf), y, **scales)
