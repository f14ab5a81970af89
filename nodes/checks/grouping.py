"""Issues of a graph with groups, told in the words of the graph as it is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from nodes.commands import AddNode, Disconnect, Macro, RemoveNodes, SetParameter
from nodes.document import Document
from nodes.errors import NodesError
from nodes.flatten import Flat
from nodes.groups import ENTRY, EXIT, GROUP
from nodes.history import Command
from nodes.issues import Fix, Issue

__all__ = ["as_drawn", "check_groups"]


def check_groups(document: Document) -> Iterator[Issue]:
    """Ports that lead nowhere, and wires to ports that a group does not have."""
    for node in document.nodes:
        if node.type == GROUP and node.spec is not None:
            for wire in (*document.wires_into(node.id), *document.wires_out_of(node.id)):
                inward = wire.target == node.id
                known = node.spec.input(wire.input) if inward else node.spec.output(wire.output)
                if known is None:
                    yield Issue(
                        "error",
                        node.id,
                        f"A wire leads to a port that {node.name} does not have: take it out.",
                        "unknown-port",
                        fixes=(Fix("Take out the wire", Disconnect(*wire.ends)),),
                    )
        if node.type not in (ENTRY, EXIT) or node.spec is None:
            continue
        wired = document.wires_out_of if node.type == ENTRY else document.wires_into
        if not wired(node.id):
            group = document.group(node.group)
            yield Issue(
                "hint",
                node.id,
                f"The port {node.name} of the group {group.title if group else ''} leads to "
                "nothing inside it: wire it, or remove it.",
                "open-group-port",
                fixes=(Fix(f"Remove {node.name}", RemoveNodes((node.id,))),),
            )


def as_drawn(document: Document, flat: Flat, issue: Issue) -> Issue:
    """The issue with its place in words, and only those fixes that can be made in one place."""
    if not flat.home:
        return issue
    sentence = issue.sentence
    if issue.node is not None and len(flat.path(issue.node)) > 1:
        uses = [document.node(use).name for use in flat.path(issue.node)[:-1]]
        sentence = f"Inside {', '.join(uses)}: {sentence}"
    fixes = [replace(f, command=c) for f in issue.fixes if (c := _drawn(document, flat, f.command))]
    return replace(issue, sentence=sentence, fixes=tuple(fixes))


def _drawn(document: Document, flat: Flat, command: Command) -> Command | None:
    """A command on the flat graph as one on the graph as drawn; None where there is none."""
    places: set[Sequence[str]] = set()
    made = _renamed(_owned(document, flat, command), flat, places)
    if len(places) > 1:
        return None
    use = next((place[-1] for place in places if place), "")
    group = str(document.node(use).parameters.get("of", "")) if use else ""
    made = _into(made, group)
    try:
        made.edits(document)
    except (NodesError, KeyError, ValueError):
        return None
    return made


def _owned(document: Document, flat: Flat, command: Any) -> Any:
    """A value that a use of a group sets for itself is mended on the use."""
    if isinstance(command, Macro):
        mended = tuple(_owned(document, flat, inner) for inner in command.commands)
        return replace(command, commands=mended)
    if isinstance(command, SetParameter):
        path = flat.path(command.node)
        for depth, use in enumerate(path[:-1]):
            key = ".".join((*path[depth + 1 :], command.name))
            if key in document.node(use).parameters:
                return replace(command, node="/".join(path[: depth + 1]), name=key)
    return command


def _renamed(thing: Any, flat: Flat, places: set[Sequence[str]]) -> Any:
    if isinstance(thing, str) and thing in flat.home:
        places.add(flat.home[thing][:-1])
        return flat.home[thing][-1]
    if isinstance(thing, tuple | list):
        return tuple(_renamed(item, flat, places) for item in thing)
    if isinstance(thing, AddNode) or not hasattr(thing, "edits"):
        return thing
    mine = {f.name: getattr(thing, f.name) for f in fields(thing) if f.init}
    return replace(thing, **{name: _renamed(v, flat, places) for name, v in mine.items()})


def _into(command: Any, group: str) -> Any:
    """New nodes stand where the others of the command do."""
    if isinstance(command, Macro):
        return replace(command, commands=tuple(_into(c, group) for c in command.commands))
    if isinstance(command, AddNode):
        return replace(command, node=replace(command.node, group=group))
    return command
