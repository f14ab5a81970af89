"""Training what a specialized solver holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn

from dprox_core.arguments import in_range, refuse_unless, whole_number
from dprox_core.errors import ParameterError
from dprox_core.layers.losses import mean_squared_error, negative_psnr
from dprox_core.layers.rl import Tuned

__all__ = ["train"]

Loss = Callable[[Any, Any], torch.Tensor]


def train(
    module: nn.Module,
    data: Iterable[tuple[Mapping[Any, torch.Tensor], torch.Tensor]],
    *,
    loss: Loss | None = None,
    epochs: int = 1,
    lr: float = 1e-3,
    parameters: Iterable[torch.Tensor] | None = None,
    on_step: Callable[[int, float], object] | None = None,
) -> list[float]:
    """Adjust a module's parameters so that its solutions come near the targets, by Adam.

    Args:
        module: what ``specialize`` made, or any module called with one input.
        data: pairs (values for the placeholders, target), gone through once an epoch; a list, or
            any iterable that can be started again.
        loss: of (solution, target); None takes the mean squared error, for a policy −PSNR in dB,
            where there are several variables of those that a target, then a mapping, names.
        epochs: how often the data is gone through, from 1.
        lr: Adam's step size, above 0.
        parameters: what to adjust; None takes the module's own. Tensors inside the problem that
            want a gradient, such as a kernel, can be given here.
        on_step: told the step's number, from 1, and its loss.

    Returns:
        The mean loss of every epoch.

    Raises:
        ParameterError: there is nothing to train, no data, or a number is out of range.
        ShapeError: a target does not have its variable's shape.

    Example:
        >>> import torch, dprox_core as dp
        >>> b = dp.Placeholder("b", shape=(4,))
        >>> x = dp.Variable("x", shape=(4,))
        >>> weight = torch.tensor(1.0, requires_grad=True)
        >>> problem = dp.Problem(dp.sum_squares(x - b) + weight * dp.sum_squares(x))
        >>> layer = dp.specialize(problem, max_iter=1)
        >>> pairs = [({b: torch.ones(4)}, torch.full((4,), 0.8))]
        >>> losses = dp.train(layer, pairs, epochs=40, lr=0.1, parameters=[weight])
        >>> losses[-1] < 0.01 * losses[0]
        True

    References:
        D. Kingma, J. Ba, Adam: A Method for Stochastic Optimization, 2015.
    """
    whole_number("epochs", epochs, "epochs")
    refuse_unless(in_range(lr, 0.0) and lr > 0, "train", "lr", "a number above 0", lr)
    wanted = list(module.parameters() if parameters is None else parameters)
    wanted = [p for p in wanted if p.requires_grad]
    if not wanted:
        raise ParameterError(
            "There is nothing to train: specialize with learn=..., make a denoiser trainable, or "
            "give parameters.",
            expected="a tensor that wants a gradient",
            got="none",
            where="parameters",
        )
    computed = sum(not p.is_leaf for p in wanted)
    if computed:
        raise ParameterError(
            f"{computed} of the parameters come out of a computation, which would undo what is "
            "adjusted: give the tensors that they are computed from.",
            expected="tensors made with requires_grad=True",
            got="results of a computation",
            where="parameters",
        )
    measure = mean_squared_error if loss is None else loss
    optimizer = torch.optim.Adam(wanted, lr=lr)
    means, step = [], 0
    for _ in range(epochs):
        total, count = 0.0, 0
        for inputs, target in map(_pair, data):
            if isinstance(module, Tuned):
                value = module.learn(inputs, target, loss or negative_psnr, optimizer)
            else:
                optimizer.zero_grad()
                value = measure(module(inputs), target)
                value.backward()
                optimizer.step()
            number = float(value.detach())
            total, count, step = total + number, count + 1, step + 1
            if on_step is not None:
                on_step(step, number)
        if count == 0:
            raise ParameterError(
                "There is no data: give at least one pair (inputs, target), in a list or another "
                "iterable that can be started again.",
                expected="pairs",
                got="none",
                where="data",
            )
        means.append(total / count)
    return means


def _pair(item: Any) -> tuple[Any, Any]:
    if isinstance(item, (tuple, list)) and len(item) == 2:
        return item[0], item[1]
    raise ParameterError(
        f"Training data are pairs (values for the placeholders, target), not "
        f"{type(item).__name__} {item!r:.60}.",
        expected="a pair",
        got=type(item).__name__,
        where="data",
    )
