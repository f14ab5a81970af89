"""What is wrong with a document: everything at once, in the user's words, with ways to mend it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from nodes.checks.complex_values import check_complex_values
from nodes.checks.contents import check_contents
from nodes.checks.context import Context, NodeRule, Rule
from nodes.checks.grouping import as_drawn, check_groups
from nodes.checks.priors import check_weights
from nodes.checks.problems import check_options, check_problems, check_solvers
from nodes.checks.shaping import check_shapes
from nodes.checks.unknowns import check_unknowns
from nodes.checks.usage import check_usage, check_views
from nodes.checks.values import check_placeholders, check_values
from nodes.checks.wiring import check_inputs, check_loops, check_wires
from nodes.document import Document
from nodes.flatten import flatten, meant
from nodes.issues import SEVERITIES, Fix, Issue

__all__ = ["RULES", "Fix", "Issue", "check"]

_LOG = logging.getLogger(__name__)

RULES: tuple[Rule, ...] = (
    check_placeholders,
    check_loops,
    check_wires,
    check_inputs,
    check_values,
    check_weights,
    check_shapes,
    check_contents,
    check_complex_values,
    check_problems,
    check_unknowns,
    check_solvers,
    check_options,
    check_views,
    check_usage,
)


def check(document: Document, base: Path | None = None) -> list[Issue]:
    """Every issue of a document, errors first; never raises, whatever the document holds.

    A node that neither a solver nor a view depends on cannot stop a run: what would be an error
    elsewhere is a warning there.

    Args:
        document: the graph.
        base: the folder that relative input paths start from; the document's own where None.

    Example:
        >>> from nodes.files import load
        >>> [issue.severity for issue in check(load("example:deconvolution"))]
        []
    """
    flat = flatten(document)
    context = Context(meant(document), base)
    found: list[list[Issue]] = [[] for _ in RULES]
    _look_at_nodes(context, found)
    for place, rule in enumerate(RULES):
        if not isinstance(rule, NodeRule):
            _carry_out(rule, partial(rule, context), found[place])
    issues = [
        as_drawn(document, flat, context.weighed(issue))
        for issues in found
        for issue in _once(issues)
    ]
    if document.groups:
        issues += check_groups(document)
    return sorted(issues, key=lambda issue: SEVERITIES.index(issue.severity))


def _look_at_nodes(context: Context, found: list[list[Issue]]) -> None:
    """What the rules for single nodes say; kept on what each node depends on."""
    mine = context.base == context.analysis.base
    cones = context.analysis.cones if mine else {}
    unknowns = tuple(context.analysis.unknowns)  # the order in which sentences name them
    rules = [(place, rule) for place, rule in enumerate(RULES) if isinstance(rule, NodeRule)]
    for node in context.document.nodes:
        cone = cones.get(node.id)
        known = cone.facts.get("issues") if cone is not None else None
        if known is not None and known[0] == unknowns:
            for place, issue in known[1]:
                found[place].append(issue)
            continue
        told: list[tuple[int, Issue]] = []
        whole = True
        for place, rule in rules:
            issues: list[Issue] = []
            whole &= _carry_out(rule, partial(rule.of, context, node), issues)
            told += [(place, issue) for issue in issues]
            found[place] += issues
            # Nodes that would be added stand where their neighbours do, which may move.
            whole &= rule is not check_unknowns or not issues
        if cone is not None and whole:
            cone.facts["issues"] = (unknowns, told)


def _once(issues: list[Issue]) -> Iterator[Issue]:
    """A rule that failed at several nodes says so once."""
    failed = False
    for issue in issues:
        if issue.code != "internal" or not failed:
            yield issue
        failed |= issue.code == "internal"


def _carry_out(rule: Rule, call: Callable[[], Iterable[Issue]], found: list[Issue]) -> bool:
    """Collect what a rule finds; whether it could be carried out."""
    try:
        found.extend(call())
    except Exception:
        _LOG.exception("The check %s failed", rule.__name__)
        found.append(
            Issue(
                "warning",
                None,
                "One of the checks could not be carried out on this graph; what it would "
                "have found will show when the graph is run. Please report it.",
                "internal",
            )
        )
        return False
    return True
