"""What is wrong with a document: everything at once, in the user's words, with ways to mend it."""

from __future__ import annotations

import logging
from pathlib import Path

from nodes.checks.complex_values import check_complex_values
from nodes.checks.contents import check_contents
from nodes.checks.context import Context, Rule
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
    issues: list[Issue] = []
    for rule in RULES:
        try:
            issues.extend(rule(context))
        except Exception:
            _LOG.exception("The check %s failed", rule.__name__)
            issues.append(
                Issue(
                    "warning",
                    None,
                    "One of the checks could not be carried out on this graph; what it would "
                    "have found will show when the graph is run. Please report it.",
                    "internal",
                )
            )
    issues = [as_drawn(document, flat, issue) for issue in issues]
    if document.groups:
        issues += check_groups(document)
    return sorted(issues, key=lambda issue: SEVERITIES.index(issue.severity))
