"""Anderson acceleration of fixed-point iterations."""

from __future__ import annotations

import torch

__all__ = ["Anderson"]


class Anderson:
    """The next point from the last few points and their images.

    With residuals r_i = F(z_i) − z_i, the next point is Σ_i α_i F(z_i) where Σ_i α_i = 1 and
    ‖Σ_i α_i r_i‖² + regularization is least. H. F. Walker, P. Ni, Anderson Acceleration for
    Fixed-Point Iterations, 2011.

    Args:
        memory: how many points are kept.
        regularization: relative to the residuals' squared lengths.
    """

    def __init__(self, memory: int, regularization: float = 1e-10) -> None:
        self._memory = memory
        self._regularization = regularization
        self._images: list[torch.Tensor] = []
        self._residuals: list[torch.Tensor] = []

    def reset(self) -> None:
        """Forget all points."""
        self._images.clear()
        self._residuals.clear()

    def next(self, point: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """The next point, after one more point and its image."""
        self._images.append(image)
        self._residuals.append(image - point)
        if len(self._images) > self._memory + 1:
            self._images.pop(0)
            self._residuals.pop(0)
        count = len(self._images)
        if count == 1:
            return image
        last = self._residuals[-1]
        differences = torch.stack(self._residuals[:-1]).sub_(last)
        gram = (differences @ differences.T).double()
        right = -(differences @ last).double()
        del differences
        shift = self._regularization * gram.diagonal().max().clamp_min(1e-300)
        identity = torch.eye(count - 1, dtype=gram.dtype, device=gram.device)
        weights = torch.linalg.lstsq(gram + shift * identity, right[:, None]).solution[:, 0]
        result = image.clone()
        for weight, held in zip(weights.tolist(), self._images[:-1], strict=True):
            result.add_(held, alpha=weight).sub_(image, alpha=weight)
        return result
