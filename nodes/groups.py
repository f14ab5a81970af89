"""Groups: a part of the graph that is drawn once, shown as one node, and used any number of times.

The nodes of a definition stand in the document beside all others and say in ``Node.group`` which
definition they belong to, so every command works inside a group as it does outside. A node of type
``group`` uses a definition. Its ports are nodes too: each ``group_input`` and ``group_output`` that
stands in the definition is one, called like the node; wires know it by the node's id, so a port
that is renamed keeps its wires. A parameter of an inner node can be put on the uses: each then has
a value of its own, or follows the definition. What the graph means is found by ``nodes.flatten``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nodes.parameter import Json, Parameter
from nodes.spec import NodeSpec, Port, PortType

if TYPE_CHECKING:
    from nodes.document import Document
    from nodes.node import Node, Wire

__all__ = [
    "DYNAMIC",
    "ENTRY",
    "EXIT",
    "GROUP",
    "VALUE",
    "Group",
    "given",
    "holds",
    "key_of",
    "moved_key",
    "moved_wire",
    "spec_of",
]

#: A use of a group, a port into its definition, a port out of it.
GROUP, ENTRY, EXIT = "group", "group_input", "group_output"
#: The types whose declaration depends on the document.
DYNAMIC = frozenset({GROUP, ENTRY, EXIT})
#: The name of the only port of an entry and of an exit.
VALUE = "value"

_ANY = tuple(PortType)
_PORT_ABOUT = "One port of the group: its name is the port's name, its height gives the order."


@dataclass(frozen=True)
class Group:
    """The definition of a group, apart from its nodes. It never changes: a document replaces it.

    Attributes:
        id: uuid hex.
        title: the name on the screen.
        exposed: (inner node, its parameter) for each value that every use can set for itself.
        extra: canonical JSON of what this version does not understand.
    """

    id: str
    title: str
    exposed: tuple[tuple[str, str], ...] = ()
    extra: str = ""


def key_of(member: str, parameter: str) -> str:
    """What a parameter of an inner node is called among the parameters of a use."""
    return f"{member}.{parameter}"


def moved_key(key: str, now: Mapping[str, str]) -> str:
    """The key of a value where nodes have other ids."""
    return ".".join(now.get(part, part) for part in key.split("."))


def moved_wire(wire: Wire, now: Mapping[str, str]) -> Wire:
    """A wire where nodes, and the ports named after them, have other ids."""
    return replace(
        wire,
        source=now[wire.source],
        target=now[wire.target],
        output=now.get(wire.output, wire.output),
        input=now.get(wire.input, wire.input),
    )


def given(group: Group, values: Mapping[str, Json]) -> dict[str, dict[str, Json]]:
    """What a use with these parameters sets on the nodes inside: node → parameter → value."""
    found: dict[str, dict[str, Json]] = {}
    for member, parameter in group.exposed:
        key = key_of(member, parameter)
        if key in values:
            found.setdefault(member, {})[parameter] = values[key]
    return found


def holds(document: Document, outer: str, inner: str) -> bool:
    """Whether the definition of one group is, or uses at any depth, another."""
    pending, seen = [outer], set[str]()
    while pending:
        group = pending.pop()
        if group == inner:
            return True
        if group not in seen:
            seen.add(group)
            pending += [
                str(node.parameters.get("of"))
                for node in document.members(group)
                if node.type == GROUP
            ]
    return False


def spec_of(document: Document, node: Node) -> NodeSpec | None:
    """What a use of a group, or a port of one, declares in this document; None if unknown."""
    if node.type == ENTRY and document.group(node.group) is not None:
        wanted = _wanted(document, node)
        kind = wanted[0].type if wanted else PortType.EXPRESSION
        return NodeSpec(
            ENTRY, "Group input", "groups", "", "input", "mdi6.import",
            outputs=(Port(VALUE, node.name, kind),), about=_PORT_ABOUT,
        )  # fmt: skip
    if node.type == EXIT and document.group(node.group) is not None:
        port = Port(VALUE, node.name, PortType.EXPRESSION, also=_ANY)
        return NodeSpec(
            EXIT, "Group output", "groups", "", "output", "mdi6.export", inputs=(port,),
            about=_PORT_ABOUT,
        )  # fmt: skip
    group = document.group(str(node.parameters.get("of", "")))
    if node.type != GROUP or group is None:
        return None
    members = document.members(group.id)
    inside = len([m for m in members if m.type not in (ENTRY, EXIT)])
    words = f"{inside} node{'' if inside == 1 else 's'}"
    uses = len(document.uses(group.id))
    words += f" · used {uses} times" if uses > 1 else ""
    return NodeSpec(
        GROUP,
        group.title,
        "groups",
        "",
        "group",
        "mdi6.select-group",
        inputs=tuple(_entry(document, m) for m in _down(members, ENTRY)),
        outputs=tuple(_exit(document, m) for m in _down(members, EXIT)),
        parameters=tuple(_exposed(document, group)),
        summary=lambda _: words,
        about="A part of the graph as one node. A double click opens it; a change inside changes "
        "every use.",
    )


def _exposed(document: Document, group: Group) -> Iterable[Parameter]:
    """The parameters of a use: those put there, with the definition's values as defaults."""
    for member, name in group.exposed:
        node = document.get(member)
        spec = node.spec if node is not None and node.group == group.id else None
        parameter = spec.parameter(name) if spec is not None else None
        if node is not None and parameter is not None:
            title = f"{parameter.title} of {node.name}"
            default = node.value(name)
            yield replace(parameter, name=key_of(member, name), title=title, default=default)


def _down(members: Iterable[Node], type: str) -> list[Node]:
    """Ports from top to bottom, as they stand in the definition."""
    return sorted((m for m in members if m.type == type), key=lambda m: m.position[1])


def _wanted(document: Document, entry: Node) -> list[Port]:
    """The inputs inside the definition that a port feeds."""
    found = []
    for wire in document.wires_out_of(entry.id):
        target = document.get(wire.target)
        spec = target.spec if target is not None and target.type != EXIT else None
        port = spec.input(wire.input) if spec is not None else None
        if port is not None:
            found.append(port)
    return found


def _entry(document: Document, entry: Node) -> Port:
    wanted = _wanted(document, entry)
    if not wanted:
        return Port(entry.id, entry.name, PortType.EXPRESSION, optional=True, also=_ANY)
    first = wanted[0]
    shared = tuple(t for t in first.accepted if all(port.accepts(t) for port in wanted))
    attributes = {port.attribute for port in wanted}
    return Port(
        entry.id,
        entry.name,
        first.type,
        optional=all(port.optional for port in wanted),
        multiple=all(port.multiple for port in wanted),
        also=shared,
        attribute=first.attribute if len(attributes) == 1 else None,
        help=entry.note or first.help,
    )


def _exit(document: Document, exit: Node) -> Port:
    kind = PortType.EXPRESSION
    for wire in document.wires_into(exit.id):
        source = document.get(wire.source)
        port = source.spec.output(wire.output) if source is not None and source.spec else None
        kind = port.type if port is not None else kind
    return Port(exit.id, exit.name, kind, help=exit.note)
