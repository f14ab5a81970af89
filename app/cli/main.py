"""Which verb was asked for, and what becomes of its errors."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import nodes
from app.cli.errors import DONE, CommandError

__all__ = ["main"]

_FILE = "a .dprox or .dproxz file, or example:NAME for one that comes with the studio"
_DEVICES = ("auto", "cpu", "cuda")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ").rstrip(".")
        sentence = message[0].upper() + message[1:]
        raise CommandError(f"{sentence}. “{self.prog} --help” says what there is.")


def _device(text: str) -> str:
    name, colon, number = text.partition(":")
    if name not in _DEVICES or (colon and (name != "cuda" or not number.isdecimal())):
        raise argparse.ArgumentTypeError(f"“{text}” is no device: use auto, cpu or cuda")
    return text


def _count(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}” is not a whole number") from None
    if count < 1:
        raise argparse.ArgumentTypeError(f"at least one iteration is needed, not {count}")
    return count


def _parser() -> _Parser:
    parser = _Parser(
        prog="dprox-studio",
        usage="dprox-studio [FILE]\n       dprox-studio VERB …",
        description="Draw an optimization problem as a graph, watch its proximal solver run, take\n"
        "it away as a script. Without a verb, the window opens.",
        epilog="verbs:\n"
        + "".join(f"  {verb:<10}{help}\n" for verb, (help, _) in _VERBS.items())
        + "\nExit codes: 0 done, 1 the solve failed, 2 the document or the call is wrong,\n"
        "130 or 143 stopped by a signal.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and end")
    headless = parser.add_mutually_exclusive_group()
    headless.add_argument(
        "--headless",
        action="store_true",
        help="open no window: solve FILE (by default the plug-and-play example) as “run” does",
    )
    headless.add_argument(
        "--or-headless",
        action="store_true",
        help="do that only where the window cannot be opened",
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help=_FILE)
    return parser


def _add_run(parser: _Parser) -> None:
    parser.add_argument("file", metavar="FILE", help=_FILE)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NODE.PARAM=VALUE",
        dest="assignments",
        help="change a parameter for this run, such as photo.size=256; may be repeated",
    )
    parser.add_argument(
        "--out", metavar="DIR", help="the folder to write to; out/NAME here, unless given"
    )
    parser.add_argument(
        "--device",
        type=_device,
        default="auto",
        metavar="{auto,cpu,cuda}",
        help="where to compute; auto takes CUDA where there is one",
    )
    parser.add_argument(
        "--max-iter", type=_count, metavar="N", help="the most iterations of every solver"
    )


def _add_file(parser: _Parser) -> None:
    parser.add_argument("file", metavar="FILE", help=_FILE)


def _add_export(parser: _Parser) -> None:
    parser.add_argument("file", metavar="FILE", help=_FILE)
    parser.add_argument("-o", "--out", metavar="OUT", help="the file to write; printed otherwise")


def _add_nothing(parser: _Parser) -> None:
    pass


_VERBS = {
    "run": ("solve, and write images, history, report and script", _add_run),
    "check": ("list what is wrong with a document", _add_file),
    "export": ("print the script that a document means", _add_export),
    "explain": ("say in words which solver is compiled, and why", _add_file),
    "examples": ("list the documents that come with the studio", _add_nothing),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says.

    Returns:
        The exit code: 0 done, 1 the solve failed, 2 the document or the call is wrong.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that knows no ∇ shows a question mark, and nothing fails.
            stream.reconfigure(errors="replace")
    try:
        code = _dispatch(given)
        sys.stdout.flush()
    except CommandError as error:
        for sentence in error.sentences:
            print(f"dprox-studio: {sentence}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("\ndprox-studio: Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return code


def _dispatch(given: list[str]) -> int:
    verb = given[0] if given else ""
    if verb in _VERBS:
        help, add = _VERBS[verb]
        parser = _Parser(prog=f"dprox-studio {verb}", description=f"{help.capitalize()}.")
        add(parser)
        code: int = importlib.import_module(f"app.cli.{verb}").main(parser.parse_args(given[1:]))
        return code
    options = _parser().parse_args(given)
    if options.version:
        print(f"dprox-studio {nodes.__version__}")
        return DONE
    from app.cli import window

    return window.main(options, list(_VERBS))
