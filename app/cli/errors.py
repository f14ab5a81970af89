"""How a verb ends when it cannot do what was asked."""

from __future__ import annotations

__all__ = ["DONE", "FAILED", "WRONG", "CommandError", "near"]

DONE, FAILED, WRONG = 0, 1, 2


class CommandError(Exception):
    """Something a person has to know; it becomes a sentence and an exit code.

    Args:
        *sentences: what is wrong and what to do, one line each.
        code: ``WRONG`` where the document or the call is wrong, ``FAILED`` where the solve failed.
    """

    def __init__(self, *sentences: str, code: int = WRONG) -> None:
        super().__init__(*sentences)
        self.sentences = sentences
        self.code = code


def near(word: str, known: list[str]) -> str:
    """The question whether something near a word was meant, with a space before it, or nothing."""
    from rapidfuzz import fuzz, process, utils

    found = process.extract(
        word,
        known,
        scorer=fuzz.WRatio,
        processor=utils.default_process,
        limit=3,
        score_cutoff=70,
    )
    if not found:
        return ""
    return f" Did you mean {' or '.join(f'“{match}”' for match, _, _ in found)}?"
