"""A prior on a noisy patch of a sample photograph, for the inspector."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

import dprox_core as dp
from app.engine.protocol import PriorTried, TryPrior
from dprox_core.priors.trial import try_prior

__all__ = ["trial"]

log = logging.getLogger(__name__)

# Of the photograph: an eye, fur, and what lies out of focus behind them.
_PHOTO, _TOP, _LEFT, _SIDE = "sample:chelsea", 90, 160, 96


@lru_cache(maxsize=1)
def _patch() -> Tensor:
    photo = dp.load_image(_PHOTO)[0]
    return photo[:, _TOP : _TOP + _SIDE, _LEFT : _LEFT + _SIDE].contiguous()


def trial(command: TryPrior) -> PriorTried:
    """Carry out the command; whatever goes wrong is said in the answer."""
    options = dict(command.options)
    sigma = options.pop("sigma", None)
    weights = options.get("weights")
    if weights is not None and command.base is not None:
        options["weights"] = str(Path(command.base) / str(weights))
    try:
        found = try_prior(command.denoiser, _patch(), sigma, **options)
    except dp.DproxError as error:
        return PriorTried(command.run, sentence=str(error))
    except Exception as error:
        log.warning("A prior could not be tried.", exc_info=True)
        return PriorTried(command.run, sentence=f"The trial failed: {error}")
    return PriorTried(
        command.run,
        found.sigma,
        _plain(found.noisy),
        _plain(found.denoised),
        found.before,
        found.after,
        found.stretch,
    )


def _plain(image: Tensor) -> npt.NDArray[np.float32]:
    shown = image.detach().float().cpu().movedim(0, -1)
    return np.ascontiguousarray((shown[..., 0] if shown.shape[-1] == 1 else shown).numpy())
