"""``dprox-studio check FILE``: what is wrong with a document."""

from __future__ import annotations

import argparse

from app.cli.documents import load
from app.cli.errors import DONE, WRONG
from nodes.checks import check

__all__ = ["main"]


def main(options: argparse.Namespace) -> int:
    """List the issues of a document; they are what was asked for, so they go to the output."""
    document = load(options.file)
    issues = check(document)
    for issue in issues:
        print(f"{issue.severity}: {issue.sentence}")
    if not issues:
        print("No issues.")
    return WRONG if any(issue.severity == "error" for issue in issues) else DONE
