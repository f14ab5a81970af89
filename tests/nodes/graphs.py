"""Graphs for the tests: built by hand, at random and whole, or at random and broken."""

from __future__ import annotations

import atexit
import random
import shutil
import tempfile
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from hypothesis import strategies as st

from nodes.catalogue import CATALOGUE
from nodes.checks import check
from nodes.commands import AddNode, Connect, History, RemoveNodes, new_node
from nodes.document import Document, Node, Wire
from nodes.names import name_problem
from nodes.spec import Form, NodeSpec, Parameter
from nodes.types import can_connect


class Graph:
    """Builds a document in few words: ``graph.add("conv", x=variable, kernel=kernel)``."""

    def __init__(self, title: str = "") -> None:
        self.document = Document(title=title)
        self.history = History(self.document)

    def add(self, type: str, name: str | None = None, **given: Any) -> Node:
        """Add a node; nodes among the arguments are wired, everything else is a parameter."""
        spec = CATALOGUE[type]
        ports = {key: value for key, value in given.items() if spec.input(key) is not None}
        parameters = {key: value for key, value in given.items() if key not in ports}
        node = new_node(self.document, type, name, **parameters)
        self.history.do(AddNode(node))
        for port, sources in ports.items():
            for source in sources if isinstance(sources, list | tuple) else [sources]:
                self.wire(source, node, port)
        return node

    def wire(self, source: Node, target: Node, port: str) -> None:
        """Wire a node's only output."""
        assert source.spec is not None
        output = source.spec.outputs[0].name
        self.history.do(Connect(source.id, output, target.id, port))


def tv_problem(method: str = "admm", **sizes: Any) -> tuple[Graph, dict[str, Node]]:
    """Deconvolution by total variation, small."""
    graph = Graph("Deconvolution by total variation")
    n: dict[str, Node] = {}
    n["photo"] = graph.add("load_image", "photo", source="sample:coffee", size=64)
    n["kernel"] = graph.add("gaussian_psf", "kernel", size=9, sigma=1.5)
    n["blurred"] = graph.add("blur", image=n["photo"], kernel=n["kernel"])
    n["observed"] = graph.add("add_noise", "observed", image=n["blurred"])
    n["x"] = graph.add("variable", "x", like=n["observed"])
    n["conv"] = graph.add("conv", x=n["x"], kernel=n["kernel"])
    n["fidelity"] = graph.add("sum_squares", "fidelity", input=n["conv"], target=n["observed"])
    n["grad"] = graph.add("grad", x=n["x"])
    n["smoothness"] = graph.add("norm1", "smoothness", input=n["grad"], weight=0.01)
    n["positivity"] = graph.add("nonneg", "positivity", input=n["x"])
    terms = [n["fidelity"], n["smoothness"], n["positivity"]]
    n["problem"] = graph.add("problem", "problem", terms=terms)
    n["result"] = graph.add(
        method, "result", problem=n["problem"], x0=n["observed"], truth=n["photo"]
    )
    n["view"] = graph.add("view_image", "x", image=n["result"])
    return graph, n


identifiers = st.one_of(
    st.sampled_from(["x", "u", "photo", "kernel", "conv", "grad2", "λ", "画像", "l", "fidelity"]),
    st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True),
).filter(lambda name: name_problem(name) is None)

json_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
)


_SMALL = {**dict.fromkeys(("top", "bottom", "left", "right"), 9), "angles": 9, "levels": 4}
_SMALL |= {"hours": 48, "nodes": 3}

# Some that fit the images of these graphs, and some that the checks must refuse.
_TEXTS = {
    "shape": ["-1", "3, -1", "1, -1, 24", "2, 3, 8, -1", "-1, 16, 6", "7, 11"],
    "order": ["0, 1, 3, 2", "1, 0", "2, 0, 1", "-1, 1, 2, 0", "0, 1, 2, 3, 4"],
    "index": ["0", "0, 0", "..., ::2, ::2", "..., 0:16, 4:", "0, 1:2", "..., -1", ":, 0", "90"],
    "numbers": [
        "1, 0, 0; 0, 1, 0; 0, 0, 1",
        "1",
        "-1",
        "0.5, 2",
        "2, 1; 1, 2",
        "1, 2; 3, 4",
        "; ".join([", ".join(["1/9"] * 3)] * 3),
        ", ".join(["1", "-1"] * 24),
    ],
    "pieces": ["2", "1", "3", "24, 8", "1, 2"],
}


@cache
def array_files(endings: tuple[str, ...]) -> tuple[str, ...]:
    """Files with numbers, for nodes that read some; none of weights."""
    folder = Path(tempfile.mkdtemp(prefix="arrays-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    rng = np.random.default_rng(0)
    arrays = {
        "signs": np.where(rng.random(48) < 0.5, -1, 1),
        "picture": rng.random((32, 48)),
        "signal": rng.standard_normal(64),
        "gram": (lambda a: a @ a.T)(rng.standard_normal((48, 5))),
        "flow": rng.standard_normal((32, 48, 2)),
    }
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    scipy.sparse.save_npz(folder / "sparse.npz", scipy.sparse.eye(40, 48, format="csr"))
    return tuple(sorted(str(f) for f in folder.iterdir() if f.suffix in endings))


def valid_value(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Values that the parameter takes."""
    strategy: st.SearchStrategy[Any]
    if parameter.kind == "choice":
        strategy = st.sampled_from(parameter.choices)
    elif parameter.files:
        strategy = st.sampled_from(array_files(parameter.files) or ("none.pth",))
    elif parameter.kind == "path":
        strategy = st.sampled_from(["sample:coffee", "sample:camera", "sample:astronaut"])
    elif parameter.grammar:
        strategy = st.sampled_from(_TEXTS[parameter.grammar])
    elif parameter.kind == "text":
        strategy = st.from_regex(r"[A-Za-z][\w é-]{0,30}[A-Za-z]", fullmatch=True)
    elif parameter.kind == "bool":
        strategy = st.booleans()
    else:
        low = parameter.minimum if parameter.minimum is not None else parameter.above
        low = -1000.0 if low is None else low
        high = min(parameter.maximum if parameter.maximum is not None else 1000.0, low + 1000.0)
        # Larger ones only make larger images.
        high = min(high, _SMALL.get(parameter.name, high))
        if parameter.kind == "int":
            strategy = st.integers(int(low), int(high))
        else:
            strategy = st.floats(low, high)
        if parameter.name == "size":
            strategy = st.integers(1, 41)
        if parameter.name == "length" or parameter.name == "radius":
            strategy = st.floats(1, 30)
    fine = strategy.filter(lambda value: parameter.validate(value) is None)
    return st.one_of(st.none(), fine) if parameter.optional else fine


@st.composite
def whole_documents(draw: st.DrawFn, most: int = 14) -> Document:
    """Documents without errors, of every node type, deep and wide; size settings small."""
    document = Document(title=draw(st.text(max_size=30)))
    history = History(document)

    def add(spec: NodeSpec) -> None:
        named = draw(st.booleans())
        name = draw(identifiers) if named else None
        if name is not None and document.by_name(name) is not None:
            name = None
        parameters = {}
        for parameter in spec.parameters:
            if draw(st.booleans()):
                parameters[parameter.name] = draw(valid_value(parameter))
        if spec.type == "load_image":
            parameters["size"] = draw(st.sampled_from([48, 64]))
        node = new_node(document, spec.type, name, **parameters)
        history.do(AddNode(node))
        for port in spec.inputs:
            fitting = [
                (other.id, output.name)
                for other in document.nodes
                if other.spec is not None
                for output in other.spec.outputs
                if can_connect(document, other.id, output.name, node.id, port.name) is None
                # Of what is computed only a run can tell whether it holds weights or classes.
                and (not port.holds or other.type in ("array", "load_array"))
            ]
            if not fitting:
                continue
            count = draw(st.integers(0 if port.optional else 1, 3 if port.multiple else 1))
            ends = draw(st.lists(st.sampled_from(fitting), min_size=count, max_size=count))
            for source, output in dict.fromkeys(ends):
                history.do(Connect(source, output, node.id, port.name))
        issues = check(document)
        harmless = ("no-effect", "unsolved")
        own = [i for i in issues if i.node == node.id and i.code not in harmless]
        if any(i.severity == "error" for i in issues) or any(i.severity == "warning" for i in own):
            history.do(RemoveNodes((node.id,)))

    for type in ("load_image", "gaussian_psf", "variable"):
        add(CATALOGUE[type])
    # Only a run can tell whether data are counts, and whether a file of a program is there.
    types = sorted(set(CATALOGUE) - {"poisson", "read_lp", "spi"})
    # Shuffled by a seed: drawn one by one, types come in clusters and most are never met.
    shuffled = random.Random(draw(st.integers(0, 2**20))).sample(types, len(types))
    for type in shuffled[: draw(st.integers(0, most))]:
        add(CATALOGUE[type])
    if draw(st.booleans()):
        for type in ("sum_squares", "norm1", "problem", "admm", "view_image"):
            add(CATALOGUE[type])
    return document


@st.composite
def broken_documents(draw: st.DrawFn) -> Document:
    """Documents that no command would make: loops, unknown types, wires to nowhere on a node."""
    known = sorted(CATALOGUE)
    nodes: list[Node] = []
    for index in range(draw(st.integers(0, 8))):
        type = draw(st.sampled_from([*known, "curvelet", "conv "]))
        spec = CATALOGUE.get(type)
        names = [p.name for p in spec.parameters] if spec else []
        keys = st.sampled_from([*names, "unknown"])
        parameters = draw(st.dictionaries(keys, st.one_of(json_values, st.lists(json_values))))
        nodes.append(
            Node(
                id=uuid.UUID(int=index + 1).hex,
                name=f"{draw(st.sampled_from(['conv', 'x', 'node']))}{index}",
                type=type,
                version=draw(st.sampled_from([1, 1, 1, 7])),
                parameters=parameters,
                position=(draw(st.integers(-99, 99)), draw(st.floats(-99, 99))),
                note=draw(st.text(max_size=5)),
            )
        )
    wires: list[Wire] = []
    if nodes:
        for _ in range(draw(st.integers(0, 12))):
            begin, end = draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
            outputs = [p.name for p in begin.spec.outputs] if begin.spec else []
            inputs = [p.name for p in end.spec.inputs] if end.spec else []
            wire = Wire(
                begin.id,
                draw(st.sampled_from([*outputs, *outputs, "nowhere"])),
                end.id,
                draw(st.sampled_from([*inputs, *inputs, "nowhere"])),
            )
            if wire not in wires:
                wires.append(wire)
    return Document(nodes, wires, title=draw(st.text(max_size=20)), note=draw(st.text(max_size=9)))


def solver_count(document: Document) -> int:
    """How many solvers a document holds."""
    return sum(1 for n in document.nodes if n.spec is not None and n.spec.form is Form.SOLVE)
