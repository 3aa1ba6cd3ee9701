"""What `mkdocs.yml` asks of MkDocs beyond its settings: pages from outside of docs/, and a site that loads nothing from other hosts."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))
from links import PAGES, ROOT, relinked

_LOADED = re.compile(
    r"<(?:script|img|iframe|source|link(?![^>]*\bcanonical))\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//",
    re.IGNORECASE,
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for source, uri in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, uri, content=relinked(text, source)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Keeps the text for readers that are no browser, and gives links out of docs/ their place in the site."""
    uri = page.file.src_uri
    text = markdown if uri in PAGES.values() else relinked(markdown, f"docs/{uri}")
    _texts[uri] = text
    return text


_texts: dict[str, str] = {}


def on_post_build(config: MkDocsConfig) -> None:
    site = Path(config.site_dir)
    for uri, text in _texts.items():
        (site / uri).parent.mkdir(parents=True, exist_ok=True)
        (site / uri).write_text(text, encoding="utf-8")
    for file in site.rglob("*.html"):
        found = _LOADED.search(file.read_text(encoding="utf-8"))
        if found:
            raise PluginError(f"{file}: loads something from another host: {found[0]}")
