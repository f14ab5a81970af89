"""The side of a peer: made from a folder of arrays, it does what its input says, line by line.

    python -m benchmarks.peers.serve NAME FOLDER

``advance N`` is answered with the processor seconds that the iterations took, ``iterate`` by
writing the iterate into the folder. The first line says what was loaded, or why it was not. The
channels of a colour image are problems of their own, which suits every library's cache.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks.peers.base import Data, Peer, versions

__all__ = ["main"]


def main(name: str, folder: Path) -> int:
    """Serve one peer until its input ends."""
    out = sys.stdout
    # Libraries that greet and warn must not speak in the answers.
    with contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        held = np.load(folder / "data.npz")
        kernel, weight = held["kernel"], float(held["weight"])
        channels = [Data(kernel, channel, weight) for channel in held["observed"]]
        try:
            module = importlib.import_module(f"benchmarks.peers.{name}")
        except ImportError as error:
            print(f"missing {error}", file=out, flush=True)
            return 1
        peers: list[Peer] = [module.Peer(data) for data in channels]
        print(f"ready {peers[0].method}; {versions(peers[0].packages)}", file=out, flush=True)
        for line in sys.stdin:
            word, *numbers = line.split()
            if word == "iterate":
                np.save(folder / "iterate.npy", np.stack([peer.iterate() for peer in peers]))
                print("done", file=out, flush=True)
                continue
            if word == "restart":
                peers = [module.Peer(data) for data in channels]
                print("done", file=out, flush=True)
                continue
            begun = time.process_time()
            for peer in peers:
                peer.advance(int(numbers[0]))
            print(time.process_time() - begun, file=out, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
