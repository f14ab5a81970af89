"""``dprox-studio examples``: the documents that come with the studio."""

from __future__ import annotations

import argparse
import textwrap

from app.cli.errors import DONE
from nodes import files

__all__ = ["main"]


def main(options: argparse.Namespace) -> int:
    """List name, title and one line of each."""
    for name in files.examples():
        document = files.load(f"example:{name}")
        line = " ".join(document.note.strip().split("\n\n")[0].split())
        print(f"example:{name}  {document.title}")
        if line:
            print(textwrap.indent(textwrap.fill(line, 92), "    "))
    return DONE
