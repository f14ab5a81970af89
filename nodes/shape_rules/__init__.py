"""One rule of shapes for each node type that has one, a file for each room of the catalogue."""

from collections.abc import Mapping

from nodes.shape_rules import matrices, measurements, operators, solving, sources, terms
from nodes.shape_rules.base import Rule

__all__ = ["RULES"]

RULES: Mapping[str, Rule] = {
    **sources.RULES,
    **operators.RULES,
    **matrices.RULES,
    **measurements.RULES,
    **terms.RULES,
    **solving.RULES,
}
"""Node type → its rule."""
