"""Finding a node type by what a person types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from nodes.late import late
from nodes.spec import NodeSpec

if TYPE_CHECKING:
    from rapidfuzz import fuzz, utils
else:
    fuzz, utils = late("rapidfuzz.fuzz"), late("rapidfuzz.utils")

__all__ = ["begins_words", "rank"]

_ENOUGH = 62.0


def rank(
    query: str, specs: Iterable[NodeSpec], used: Mapping[str, int] | None = None
) -> Sequence[NodeSpec]:
    """The node types that match a query, the best first; all of them for an empty query.

    Titles count more than names in scripts, those more than keywords, and a word's beginning
    more than its middle; small misspellings are forgiven. What is used often (type → count) comes
    before what matches about as well.
    """
    wanted = utils.default_process(query) if query else ""
    specs = list(specs)
    used = used or {}
    if not wanted:
        return sorted(specs, key=lambda spec: -used.get(spec.type, 0))
    scored = [
        (score + _habit(used.get(spec.type, 0)), -i, spec)
        for i, spec in enumerate(specs)
        if (score := _score(wanted, spec))
    ]
    return [spec for _, _, spec in sorted(scored, key=lambda row: row[:2], reverse=True)]


def begins_words(wanted: str, words: Sequence[str]) -> bool:
    """Whether letters are the beginnings of words in their order: "gausker" of Gaussian kernel."""
    letters = wanted.replace(" ", "")
    if not letters:
        return True
    for i, word in enumerate(words):
        most = 0
        while most < min(len(word), len(letters)) and word[most] == letters[most]:
            most += 1
        rest = words[i + 1 :]
        if any(begins_words(letters[n:], rest) for n in range(most, 0, -1)):
            return True
    return False


def _habit(count: int) -> float:
    """Habit decides between matches of one kind, never against a better kind."""
    return 6.0 * count / (count + 5.0)


def _score(wanted: str, spec: NodeSpec) -> float:
    best = 0.0
    texts = [(spec.title, 1.0), (spec.type, 0.97), (spec.function, 0.95)]
    texts += [(word, 0.9) for word in spec.keywords]
    for text, weight in texts:
        known = utils.default_process(text)
        if known.startswith(wanted) or any(w.startswith(wanted) for w in known.split()):
            score = 100.0 + 10.0 * len(wanted) / max(len(known), 1)
        elif begins_words(wanted, known.split()):
            score = 94.0
        elif wanted in known:
            score = 88.0
        elif len(wanted) < 3 or len(known) < max(3, len(wanted) - 2):
            score = 0.0  # a short word is found in any long query
        else:
            score = fuzz.WRatio(wanted, known)
        if score >= _ENOUGH:
            best = max(best, score * weight)
    return best
