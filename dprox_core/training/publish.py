"""A checkpoint's averaged weights as the file that travels, with its source and licence inside.

python -m dprox_core.training.publish --network ffdnet_color --run RUN --out FILE.safetensors
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import logging
from pathlib import Path

import torch
from safetensors.torch import save_file

from dprox_core.training.denoiser import build
from dprox_core.training.start import Residual, fold

__all__ = ["main", "publish"]

log = logging.getLogger(__name__)

LICENCE = "MIT, as the package"
SOURCE = (
    "trained by dprox_core.training.denoiser on public-domain photographs of Debian's "
    "endless-sky-high-dpi 0.9.8 (see CARDS.md)"
)


def publish(network: str, run: Path, out: Path) -> str:
    """Write a run's averaged weights, folded into the public form of the network.

    Args:
        network: the name of the network that the run trained.
        run: the folder with ``checkpoint.pth`` and ``log.csv``.
        out: the file to write.

    Returns:
        The SHA-256 of the file.
    """
    state = torch.load(run / "checkpoint.pth", map_location="cpu", weights_only=True)
    net = build(network, None, None)
    net.load_state_dict(state["average"])
    final = fold(net) if isinstance(net, Residual) else net
    with (run / "log.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    header = {
        "format": "pt",
        "network": network,
        "licence": LICENCE,
        "source": SOURCE,
        "steps": str(int(state["step"])),
        "seconds": f"{float(state['seconds']):.0f}",
        "held_out_psnr_25": rows[-1]["psnr25"] if rows else "",
    }
    weights = {name: value.contiguous() for name, value in final.state_dict().items()}
    save_file(weights, out, metadata=header)
    out.chmod(0o644)
    return hashlib.sha256(out.read_bytes()).hexdigest()


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="dprox_core.training.publish", description=__doc__)
    parser.add_argument("--network", required=True)
    parser.add_argument("--run", type=Path, required=True, help="the folder of the training run")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    given = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    log.info("%s  %s", publish(given.network, given.run, given.out), given.out)


if __name__ == "__main__":
    main()
