"""Every node of the catalogue: created, exported, run in a small graph, explained."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from graphs import Graph

import dprox_core as dp
from nodes.catalogue import CATALOGUE
from nodes.checks import check
from nodes.document import Node
from nodes.formula import objective
from nodes.importer import import_script
from nodes.script import generate
from nodes.spec import Form, PortType


class Small:
    """Builds the smallest graph in which a node type has a part."""

    def __init__(self, folder: Path) -> None:
        self.graph = Graph()
        self.folder = folder
        self.made: dict[str, Node] = {}
        self.unknowns = {"x"}
        np.save(folder / "picture.npy", np.linspace(0, 1, 3 * 16 * 16).reshape(1, 3, 16, 16))
        scipy.sparse.save_npz(folder / "sparse.npz", scipy.sparse.eye(9, 16, format="csr"))
        (folder / "tiny.lp").write_text(
            "minimize\n x + 2 y\nsubject to\n c: x + y >= 1\nbounds\n x <= 3\nend\n"
        )

    def once(self, type: str, name: str, **given: Any) -> Node:
        """A node that several inputs may share."""
        if name not in self.made:
            self.made[name] = self.graph.add(type, name, **given)
        return self.made[name]

    def photo(self) -> Node:
        return self.once("load_image", "photo", source="sample:astronaut", size=16)

    def x(self) -> Node:
        return self.once("variable", "x", like=self.photo())

    def numbers(self, text: str) -> Node:
        return self.graph.add("array", values=text)

    def array(self, name: str, *shape: int) -> Node:
        values = np.random.default_rng(0).random(shape)
        np.save(self.folder / f"{name}.npy", values)
        return self.graph.add("load_array", name, source=str(self.folder / f"{name}.npy"))

    def coarse(self) -> Node:
        return self.once("subsample", "coarse", x=self.photo())

    def grey(self) -> Node:
        return self.graph.add("index", x=self.x(), where=":, 0:1")

    def scanned(self) -> dict[str, Any]:
        one = self.graph.add("index", x=self.photo(), where=":, 0:1")
        mask = self.once("fourier_mask", "measured", like=self.photo())
        coils = self.once("coil_maps", "coils", like=self.photo())
        data = self.graph.add("fourier_sampling", "scan", x=one, m=mask, coils=coils)
        return {"input": self.grey(), "mask": mask, "coils": coils, "y": data}

    def fitting(self, type: PortType) -> Node:
        """Something that flows into a port of a type."""
        makers: dict[PortType, Callable[[], Node]] = {
            PortType.IMAGE: self.photo,
            PortType.KERNEL: lambda: self.once("gaussian_psf", "kernel", size=3, sigma=1.0),
            PortType.MASK: lambda: self.once("random_mask", "mask", like=self.photo()),
            PortType.ARRAY: lambda: self.numbers("1"),
            PortType.MATRIX: lambda: self.once(
                "load_matrix", "sparse", source=str(self.folder / "sparse.npz")
            ),
            PortType.EXPRESSION: self.x,
            PortType.TERM: lambda: self.once(
                "sum_squares", "fidelity", input=self.x(), target=self.photo()
            ),
            PortType.PROBLEM: lambda: self.once(
                "problem", "problem", terms=self.fitting(PortType.TERM)
            ),
            PortType.SOLUTION: lambda: self.once(
                "admm", "result", problem=self.fitting(PortType.PROBLEM), max_iter=3
            ),
            PortType.PROGRAM: lambda: self.once("energy_system", "system", hours=24),
            PortType.OPTIMUM: lambda: self.once(
                "linear_solver", "optimum", problem=self.fitting(PortType.PROGRAM), tol=1e-3
            ),
        }
        return makers[type]()

    def special(self, type: str) -> dict[str, Any]:
        """Inputs and parameters without which a type has no meaning."""
        row = ", ".join(["1"] * 16)
        eye = "; ".join(", ".join("2" if i == j else "0" for j in range(16)) for i in range(16))
        recipes: dict[str, Callable[[], dict[str, Any]]] = {
            "load_array": lambda: {"source": str(self.folder / "picture.npy")},
            "load_matrix": lambda: {"source": str(self.folder / "sparse.npz")},
            "read_lp": lambda: {"path": str(self.folder / "tiny.lp")},
            "quad_form": lambda: {"P": self.numbers(eye)},
            "affine_set": lambda: {"A": self.numbers(row + ";"), "b": self.numbers("8")},
            "matrix": lambda: {"M": self.fitting(PortType.MATRIX)},
            "mul_color": lambda: {"response": self.numbers("1, 0, 0; 0, 1/2, 1/2")},
            "conv_grid": lambda: {"kernels": self.array("kernels", 2, 3, 5, 5)},
            "conv_lowrank": lambda: {
                "kernels": self.array("few", 2, 5, 5),
                "weights": self.array("shares", 2, 16, 16),
            },
            "warp": lambda: {"flow": self.array("flow", 16, 16, 2)},
            "homography": lambda: {"H": self.numbers("1, 0.1, 0; 0, 1, -2; 0, 0, 1")},
            "fourier_sampling": lambda: {
                "x": self.grey(),
                "coils": self.once("coil_maps", "coils", like=self.photo()),
            },
            "csmri": lambda: self.scanned(),
            "misr": lambda: {
                "ys": [self.coarse(), self.graph.add("scale", x=self.coarse())],
                "flows": [self.array("still", 16, 16, 2), self.array("moved", 16, 16, 2)],
            },
            "compress_sensing": lambda: {
                "y": self.array("seen", 1, 16, 16),
                "masks": self.array("codes", 3, 16, 16),
            },
            "phase_ret": lambda: {
                "input": self.graph.add("fft", x=self.x()),
                "y": self.array("magnitudes", 16, 16),
            },
            "spi": lambda: {"ones": self.numbers("1")},
            "sisr": lambda: {"y": self.coarse()},
            "energy_system": lambda: {"hours": 24},
            "broadcast_to": lambda: {"shape": "2, 3, 16, 16"},
            "gaussian_psf": lambda: {"size": 3},
        }
        return recipes[type]() if type in recipes else {}

    def build(self, type: str) -> Node:
        """The node, with everything it needs and everything that its value needs."""
        spec = CATALOGUE[type]
        given = self.special(type)
        for port in spec.inputs:
            if port.name not in given and not (port.optional and port.holds):
                given[port.name] = self.fitting(port.type)
        if spec.form is Form.SOLVE and spec.parameter("max_iter") is not None:
            given.setdefault("max_iter", 3)
        if type == "variable":
            self.unknowns.add("examined")
        node = self.graph.add(type, "examined" if spec.form is not Form.VIEW else None, **given)
        self.finish(node)
        return node

    def finish(self, node: Node) -> None:
        """Nodes up to a picture, a chart or a solve."""
        spec = node.spec
        assert spec is not None
        if not spec.outputs:
            return
        kind = spec.outputs[0].type
        if kind is PortType.EXPRESSION:
            node = self.graph.add("norm1", "term", input=node)
            kind = PortType.TERM
        if kind is PortType.MATRIX:
            node = self.graph.add("matrix", x=self.x(), M=node)
            self.finish(node)
        elif node.type == "coil_maps":
            self.finish(
                self.graph.add(
                    "fourier_sampling", x=self.grey(), m=self.fitting(PortType.MASK), coils=node
                )
            )
        elif kind is PortType.TERM:
            terms = [self.fitting(PortType.TERM), node]
            problem = self.graph.add("problem", "whole", terms=terms)
            self.finish(problem)
        elif kind is PortType.PROBLEM:
            self.finish(self.graph.add("admm", "solved", problem=node, max_iter=3))
        elif kind is PortType.PROGRAM:
            self.finish(self.graph.add("linear_solver", "optimal", problem=node, tol=1e-3))
        elif kind is PortType.OPTIMUM:
            self.graph.add("plot_convergence", result=node)
        elif kind is PortType.SOLUTION and "examined" in self.unknowns:
            variable = self.graph.document.by_name("examined")
            part = self.graph.add("recovered", solution=node, variable=variable)
            self.graph.add("view_image", image=part)
        else:
            self.graph.add("view_image", image=node)


@pytest.mark.parametrize("type", sorted(CATALOGUE))
def test_it_is_created_exported_run_and_explained(type: str, tmp_path: Path) -> None:
    small = Small(tmp_path)
    node = small.build(type)
    document = small.graph.document
    errors = [i.sentence for i in check(document) if i.severity == "error"]
    assert not errors

    script = generate(document)
    assert script.statement_of(node.id) is not None
    again = import_script(script.text)
    assert generate(again).text == script.text
    assert sorted(n.type for n in again.nodes) == sorted(n.type for n in document.nodes)

    values: dict[str, Any] = {}
    out = tmp_path / "out"
    with dp.session(device="cpu", out=out):
        exec(compile(script.text, "script", "exec"), values)
    results = [v for v in values.values() if isinstance(v, dp.Result | dp.LPResult)]
    assert results or list(out.iterdir())
    for result in results:
        if isinstance(result, dp.Result):
            assert all(torch.isfinite(v).all() for v in result.values.values())

    spec = node.spec
    assert spec is not None
    assert spec.help().html()
    assert spec.keywords
    shown = objective(document)
    if any(n.spec is not None and n.spec.form is Form.PROBLEM for n in document.nodes):
        assert "□" not in shown.text, shown.text
        assert not re.search(r"\{\w+\}", re.sub(r"_\{\w+\}|\\\w+\{\w+\}", "", shown.tex)), shown.tex
        if spec.category in ("penalties", "constraints"):
            assert any(owner == node.id for owner, _ in shown.parts)
