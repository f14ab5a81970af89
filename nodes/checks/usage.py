"""Views that would overwrite one another, and nodes that nothing depends on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nodes.catalogue import CATALOGUE
from nodes.checks.context import Context
from nodes.commands import AddNode, Connect, Macro, RemoveNodes, SetParameter, new_node
from nodes.document import Node
from nodes.issues import Fix, Issue
from nodes.names import free_name
from nodes.spec import Form

__all__ = ["check_usage", "check_views"]

# What no file can be called on one of the systems we run on.
_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"/\\|?*]|^\.|[. ]$')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_LONGEST = 100


def check_views(context: Context) -> Iterator[Issue]:
    """Names of pictures: each view writes a file of its own."""
    views = [n for n in context.document.nodes if n.type == "view_image" and not n.is_placeholder]
    names = context.analysis.pictures
    users: dict[str, list[Node]] = {}
    for view in views:
        name = names[view.id]
        fits = not (_FORBIDDEN.search(name) or _RESERVED.fullmatch(name))
        if not fits or len(name.encode()) > _LONGEST or view.values.get("label") == "":
            shown = f'"{name}"' if view.values.get("label") else "an empty text"
            yield context.error(
                view.id,
                f"{view.name}: {shown} cannot be the name of a picture's file: use letters, "
                "digits, spaces and underscores, at most 100.",
                "bad-view-name",
                parameter="label",
                fixes=(Fix(f'Name it "{view.name}"', SetParameter(view.id, "label", None)),),
            )
        # Two names that differ only in capitals are one file on Windows and macOS.
        users.setdefault(name.casefold(), []).append(view)
    taken = set(users)
    for group in users.values():
        for view in group[1:]:
            free = free_name(names[view.id], _Folded(taken))
            taken.add(free.casefold())
            yield context.error(
                view.id,
                f'{view.name} writes the same picture "{names[view.id]}" as {group[0].name}: give '
                "one of them another name.",
                "duplicate-view",
                parameter="label",
                fixes=(Fix(f'Name it "{free}"', SetParameter(view.id, "label", free)),),
            )


def check_usage(context: Context) -> Iterator[Issue]:
    """Nodes without a part in the result, and results that nobody sees."""
    document, analysis = context.document, context.analysis
    if not len(document):
        yield Issue("hint", None, "The graph is empty: add an image from the palette.", "empty")
        return
    if not analysis.sinks:
        yield Issue(
            "hint",
            None,
            "Nothing is solved or shown yet: wire a problem into a solver, or an image into "
            "a view.",
            "nothing-to-run",
        )
        return
    for node in document.nodes:
        spec = analysis.specs.get(node.id)
        if spec is None:
            continue
        if node.id not in analysis.needed and node.id not in analysis.incomplete:
            yield Issue(
                "hint",
                node.id,
                f"{node.name} is not used: no solver and no view depends on it.",
                "unused",
                fixes=(Fix(f"Remove {node.name}", RemoveNodes((node.id,))),),
            )
        if spec.form is Form.SOLVE and not document.wires_out_of(node.id):
            yield Issue(
                "hint",
                node.id,
                f"{node.name} is not shown: wire it into a view, so that the picture is saved.",
                "not-shown",
                fixes=(Fix("Add a view", _show(context, node)),),
            )


class _Folded:
    """A set of names in which capitals do not count."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.casefold() in self.names


def _show(context: Context, solver: Node) -> Macro:
    right = (solver.position[0] + 270, solver.position[1])
    output = context.analysis.specs[solver.id].outputs[0]
    kind, port = next(
        (spec.type, port.name)
        for spec in CATALOGUE.values()
        if spec.form is Form.VIEW
        for port in spec.inputs
        if port.accepts(output.type)
    )
    view = new_node(context.document, kind, position=right)
    connect = Connect(solver.id, output.name, view.id, port)
    return Macro("Add a view", (AddNode(view), connect))
