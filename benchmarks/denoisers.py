"""How fast denoisers are, and what a solver adds to them.

    python -m benchmarks.denoisers [--size 512] [--repeat 5] [--methods admm hqs]

Three tables, all as ratios within one run on one thread:

* our networks' forward over the same layers in plain PyTorch, channels-last, on an image of
  ``size`` × ``size`` × 3: at most 1 is the goal;
* bfloat16 and ``torch.compile`` over float32, where this machine has them;
* a whole plug-and-play solve over its bare denoiser calls, by every method, without and with
  x ≥ 0: at most 1.03 is the goal, and the command fails where it is missed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import dprox_core as dp
from dprox_core.priors.denoisers.base import Denoiser
from dprox_core.priors.denoisers.ffdnet import FFDNet
from dprox_core.priors.prior import load_prior
from dprox_core.proxfns.deep import DeepPrior

__all__ = ["Plain", "main", "ratio"]

GOAL = 1.03


class Plain(nn.Module):
    """The layers of one of our networks and nothing around them: what a person would write."""

    def __init__(self, net: Denoiser) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor, sigma: float) -> Tensor:
        net = self.net
        if isinstance(net, FFDNet):
            phases = F.pixel_unshuffle(image, 2)
            level = phases.new_full((phases.shape[0], 1, *phases.shape[-2:]), sigma)
            return F.pixel_shuffle(net.model(torch.cat([phases, level], 1)), 2)
        level = image.new_full((image.shape[0], 1, *image.shape[-2:]), sigma)
        head = net.m_head(torch.cat([image, level], 1))
        half = net.m_down1(head)
        quarter = net.m_down2(half)
        eighth = net.m_down3(quarter)
        x = net.m_up3(net.m_body(eighth) + eighth)
        return net.m_tail(net.m_up1(net.m_up2(x + quarter) + half) + head)


def _timed(call: Callable[[], object]) -> float:
    begun = time.process_time()
    call()
    return time.process_time() - begun


def ratio(mine: Callable[[], object], other: Callable[[], object], repeat: int) -> float:
    """The median ratio of two calls' processor time, taken in turn so that both see one machine."""
    mine(), other()
    return statistics.median(_timed(mine) / _timed(other) for _ in range(repeat))


def forward_ratios(name: str, size: int, repeat: int) -> dict[str, float]:
    """Ours over plain PyTorch, and lower precision and compilation over float32."""
    net = dp.denoiser(name)
    image = torch.rand(1, net.channels, size, size)
    image = image.to(memory_format=torch.channels_last)
    plain, prior = Plain(net), load_prior(name)
    rows = {
        "network / plain": ratio(lambda: net(image, 0.1), lambda: plain(image, 0.1), repeat),
        "prior / plain": ratio(lambda: prior(image, 0.1), lambda: plain(image, 0.1), repeat),
    }
    low = load_prior(name, precision="bfloat16")
    rows["bfloat16 / float32"] = ratio(lambda: low(image, 0.1), lambda: prior(image, 0.1), repeat)
    try:
        compiled: Any = torch.compile(net)
        compiled(image, 0.1)
        rows["compiled / eager"] = ratio(
            lambda: compiled(image, 0.1), lambda: net(image, 0.1), repeat
        )
    except Exception as error:
        print(f"torch.compile is not usable here: {str(error).splitlines()[0]:.80}")
    return rows


def overhead(name: str, size: int, method: str, steps: int, bounded: bool) -> float:
    """A solve, compilation and start included, over its bare denoiser calls."""
    photo = dp.load_image("sample:astronaut", size=size)
    kernel = dp.gaussian_psf(size=15, sigma=1.6)
    observed = dp.add_noise(dp.blur(photo, kernel), sigma=0.01)
    net = dp.denoiser(name)
    inside = 0.0

    def timed(image: Tensor, sigma: Any) -> Tensor:
        nonlocal inside
        begun = time.process_time()
        result: Tensor = net(image, sigma)
        inside += time.process_time() - begun
        return result

    x = dp.Variable("x", shape=photo.shape)
    terms = dp.sum_squares(dp.conv(x, kernel) - observed) + dp.deep_prior(x, timed)
    if bounded:
        terms = terms + dp.nonneg(x)
    begun = time.process_time()
    dp.Problem(terms).solve(method=method, steps=steps)
    return (time.process_time() - begun) / inside


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.denoisers", description=__doc__)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--denoisers", nargs="*", default=["ffdnet_color", "drunet_small_color"])
    parser.add_argument("--methods", nargs="*", default=sorted(DeepPrior.methods or ()))
    given = parser.parse_args(argv)
    torch.set_num_threads(1)
    print("| network | what | ratio |\n|---|---|---|")
    with torch.inference_mode():
        for name in given.denoisers:
            for what, value in forward_ratios(name, given.size, given.repeat).items():
                print(f"| {name} | {what} | {value:.3f} |", flush=True)
    print("\n| network | method | x ≥ 0 | solve / bare denoiser calls |\n|---|---|---|---|")
    worst = 0.0
    for name in given.denoisers:
        overhead(name, 64, "admm", 1, True)
        for method in given.methods:
            for bounded in (False, True):
                value = overhead(name, given.size, method, given.steps, bounded)
                worst = max(worst, value)
                shown = "yes" if bounded else "no"
                print(f"| {name} | {method} | {shown} | {value:.3f} |", flush=True)
    if worst > GOAL:
        raise SystemExit(f"A solve takes {worst:.3f} times its denoiser calls, above {GOAL}.")


if __name__ == "__main__":
    main()
