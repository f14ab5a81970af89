"""``dprox-studio export FILE``: the script that a document means."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from app.cli.documents import load, script_of
from app.cli.errors import DONE, CommandError
from nodes.bundle import beside
from nodes.files import write_atomically

__all__ = ["main"]


def main(options: argparse.Namespace) -> int:
    """Print the script, or write it to a file.

    Its relative input paths start from where it is written to, or else from the working folder;
    what a bundle holds is written into a folder beside it.
    """
    document = load(options.file)
    if options.out is None:
        print(script_of(document, Path.cwd()).text, end="")
        return DONE
    target = Path(options.out)
    script_of(document, target.absolute().parent)  # says what is wrong before anything is written
    try:
        if target.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        script = script_of(beside(document, target), target.absolute().parent)
        write_atomically(target, script.text.encode())
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(f"“{target}” cannot be written: {reason}.") from error
    print(f"Wrote {target}", file=sys.stderr)
    return DONE
