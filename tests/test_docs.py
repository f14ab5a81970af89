"""The pages: those made from the code are the present ones, and no link leads nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.make_reference import library_page, nodes_page

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "benchmarks" / "README.md"])
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize(("name", "make"), [("nodes", nodes_page), ("library", library_page)])
def test_reference_pages_are_the_present_ones(name: str, make: object) -> None:
    assert callable(make)
    committed = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert committed == make(), "run python -m docs.make_reference and commit the page"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target
