"""What follows from a document's graph: order, types, what is complete, what is needed."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from nodes.cones import Cone, grow
from nodes.document import Document, Node, Wire
from nodes.groups import DYNAMIC
from nodes.names import free_name, is_automatic
from nodes.parameter import Json
from nodes.spec import Form, NodeSpec, PortType
from nodes.types import misfit, output_types

__all__ = ["Analysis"]

_Fact = TypeVar("_Fact")

_STRUCTURAL = {"specs", "order", "looped", "types", "variables", "sinks", "needed", "unknowns"}


class Analysis:
    """Facts about one state of a document, each worked out once, when first asked for.

    It never raises, whatever the document holds: cycles, unknown types, wires to nowhere.
    """

    def __init__(self, document: Document) -> None:
        self.document = document

    @classmethod
    def of(cls, document: Document) -> Analysis:
        """The facts about the present state of a document, shared by all who ask."""
        found: Analysis = document.derived("analysis", lambda: cls._after(document))
        return found

    @classmethod
    def _after(cls, document: Document) -> Analysis:
        """Facts that follow from nodes and wires alone outlive a change of a parameter."""
        new = cls(document)
        structure, before = document.kept.get("analysis", (None, None))
        if before is not None and structure == document.structure:
            for fact in _STRUCTURAL & before.__dict__.keys():
                new.__dict__[fact] = before.__dict__[fact]
        document.kept["analysis"] = (document.structure, new)
        return new

    @cached_property
    def specs(self) -> Mapping[str, NodeSpec]:
        """The declarations of the known nodes."""
        return {n.id: spec for n in self.document.nodes if (spec := n.spec) is not None}

    @cached_property
    def values(self) -> Mapping[str, Mapping[str, Json]]:
        """The parameters of every node, defaults filled in."""
        return _Values(self.document)

    @cached_property
    def base(self) -> Path | None:
        """The folder that relative paths start from."""
        return self.document.path.parent if self.document.path else None

    @cached_property
    def cones(self) -> Mapping[str, Cone]:
        """Every node that is on no loop and behind none, with all that it depends on."""
        document = self.document
        structure, base, before = document.kept.get("cones", (None, None, {}))
        before = before if base == self.base else {}
        alike = structure == document.structure and len(before) == len(self.order)
        found = grow(document, self.order, self.base, before, alike)
        document.kept["cones"] = (document.structure, self.base, found)
        return found

    def look_at_files(self) -> None:
        """Files may have changed since, also where the document has not."""
        self.__dict__.pop("cones", None)

    def kept(self, node_id: str, fact: Hashable, make: Callable[[], _Fact]) -> _Fact:
        """Something that follows from a node and what it depends on, and from nothing else."""
        cone = self.cones.get(node_id)
        if cone is None:
            return make()
        if fact not in cone.facts:
            cone.facts[fact] = make()
        found: _Fact = cone.facts[fact]
        return found

    @cached_property
    def order(self) -> list[str]:
        """Node ids, sources first, ties in the document's order; members of loops are left out."""
        return self.sorted(lambda _: 0)

    @cached_property
    def looped(self) -> set[str]:
        """The nodes on a loop or behind one."""
        return {node.id for node in self.document.nodes} - set(self.order)

    def sorted(self, priority: Callable[[str], int]) -> list[str]:
        """Node ids, sources first, then by priority, then in the document's order."""
        document = self.document
        rank = {node.id: index for index, node in enumerate(document.nodes)}
        waiting = {
            node.id: sum(wire.source in rank for wire in document.wires_into(node.id))
            for node in document.nodes
        }
        ready = [(priority(n), rank[n], n) for n, count in waiting.items() if count == 0]
        heapq.heapify(ready)
        order: list[str] = []
        while ready:
            node_id = heapq.heappop(ready)[2]
            order.append(node_id)
            for wire in document.wires_out_of(node_id):
                if wire.target in waiting:
                    waiting[wire.target] -= 1
                    if waiting[wire.target] == 0:
                        target = wire.target
                        heapq.heappush(ready, (priority(target), rank[target], target))
        return order

    @cached_property
    def types(self) -> Mapping[str, Mapping[str, PortType]]:
        """What every output of every node carries."""
        known: dict[str, dict[str, PortType]] = {}
        for node_id in self.order:
            output_types(self.document, known, node_id)
        for node in self.document.nodes:
            output_types(self.document, known, node.id)
        return known

    def carried(self, wire: Wire) -> PortType | None:
        """What a wire carries; None where that is not known."""
        return self.types.get(wire.source, {}).get(wire.output)

    def wire(self, node_id: str, port: str) -> Wire | None:
        """The last wire that ends at an input, or None."""
        wires = self.document.wires_into(node_id, port)
        return wires[-1] if wires else None

    def source(self, node_id: str, port: str) -> Node | None:
        """The node wired into an input, or None."""
        wire = self.wire(node_id, port)
        return self.document.get(wire.source) if wire else None

    @cached_property
    def unknowns(self) -> list[str]:
        """The variables, in the document's order."""
        return [n for n, spec in self.specs.items() if spec.form is Form.VARIABLE]

    @cached_property
    def variables(self) -> Mapping[str, frozenset[str]]:
        """For every node the variables in its expression, term, problem or solution.

        Data does not depend on a variable, even where it comes out of a solve.
        """
        found: dict[str, frozenset[str]] = {}
        for node_id in self.order:
            spec = self.specs.get(node_id)
            if spec is not None and spec.form is Form.VARIABLE:
                found[node_id] = frozenset({node_id})
                continue
            gathered: frozenset[str] = frozenset()
            for wire in self.document.wires_into(node_id):
                if self.carried(wire) in _SYMBOLIC:
                    gathered |= found.get(wire.source, frozenset())
            found[node_id] = gathered
        return found

    @cached_property
    def sinks(self) -> list[str]:
        """The nodes for whose sake the others are there: solvers and views."""
        forms = (Form.SOLVE, Form.VIEW)
        return [node_id for node_id, spec in self.specs.items() if spec.form in forms]

    @cached_property
    def pictures(self) -> Mapping[str, str]:
        """For every view the name of its picture's file, without the ending.

        Its label where it has one, else the name a person gave it, else that of what it shows.
        """
        views = [self.document.node(n) for n, s in self.specs.items() if s.form is Form.VIEW]
        chosen: dict[str, str] = {}
        for node in views:
            label, spec = node.values.get("label"), self.specs[node.id]
            if isinstance(label, str):
                chosen[node.id] = label or node.name
            elif not is_automatic(node.name, spec.stem) or self._shown(node) is None:
                chosen[node.id] = node.name
        taken = set(chosen.values())
        for node in views:
            if node.id not in chosen:
                chosen[node.id] = free_name(self._shown(node) or node.name, taken)
                taken.add(chosen[node.id])
        return {node.id: chosen[node.id] for node in views}

    def _shown(self, view: Node) -> str | None:
        """The name of what a view shows: a value's, and of a solution its variable's."""
        spec = self.specs[view.id]
        wire = self.wire(view.id, spec.inputs[0].name)
        source = self.document.get(wire.source) if wire else None
        if wire is None or source is None:
            return None
        begin = self.specs.get(source.id)
        if begin is not None and begin.form is Form.RECOVERED:
            variable = self.source(source.id, "variable")
            return variable.name if variable else source.name
        variables = self.variables.get(source.id, frozenset())
        if self.carried(wire) is PortType.SOLUTION and len(variables) == 1:
            return self.document.node(next(iter(variables))).name
        return source.name

    @cached_property
    def needed(self) -> set[str]:
        """The nodes that a solver or a view depends on, these included."""
        found: set[str] = set()
        for node_id in self.sinks:
            if node_id not in found:
                found |= self.document.upstream(node_id)
        return found

    @cached_property
    def incomplete(self) -> set[str]:
        """The nodes that cannot be written in a script, because of themselves or of a source."""
        broken = set(self.looped)
        for node_id, cone in self.cones.items():
            whole = cone.facts.get("whole")
            if whole is None:
                whole = self._whole(cone.node) and all(
                    source is not None and source.facts["whole"] for _, source in cone.inputs
                )
                cone.facts["whole"] = whole
            if not whole:
                broken.add(node_id)
        return broken

    def _whole(self, node: Node) -> bool:
        spec = self.specs.get(node.id)
        if spec is None:
            return False
        if not _valid(node):
            return False
        for port in spec.inputs:
            wires = self.document.wires_into(node.id, port.name)
            if not wires and not port.optional:
                return False
            if len(wires) > 1 and not port.multiple:
                return False
        for wire in self.document.wires_into(node.id):
            known = spec.input(wire.input)
            carried = self.carried(wire)
            begin = self.document.get(wire.source)
            if known is None or carried is None or begin is None:
                return False
            if misfit(self.document, begin, carried, node, known):
                return False
            unknowns = self.variables.get(wire.source, ())
            apart = known.type in (PortType.SOLUTION, PortType.OPTIMUM)
            if carried is PortType.SOLUTION and not apart and len(unknowns) != 1:
                return False
        return True


def _valid(node: Node) -> bool:
    """Whether every parameter can be written; nodes never change, so each is looked at once."""
    known: bool | None = node.__dict__.get("_valid")
    if known is None:
        spec, values = node.spec, node.values
        known = spec is None or not any(p.validate(values[p.name]) for p in spec.parameters)
        object.__setattr__(node, "_valid", known)
    return known


class _Values(Mapping[str, Mapping[str, Json]]):
    """Node id → its parameters; nodes never change, so each is filled in once."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def __getitem__(self, node_id: str) -> Mapping[str, Json]:
        node = self.document.node(node_id)
        if node.type in DYNAMIC:
            return node.values
        known: Mapping[str, Json] | None = node.__dict__.get("_values")
        if known is None:
            known = MappingProxyType(node.values)
            object.__setattr__(node, "_values", known)
        return known

    def __iter__(self) -> Iterator[str]:
        return (node.id for node in self.document.nodes)

    def __len__(self) -> int:
        return len(self.document)


# A solution that is wired on stands for its pixels, which depend on no variable.
_SYMBOLIC = {PortType.EXPRESSION, PortType.TERM, PortType.PROBLEM}
