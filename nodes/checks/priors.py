"""Whether the weights that a denoiser needs are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import resources
from nodes.catalogue.priors import NETWORKS
from nodes.checks.context import Context, NodeRule
from nodes.commands import SetParameter
from nodes.document import Node
from nodes.imagefiles import locate
from nodes.issues import Fix, Issue

__all__ = ["check_weights", "shipped_networks"]

# As dprox_core.priors reads them; a test holds both against each other.
KINDS = (".pth", ".pt", ".ckpt", ".safetensors", ".mat")


def shipped_networks() -> tuple[str, ...]:
    """The networks whose weights come with the studio."""
    folder = Path(resources.path("weights"))
    return tuple(name for name in NETWORKS if (folder / f"{name}.safetensors").exists())


@NodeRule
def check_weights(context: Context, node: Node) -> Iterator[Issue]:
    """Networks without weights, and files of weights that are not there."""
    spec = context.analysis.specs.get(node.id)
    if spec is not None and spec.parameter("weights") is not None:
        values = context.analysis.values[node.id]
        key = "network" if spec.parameter("network") is not None else "denoiser"
        name, file = values[key], values["weights"]
        if isinstance(file, str) and file.strip():
            yield from _check_file(context, node, file)
        elif file is None and name in NETWORKS and name not in shipped_networks():
            yield context.error(
                node.id,
                f"{node.name}: {name} comes without weights. Choose a file of weights (python -c "
                f"\"import dprox_core as dp; dp.weights.fetch('{name}')\" downloads the public "
                "ones), or take another network.",
                "no-weights",
                parameter=key,
                fixes=_others(node, key, str(name)),
            )


def _check_file(context: Context, node: Node, file: str) -> Iterator[Issue]:
    suffix = Path(file).suffix.lower()
    problem = ""
    if suffix not in KINDS:
        problem = f'"{file}" is no file of weights: those end in {", ".join(KINDS)}'
    else:
        try:
            there = locate(file, context.base).is_file()
        except (OSError, ValueError):
            there = False
        if not there:
            problem = f'there is no file of weights "{file}"'
    if problem:
        yield context.error(
            node.id,
            f"{node.name}: {problem}.",
            "no-weights",
            parameter="weights",
            fixes=(
                Fix("Take the weights that come along", SetParameter(node.id, "weights", None)),
            ),
        )


def _others(node: Node, key: str, name: str) -> tuple[Fix, ...]:
    colour = name.endswith("_color")
    alike = [other for other in shipped_networks() if other.endswith("_color") == colour]
    found = alike or list(shipped_networks())
    return tuple(Fix(f"Take {other}", SetParameter(node.id, key, other)) for other in found[:2])
