"""A parsed file taken apart, with the place of every complaint."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from nodes.document import Document, Node, Wire
from nodes.errors import FileError
from nodes.frames import Frame
from nodes.groups import DYNAMIC, GROUP, Group, holds
from nodes.modes import MODES
from nodes.names import name_problem
from nodes.parameter import Json

__all__ = ["FRAME_KEYS", "GROUP_KEYS", "NODE_KEYS", "WIRE_KEYS", "Reader", "parse"]

DOCUMENT_KEYS = ("format", "schema", "title", "note", "groups", "nodes", "wires", "frames")
NODE_KEYS = ("id", "name", "type", "version", "parameters", "position", "note")
GROUP_KEYS = ("id", "title", "exposed")
FRAME_KEYS = ("id", "kind", "text", "rect", "colour")
WIRE_KEYS = ("source", "output", "target", "input")


def parse(text: str, shown: str) -> object:
    def unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise FileError(f"{shown} is damaged: an entry appears twice in one object.")
        return found

    def number(literal: str) -> float:
        value = float(literal)
        if not math.isfinite(value):
            raise FileError(f"{shown} is damaged: {literal} is not a finite number.")
        return value

    try:
        return json.loads(text, object_pairs_hook=unique, parse_float=number, parse_constant=number)
    except json.JSONDecodeError as error:
        if not text.strip():
            raise FileError(f"{shown} is empty.") from None
        raise FileError(
            f"{shown} is damaged or not a document of the studio: line {error.lineno}, column "
            f"{error.colno} is not valid JSON."
        ) from None
    except (ValueError, RecursionError):
        raise FileError(f"{shown} is damaged: it is not valid JSON.") from None


class Reader:
    """Takes a parsed document apart, with the place of every complaint."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def document(self, content: Mapping[str, Any]) -> Document:
        nodes = [self.node(item, n) for n, item in enumerate(self.items(content, "nodes"), 1)]
        wires = [self.wire(item, n) for n, item in enumerate(self.items(content, "wires"), 1)]
        self.no_twins([node.id for node in nodes], "Two nodes have the id {}")
        known = [n for n in nodes if n.type in DYNAMIC or not n.is_placeholder]
        for space in dict.fromkeys(node.namespace for node in known):
            names = [node.name for node in known if node.namespace == space]
            kind = "views" if space == "view" else "nodes" if space == "value" else "ports"
            self.no_twins(names, f"Two {kind} are named {{}}")
        self.no_twins([" → ".join(w.ends) for w in wires], "The wire {} appears twice")
        ids = {node.id for node in nodes}
        for number, wire in enumerate(wires, 1):
            for end in (wire.source, wire.target):
                self.need(end in ids, f'wire {number} leads to a node "{end}" that is not there')
        groups = [self.group(item, n) for n, item in enumerate(self.items(content, "groups"), 1)]
        document = Document(
            nodes,
            wires,
            title=self.text(content, "title", "", "the document"),
            note=self.text(content, "note", "", "the document"),
            extra=self.extra(content, DOCUMENT_KEYS),
            frames=[self.frame(i, n) for n, i in enumerate(self.items(content, "frames"), 1)],
            groups=groups,
        )
        self.check_groups(document)
        return document

    def check_groups(self, document: Document) -> None:
        """Groups are whole: nothing stands in one that is not there, or in itself."""
        self.no_twins([group.id for group in document.groups], "Two groups have the id {}")
        places = [(node.name, node.group) for node in document.nodes]
        places += [("a frame", frame.group) for frame in document.frames]
        for where, group in places:
            known = not group or document.group(group) is not None
            self.need(known, f'{where} stands in a group "{group}" that is not there')
        for wire in document.wires:
            source, target = document.node(wire.source), document.node(wire.target)
            self.need(
                source.group == target.group,
                f"the wire from {source.name} to {target.name} leads into a group",
            )
        for node in document.nodes:
            if node.type == GROUP and node.group and node.spec is not None:
                inner = str(node.parameters.get("of"))
                self.need(not holds(document, inner, node.group), f"{node.name} holds itself")

    def group(self, item: object, number: int) -> Group:
        where = f"group {number}"
        self.need(isinstance(item, dict), f"{where} is not an object")
        assert isinstance(item, dict)
        return Group(
            id=self.text(item, "id", None, where),
            title=self.text(item, "title", None, where),
            exposed=tuple(self.pair(pair, where) for pair in self.items(item, "exposed")),
            extra=self.extra(item, GROUP_KEYS),
        )

    def pair(self, item: object, where: str) -> tuple[str, str]:
        good = isinstance(item, list) and len(item) == 2 and all(isinstance(t, str) for t in item)
        self.need(good, f'{where}: "exposed" is not a list of nodes and their parameters')
        assert isinstance(item, list)
        return str(item[0]), str(item[1])

    def node(self, item: object, number: int) -> Node:
        where = f"node {number}"
        self.need(isinstance(item, dict), f"{where} is not an object")
        assert isinstance(item, dict)
        name = self.text(item, "name", None, where)
        problem = name_problem(name)
        self.need(problem is None, f"{where}: {problem}")
        version = item.get("version", 1)
        self.need(type(version) is int, f"{where} ({name}): version is not a whole number")
        parameters = item.get("parameters", {})
        self.need(isinstance(parameters, dict), f"{where} ({name}): parameters is not an object")
        position = item.get("position", [0, 0])
        self.need(
            isinstance(position, list)
            and len(position) == 2
            and all(type(c) in (int, float) for c in position),
            f"{where} ({name}): position is not two numbers",
        )
        return Node(
            id=self.text(item, "id", None, f"{where} ({name})"),
            name=name,
            type=self.text(item, "type", None, f"{where} ({name})"),
            version=version,
            parameters=parameters,
            position=(position[0], position[1]),
            note=self.text(item, "note", "", f"{where} ({name})"),
            mode=self.mode(item, f"{where} ({name})"),
            group=self.text(item, "group", "", f"{where} ({name})"),
            extra=self.extra(item, (*NODE_KEYS, "mode", "group")),
        )

    def mode(self, item: Mapping[str, Any], where: str) -> str:
        mode = self.text(item, "mode", "", where)
        self.need(mode in MODES, f'{where}: "{mode}" is not a mode')
        return mode

    def frame(self, item: object, number: int) -> Frame:
        where = f"frame {number}"
        self.need(isinstance(item, dict), f"{where} is not an object")
        assert isinstance(item, dict)
        rect = item.get("rect", [0, 0, 320, 200])
        self.need(isinstance(rect, list), f'{where}: "rect" is not a list')
        frame = Frame(
            id=self.text(item, "id", None, where),
            kind=self.text(item, "kind", "backdrop", where),
            text=self.text(item, "text", "", where),
            rect=tuple(rect),
            colour=self.text(item, "colour", "grey", where),
            group=self.text(item, "group", "", where),
        )
        self.need(frame.problem() is None, f"{where}: {frame.problem()}")
        return frame

    def wire(self, item: object, number: int) -> Wire:
        where = f"wire {number}"
        self.need(isinstance(item, dict), f"{where} is not an object")
        assert isinstance(item, dict)
        ends = [self.text(item, key, None, where) for key in WIRE_KEYS]
        source, output, target, input = ends
        return Wire(source, output, target, input, extra=self.extra(item, WIRE_KEYS))

    def items(self, content: Mapping[str, Any], key: str) -> list[object]:
        found = content.get(key, [])
        self.need(isinstance(found, list), f'"{key}" is not a list')
        return list(found)

    def text(self, item: Mapping[str, Any], key: str, default: str | None, where: str) -> str:
        found = item.get(key, default)
        self.need(isinstance(found, str), f'{where}: "{key}" is missing or not text')
        return str(found)

    def extra(self, item: Mapping[str, Any], known: tuple[str, ...]) -> str:
        rest = {key: value for key, value in item.items() if key not in known}
        return json.dumps(rest, sort_keys=True) if rest else ""

    def no_twins(self, values: list[str], sentence: str) -> None:
        seen: set[str] = set()
        for value in values:
            self.need(value not in seen, sentence.format(value))
            seen.add(value)

    def need(self, condition: bool, complaint: str) -> None:
        if not condition:
            raise FileError(f"{self.shown} is damaged: {complaint}.")
