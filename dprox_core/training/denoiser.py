"""Train a denoising network; can be stopped at any time and resumed.

    python -m dprox_core.training.denoiser --network ffdnet_color --data DATA --out RUN --minutes 60

The learning rate follows the budget, minutes or steps, down to nothing, so that a run always ends
annealed. What ships is the running average of the weights.
"""

from __future__ import annotations

import argparse
import copy
import csv
import logging
import math
import time
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from dprox_core.priors.denoisers.base import channels_last
from dprox_core.training.start import Residual, fold, grey_start, start_small

__all__ = ["Settings", "Trainer", "load_photos", "main", "mean_psnr", "rate"]

log = logging.getLogger(__name__)

GREY = torch.tensor([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Settings:
    """How a run goes.

    Attributes:
        minutes: the time it may take, over all its resumed parts; the rate falls along with it.
        steps: the same as a number of steps; where given, it counts and the minutes do not.
        batch: patches a step.
        patch: the side of a patch in pixels.
        rate: the largest learning rate of Adam.
        sigma: the largest noise level in grey values of 255; levels are ``sigma·u**power`` with u
            uniform in 0…1.
        power: 1 for uniform levels, above 1 for more of the low ones.
        balance: the error at level s counts (s + 5)^−balance, so that low levels, whose errors are
            small, are not neglected.
        loss: ``"l1"`` or ``"mse"``.
        half: run the forward and backward pass in bfloat16 …
        exact: … up to this share of the budget, and the rest in float32.
        average: the decay of the running average of the weights.
        texture: patches are drawn in proportion to their mean gradient to this power; 0 draws all
            alike, 1 spends fewer steps on sky and walls, which are soon learnt.
        seed: for patches, noise and starting weights.
        every: seconds between checkpoints.
    """

    minutes: float = 60.0
    steps: int | None = None
    batch: int = 16
    patch: int = 64
    rate: float = 1e-3
    sigma: float = 50.0
    power: float = 1.5
    balance: float = 0.5
    loss: str = "l1"
    half: bool = True
    exact: float = 0.85
    average: float = 0.999
    texture: float = 0.0
    seed: int = 0
    every: float = 120.0


def rate(progress: float, highest: float) -> float:
    """The learning rate at a share 0…1 of the budget: a short climb, then half a cosine."""
    climb = 0.02
    if progress < climb:
        return highest * (0.1 + 0.9 * progress / climb)
    fall = (min(progress, 1.0) - climb) / (1.0 - climb)
    return highest * max(0.5 * (1.0 + math.cos(math.pi * fall)), 1e-3)


def detail(patches: np.ndarray, power: float) -> np.ndarray:
    """Chances of being drawn, in proportion to (mean |gradient| of the brightness)^power.

    Args:
        patches: uint8 (N, 3, P, P).
        power: 0 for equal chances.

    Returns:
        (N,), summing to 1.
    """
    strength = np.empty(len(patches))
    for start in range(0, len(patches), 512):
        grey = patches[start : start + 512].astype(np.float32).mean(1)
        across, down = np.abs(np.diff(grey, axis=2)), np.abs(np.diff(grey, axis=1))
        strength[start : start + 512] = across.mean((1, 2)) + down.mean((1, 2))
    # One grey value of difference counts as none, so that no patch is never drawn.
    weights = (strength + 1.0) ** power
    return weights / weights.sum()


class Trainer:
    """A network, its optimizer, its running average and where the run stands.

    Args:
        net: the network, called with (image, sigma).
        patches: uint8 (N, 3, P, P); a memory map will do.
        settings: how the run goes.
    """

    def __init__(self, net: nn.Module, patches: np.ndarray, settings: Settings) -> None:
        self.net = channels_last(net)
        self.patches = patches
        self.settings = settings
        self.grey = getattr(net, "channels", 3) == 1
        self.optimizer = torch.optim.Adam(net.parameters(), lr=settings.rate, betas=(0.9, 0.99))
        self.average = copy.deepcopy(net).requires_grad_(False).eval()
        self.chances = detail(patches, settings.texture) if settings.texture else None
        self.step_count = 0
        self.seconds = 0.0

    @property
    def progress(self) -> float:
        """The share of the budget that is used up, 0…1."""
        if self.settings.steps is not None:
            return min(self.step_count / self.settings.steps, 1.0)
        return min(self.seconds / (60.0 * self.settings.minutes), 1.0)

    def batch(self, generator: np.random.Generator) -> Tensor:
        """Random crops, each in one of its eight positions: float32 (B, C, P, P) in 0…1."""
        size, side = self.settings.patch, self.patches.shape[-1]
        count = self.settings.batch
        crops = []
        if self.chances is None:
            chosen = generator.integers(len(self.patches), size=count)
        else:
            chosen = generator.choice(len(self.patches), size=count, p=self.chances)
        for index in chosen:
            top, left = generator.integers(side - size + 1, size=2)
            crop = self.patches[index, :, top : top + size, left : left + size]
            turns, flip = int(generator.integers(4)), generator.integers(2)
            crop = np.rot90(crop, turns, axes=(1, 2))
            crops.append(crop[:, :, ::-1] if flip else crop)
        images = torch.from_numpy(np.stack(crops)).float().div_(255)
        if self.grey:
            images = (images * GREY.view(1, 3, 1, 1)).sum(1, keepdim=True)
        return images

    def step(self) -> float:
        """One update; gives the loss, times 255."""
        start = time.perf_counter()
        s = self.settings
        # Seeded by the step, so that a resumed run sees what an unbroken one would have seen.
        generator = np.random.default_rng((s.seed, self.step_count))
        torch.manual_seed(int(generator.integers(2**62)))
        clean = self.batch(generator)
        sigma = torch.rand(len(clean)) ** s.power * (s.sigma / 255)
        noisy = clean + sigma.view(-1, 1, 1, 1) * torch.randn_like(clean)
        noisy = noisy.to(memory_format=torch.channels_last)
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.progress, s.rate)
        half = s.half and self.progress < s.exact
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            estimate = self.net(noisy, sigma).float()
        error = estimate - clean
        weight = (sigma.view(-1, 1, 1, 1) * 255 + 5) ** -s.balance * (s.sigma / 2 + 5) ** s.balance
        loss = (weight * (error.abs() if s.loss == "l1" else error.square())).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.step_count += 1
        decay = min(s.average, (1 + self.step_count) / (10 + self.step_count))
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.average.parameters()), list(self.net.parameters()), 1 - decay
            )
            for mean, value in zip(self.average.buffers(), self.net.buffers(), strict=True):
                mean.copy_(value)
        self.seconds += time.perf_counter() - start
        return float(loss.detach()) * 255

    def save(self, path: Path) -> None:
        """Write all that a resumed run needs, replacing the file in one go."""
        state = {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step_count,
            "seconds": self.seconds,
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        """Go on from what ``save`` wrote."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step_count, self.seconds = int(state["step"]), float(state["seconds"])


def load_photos(folder: Path, grey: bool, side: int | None = None) -> list[Tensor]:
    """The photographs of a folder as (1, C, H, W) in 0…1; ``side`` cuts out the middle."""
    photos = []
    for path in sorted(folder.glob("*.png")):
        pixels = np.asarray(Image.open(path).convert("RGB"))
        photo = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
        if grey:
            photo = (photo * GREY.view(1, 3, 1, 1)).sum(1, keepdim=True)
        if side is not None:
            top, left = (photo.shape[-2] - side) // 2, (photo.shape[-1] - side) // 2
            photo = photo[..., top : top + side, left : left + side]
        photos.append(photo)
    return photos


@torch.inference_mode()
def mean_psnr(net: nn.Module, photos: list[Tensor], level: float) -> float:
    """Mean PSNR in dB over photographs with seeded noise of ``level``/255, unclipped."""
    values = []
    for index, photo in enumerate(photos):
        noise = torch.randn(photo.shape, generator=torch.Generator().manual_seed(index))
        noisy = photo + noise * (level / 255)
        estimate = net(noisy.to(memory_format=torch.channels_last), level / 255).clamp(0, 1)
        values.append(-10 * math.log10(float((estimate - photo).square().mean())))
    return sum(values) / len(values)


def run(trainer: Trainer, out: Path, photos: list[Tensor]) -> None:
    """Train to the end of the budget: checkpoints, a log line each, and the final weights."""
    table = out / "log.csv"
    fresh = not table.exists()
    with table.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if fresh:
            writer.writerow(("step", "seconds", "rate", "loss", "psnr15", "psnr25", "psnr50"))
        losses: list[float] = []
        last = time.monotonic()
        while trainer.progress < 1:
            losses.append(trainer.step())
            if not math.isfinite(losses[-1]):
                raise FloatingPointError("The loss is no longer a number: lower the rate.")
            if time.monotonic() - last > trainer.settings.every or trainer.progress >= 1:
                values = [mean_psnr(trainer.average, photos, level) for level in (15, 25, 50)]
                row = (
                    trainer.step_count,
                    f"{trainer.seconds:.0f}",
                    f"{rate(trainer.progress, trainer.settings.rate):.2e}",
                    f"{sum(losses) / len(losses):.4f}",
                    *(f"{value:.3f}" for value in values),
                )
                writer.writerow(row)
                stream.flush()
                log.info("%3.0f %% %s", 100 * trainer.progress, " ".join(map(str, row)))
                trainer.save(out / "checkpoint.pth")
                losses, last = [], time.monotonic()
    final = fold(trainer.average) if isinstance(trainer.average, Residual) else trainer.average
    weights = {name: value.contiguous() for name, value in final.state_dict().items()}
    save_file(weights, out / "weights.safetensors")
    log.info("Done: %s", out / "weights.safetensors")


def build(network: str, width: int | None, depth: int | None) -> nn.Module:
    """The network to be trained, by name, with other widths if asked for."""
    from dprox_core.priors.denoisers.drunet import DRUNet

    channels = 3 if network.endswith("_color") else 1
    family = network.removesuffix("_color")
    if family == "ffdnet":
        final = width or (96, 64)[channels == 1]
        return Residual(channels, final - 4 * channels, depth or (12, 15)[channels == 1])
    if family == "drunet_small":
        w = width or 32
        return DRUNet(channels, (w, w * 3 // 2, w * 2, w * 3), depth or 2)
    raise SystemExit(f"There is no training plan for {network}.")


def main(argv: list[str] | None = None) -> None:
    defaults = Settings()
    parser = argparse.ArgumentParser(prog="dprox_core.training.denoiser", description=__doc__)
    add = parser.add_argument
    add("--network", required=True, help="ffdnet, ffdnet_color, drunet_small, drunet_small_color")
    add("--data", type=Path, required=True, help="folder that prepare wrote")
    add("--out", type=Path, required=True, help="folder for checkpoint, log and weights")
    add("--resume", action="store_true", help="go on from the checkpoint in --out, if any")
    add("--warm", type=Path, help="start from this checkpoint, with a fresh budget")
    add("--width", type=int, help="feature channels")
    add("--depth", type=int, help="convolutions (FFDNet) or residual blocks a scale (DRUNet)")
    add("--minutes", type=float, default=defaults.minutes)
    add("--steps", type=int)
    add("--batch", type=int, default=defaults.batch)
    add("--patch", type=int, default=defaults.patch)
    add("--rate", type=float, default=defaults.rate)
    add("--loss", choices=("l1", "mse"), default=defaults.loss)
    add("--power", type=float, default=defaults.power)
    add("--balance", type=float, default=defaults.balance)
    add("--texture", type=float, default=defaults.texture, help="how much textured patches count")
    add("--exact", type=float, default=defaults.exact)
    add("--every", type=float, default=defaults.every)
    add("--threads", type=int, default=1)
    given = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(given.threads)
    names = [field.name for field in fields(Settings) if hasattr(given, field.name)]
    settings = Settings(**{name: getattr(given, name) for name in names})
    torch.manual_seed(settings.seed)
    net = build(given.network, given.width, given.depth)
    start_small(net)
    patches = np.load(given.data / "patches.npy")
    trainer = Trainer(net, patches, settings)
    given.out.mkdir(parents=True, exist_ok=True)
    checkpoint = given.out / "checkpoint.pth"
    if given.resume and checkpoint.exists():
        trainer.load(checkpoint)
        log.info("Resumed at step %d.", trainer.step_count)
    elif given.warm is not None:
        state = torch.load(given.warm, map_location="cpu", weights_only=True)["average"]
        if trainer.grey and "m_tail.weight" in state and len(state["m_tail.weight"]) == 3:
            state = grey_start(state)
        trainer.net.load_state_dict(state)
        trainer.average.load_state_dict(state)
    log.info("%s, %d weights.", given.network, sum(p.numel() for p in net.parameters()))
    run(trainer, given.out, load_photos(given.data / "held_out", trainer.grey, side=192))


if __name__ == "__main__":
    main()
