"""The site: its navigation has every page, links lead somewhere, and what is generated from the code is up to date.

`make docs` builds it strictly and needs MkDocs; this needs nothing.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def site_module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_site_{name}", DOCS / "_site" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LINKS, REFERENCE = site_module("links"), site_module("reference")
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / source for source in LINKS.PAGES)])
FENCE = re.compile(r"^(```+).*?^\1", re.DOTALL | re.MULTILINE)


def without_code(page: Path) -> str:
    text = FENCE.sub("", page.read_text())
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^    .*$", "", text, flags=re.MULTILINE))


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def navigated(entries: list[dict[str, Any]]) -> Iterator[str]:
    for entry in entries:
        for value in entry.values():
            if isinstance(value, str):
                yield value
            else:
                yield from navigated(value)


def test_the_navigation_has_every_page_once_and_no_other() -> None:
    config = yaml.load((ROOT / "mkdocs.yml").read_text(), Loader=REFERENCE._Nav)
    listed = list(navigated(config["nav"]))
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} | set(LINKS.PAGES.values())
    assert sorted(listed) == sorted(pages)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_its_heading_exist(page: Path) -> None:
    for path, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", without_code(page)):
        if ":" in path:
            continue
        target = page.parent / path if path else page
        assert target.exists(), f"{page}: {path}"
        if anchor:
            assert anchor in anchors(target), f"{page}: {path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_list_begins_after_an_empty_line(page: Path) -> None:
    """Without one, the site shows a paragraph with hyphens in it."""
    lines = FENCE.sub("", page.read_text()).splitlines()
    starts = re.compile(r"(-|\d+\.) ")
    for before, line in pairwise(lines):
        if starts.match(line) and before and not starts.match(before) and not before.startswith(" "):
            pytest.fail(f"{page}: put an empty line before: {line}")


def test_what_is_generated_from_the_code_is_up_to_date() -> None:
    for path, text in REFERENCE.written().items():
        assert path.read_text() == text, f"{path}: run make reference"


@pytest.mark.parametrize("name", ["options", "marks", "fixtures", "hooks", "commands"])
def test_each_generated_part_has_a_place(name: str) -> None:
    assert sum(page.read_text().count(f"<!-- generated: {name} -->") for page in DOCS.rglob("*.md")) == 1


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("README.md", "[gates](docs/gates.md#auto)", "[gates](gates.md#auto)"),
        ("README.md", "[log](CHANGELOG.md)", "[log](changelog.md)"),
        ("README.md", "[it](https://example.org/a.md)", "[it](https://example.org/a.md)"),
        ("README.md", "[licence](LICENSE)", "licence"),
        ("README.md", "[gone](docs/gone.md)", "[gone](gone.md)"),
        ("README.md", "[gone](gone.md)", "[gone](gone.md)"),
        ("docs/agents/mcp.md", "[it](../../examples/mcp/README.md)", "[it](../examples/mcp.md)"),
        ("docs/agents/mcp.md", "[it](../sandbox.md)", "[it](../sandbox.md)"),
        ("docs/gates.md", "[here](#auto)", "[here](#auto)"),
        ("examples/mcp/README.md", "[it](../../docs/agents/mcp.md)", "[it](../agents/mcp.md)"),
    ],
)
def test_links_of_the_repository_become_links_of_the_site(source: str, text: str, expected: str) -> None:
    assert LINKS.relinked(text, source) == expected
