"""Training a solver on pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dprox_core.errors import ParameterError
from dprox_core.imaging.metrics import psnr

__all__ = ["train"]


def train(
    solver: Any = None,
    step_fn: Callable[[torch.Tensor], Any] | None = None,
    dataset: Iterable[torch.Tensor] | None = None,
    savedir: str | Path = "saved",
    epochs: int = 10,
    bs: int = 2,
    lr: float = 1e-4,
    weight_decay: float = 1e-3,
    resume: str | Path | None = None,
    valid: Iterable[torch.Tensor] | None = None,
    model: nn.Module | None = None,
    on_epoch_end: Callable[[], object] | None = None,
) -> nn.Module:
    """Train by AdamW on the mean squared error; the best weights are kept.

    Args:
        solver: what holds the parameters: a solver, an unrolled solver, any module.
        step_fn: truth (B, C, H, W) ↦ (truth, input, prediction).
        dataset: pictures (C, H, W), or batches (B, C, H, W).
        savedir: a folder for ``best.pth`` and ``last.pth``; made if it is not there.
        epochs: how often to go over the pictures.
        bs: how many pictures a step, where the dataset gives single ones.
        lr: learning rate.
        weight_decay: of AdamW.
        resume: a file to go on from.
        valid: pictures to judge by; None judges by the training ones.
        model: another word for ``solver``.
        on_epoch_end: called after each epoch.

    Returns:
        The module, with the weights of the last epoch.

    Raises:
        ParameterError: something is missing, or there is nothing to train.
    """
    module = solver if solver is not None else model
    if not isinstance(module, nn.Module) or step_fn is None or dataset is None:
        raise ParameterError(
            "train needs a module, step_fn (truth ↦ truth, input, prediction) and dataset, an "
            "iterable of pictures: sets of the hub by name are not downloaded.",
            expected="solver, step_fn and dataset",
            where="train",
        )
    parameters = [p for p in module.parameters() if p.requires_grad]
    if not parameters:
        raise ParameterError(
            "There is nothing to train: take deep_prior(..., trainable=True) or learned_params.",
            expected="parameters",
            got=0,
            where="solver",
        )
    folder = Path(savedir)
    folder.mkdir(parents=True, exist_ok=True)
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay)
    begun, best = 0, float("-inf")
    if resume is not None:
        held = torch.load(resume, weights_only=True)
        module.load_state_dict(held["solver"])
        optimizer.load_state_dict(held["optimizer"])
        begun, best = int(held["epoch"]), float(held["psnr"])
    for epoch in range(begun, epochs):
        for truth in _batches(dataset, bs):
            target, _, prediction = step_fn(truth)
            loss = nn.functional.mse_loss(prediction, target)
            if not loss.requires_grad:
                raise ParameterError(
                    "What step_fn gives third depends on nothing that can be trained: it returns "
                    "(target, input, output of the solver), and the prior in it is trainable.",
                    expected="(target, input, output)",
                    got="an output without gradients",
                    where="step_fn",
                )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        quality = _quality(step_fn, dataset if valid is None else valid, bs)
        held = {
            "solver": module.state_dict(),
            "optimizer": optimizer.state_dict(),
            "epoch": epoch + 1,
            "psnr": max(best, quality),
        }
        torch.save(held, folder / "last.pth")
        if quality > best:
            best = quality
            torch.save(held, folder / "best.pth")
        if on_epoch_end is not None:
            on_epoch_end()
    return module


def _batches(dataset: Iterable[torch.Tensor], size: int) -> Iterable[torch.Tensor]:
    waiting: list[torch.Tensor] = []
    for item in dataset:
        picture = torch.as_tensor(item)
        if picture.ndim > 3:
            yield picture
            continue
        waiting.append(picture)
        if len(waiting) == size:
            yield torch.stack(waiting)
            waiting = []
    if waiting:
        yield torch.stack(waiting)


@torch.no_grad()
def _quality(step_fn: Callable[..., Any], pictures: Iterable[torch.Tensor], size: int) -> float:
    values = []
    for truth in _batches(pictures, size):
        target, _, prediction = step_fn(truth)
        values.append(psnr(prediction, target))
    return sum(values) / max(1, len(values))
