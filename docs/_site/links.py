"""The pages of the site that are not below docs/, and links between all pages as the site needs them.

Pages in the repository link to each other by the paths that they have there, so that they also work where the repository is browsed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "RELEASING.md": "releasing.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
    **{
        f"examples/{file.parent.name}/README.md": f"examples/{file.parent.name}.md"
        for file in ROOT.glob("examples/*/README.md")
    },
}
"""Path in the repository -> path in the site."""
LINK = re.compile(r"(?P<text>\[[^\]]*\])\((?P<path>[^)#\s]*)(?P<anchor>#[^)\s]*)?\)")


def relinked(text: str, source: str, pages: Mapping[str, str] = PAGES) -> str:
    """A page of the repository with its links as they are in the site. What is not in the site loses its link.

    Args:
        text: Markdown.
        source: The page's path in the repository.
        pages: Pages from outside of docs/: path in the repository -> path in the site.
    """
    here = pages.get(source, source.removeprefix("docs/"))

    def link(match: re.Match[str]) -> str:
        path = match["path"]
        if not path or ":" in path:
            return match[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if target in pages or target.startswith("docs/"):
            to = posixpath.relpath(
                pages.get(target, target.removeprefix("docs/")), posixpath.dirname(here) or "."
            )
            return f"{match['text']}({to}{match['anchor'] or ''})"
        # A link to nothing stays, for MkDocs to refuse.
        return match["text"][1:-1] if (ROOT / target).exists() else match[0]

    return LINK.sub(link, text)
