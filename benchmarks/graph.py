"""How the window copes with large graphs.

    python -m benchmarks.graph [--nodes 1000]

Prints a table of medians: opening a graph against NodeGraphQt alone making the same nodes and
wires; fitting, panning and one edit on it; checks after an edit on 200 nodes; memory over many
creations and deletions. Milliseconds are the processor's, on this machine: ratios are what counts.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from nodes.document import Document, Wire

__all__ = ["main", "problem"]


def problem(count: int) -> Document:
    """A problem of about ``count`` nodes: many data terms and penalties on one unknown."""
    from nodes.commands import new_node
    from nodes.layout import arrange

    document = Document()
    wires: list[Wire] = []

    def add(kind: str) -> str:
        node = new_node(document, kind)
        document.insert_node(len(document), node)
        return node.id

    photo, kernel, x = add("load_image"), add("gaussian_psf"), add("variable")
    total, solver, view = add("problem"), add("admm"), add("view_image")
    wires += [
        Wire(photo, "image", x, "like"),
        Wire(total, "problem", solver, "problem"),
        Wire(solver, "solution", view, "image"),
    ]
    first = {kind: _ports(kind) for kind in ("variable", "conv", "grad", "sum_squares", "norm1")}
    while len(document) < count:
        blurred, fit, slope, small = add("conv"), add("sum_squares"), add("grad"), add("norm1")
        wires += [
            Wire(x, first["variable"][1], blurred, "x"),
            Wire(kernel, "kernel", blurred, "kernel"),
            Wire(blurred, first["conv"][1], fit, first["sum_squares"][0]),
            Wire(photo, "image", fit, "target"),
            Wire(fit, "term", total, "terms"),
            Wire(x, first["variable"][1], slope, first["grad"][0]),
            Wire(slope, first["grad"][1], small, first["norm1"][0]),
            Wire(small, "term", total, "terms"),
        ]
    for wire in wires:
        document.insert_wire(len(document.wires), wire)
    arrange(document)
    return document


def _ports(kind: str) -> tuple[str, str]:
    from nodes.catalogue import CATALOGUE

    spec = CATALOGUE[kind]
    return (spec.inputs[0].name if spec.inputs else "", spec.outputs[0].name)


def _spent(call: Callable[[], object]) -> float:
    """Processor milliseconds, which do not depend on what else the machine does."""
    start = time.process_time()
    call()
    return 1000 * (time.process_time() - start)


def _median(call: Callable[[], object], times: int = 5) -> float:
    return statistics.median(_spent(call) for _ in range(times))


def _alone(document: Document) -> float:
    """NodeGraphQt making as many nodes, ports and wires, processor milliseconds."""
    from NodeGraphQt import BaseNode, NodeGraph

    import app.canvas.nodegraphqt  # noqa: F401  (names the binding before NodeGraphQt asks)

    class Plain(BaseNode):
        __identifier__ = "bench"
        NODE_NAME = "plain"

    graph = NodeGraph()
    graph.register_node(Plain)
    graph.widget.resize(1000, 700)
    start = time.process_time()
    made = {}
    for node in document.nodes:
        item = graph.create_node(
            "bench.Plain", name=node.name, pos=node.position, selected=False, push_undo=False
        )
        assert node.spec is not None
        for port in node.spec.inputs:
            item.add_input(port.name, multi_input=port.multiple)
        for port in node.spec.outputs:
            item.add_output(port.name)
        made[node.id] = item
    for wire in document.wires:
        source, target = made[wire.source], made[wire.target]
        source.get_output(wire.output).connect_to(target.get_input(wire.input), push_undo=False)
    return 1000 * (time.process_time() - start)


def _resident() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CONFIG_HOME"] = name
        _measure(options.nodes, Path(name))
    return 0


def _measure(count: int, folder: Path) -> None:
    from PySide6.QtCore import QPointF
    from PySide6.QtWidgets import QApplication

    from app import theme
    from app.main_window import MainWindow
    from app.runner import Runner
    from app.window import make_application
    from nodes import files
    from nodes.checks import check
    from nodes.commands import AddNode, History, RemoveNodes, SetParameter, new_node

    make_application([])
    theme.apply("dark")
    Runner.start = lambda self: None  # type: ignore[method-assign]
    document = problem(count)
    alone = _alone(document)
    window = MainWindow()
    window.resize(1280, 800)
    window.show()
    window.arrange("build")
    QApplication.processEvents()
    path = folder / "large.dprox"
    files.save(document, path)
    whole = _spent(lambda: window.session.open(path))
    opened = _median(window.canvas.mirror.rebuild, 3)
    canvas, viewer = window.canvas, window.canvas.viewer

    def fit() -> None:
        canvas.fit()
        viewer.viewport().grab()

    def pan() -> None:
        viewer.pan_to(viewer.mapToScene(viewer.rect().center()) + QPointF(30, 10))
        viewer.viewport().grab()

    node = next(n for n in window.session.document.nodes if n.type == "norm1")
    values = iter(0.001 * i for i in range(1, 100))

    def edit() -> None:
        window.session.do(SetParameter(node.id, "weight", next(values)))
        window.session.derive()
        QApplication.processEvents()

    rows = [
        (f"opening {count} nodes: items on the canvas", opened, alone, "NodeGraphQt alone, ×1.5"),
        ("opening: file, items, checks, script, panes", whole, alone, "NodeGraphQt alone"),
        ("fit, with paint", _median(fit), None, ""),
        ("pan, with paint", _median(pan), None, ""),
        ("one edit, with checks, script and formula", _median(edit), None, ""),
    ]
    small = problem(200)
    steps, penalty = History(small), next(n for n in small.nodes if n.type == "norm1")

    def recheck() -> None:
        steps.do(SetParameter(penalty.id, "weight", next(values)))
        check(small)

    rows.append(("checks after an edit on 200 nodes", _median(recheck), None, "150 ms"))
    window.session.history.mark_clean()
    window.session.replace(Document())
    for _ in range(2):  # the first round fills caches
        before = _resident()
        for _ in range(1000):
            extra = new_node(window.session.document, "gaussian_psf")
            window.session.do(AddNode(extra))
            window.session.do(RemoveNodes((extra.id,)))
        window.session.derive()
        QApplication.processEvents()
        grown = _resident() - before
    print("| what | ms | against, ms | ratio | goal |")
    print("|---|---|---|---|---|")
    for what, spent, other, goal in rows:
        ratio = f"{spent / other:.2f}" if other else ""
        print(f"| {what} | {spent:.1f} | {f'{other:.1f}' if other else ''} | {ratio} | {goal} |")
    print(f"memory over 1000 creations and deletions, each undoable: {grown:+.1f} MB resident")
    window.session.history.mark_clean()
    window.close()


if __name__ == "__main__":
    sys.exit(main())
