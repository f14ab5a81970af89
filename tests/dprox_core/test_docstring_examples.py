"""Every example in the docstrings of public names gives what it says."""

from __future__ import annotations

import doctest
import inspect

import pytest

import dprox_core as dp
import dprox_core.compat as compat
import dprox_core.lp as lp


def examples() -> dict[str, doctest.DocTest]:
    parser, found = doctest.DocTestParser(), {}
    for module in (dp, lp, compat):
        for name in module.__all__:
            thing = getattr(module, name)
            text = inspect.getdoc(thing) if callable(thing) else None
            # Names that the compatibility package takes from elsewhere come once.
            if text and ">>>" in text and thing.__module__.startswith("dprox_core"):
                whole = f"{thing.__module__}.{name}"
                found[whole] = parser.get_doctest(text, {}, whole, None, 0)
    return found


EXAMPLES = examples()


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.filterwarnings("ignore:.*stands in")
def test_the_example_gives_what_it_says(name: str) -> None:
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=flags)
    outcome = runner.run(EXAMPLES[name], out=report.append)
    assert outcome.failed == 0, "".join(report)
