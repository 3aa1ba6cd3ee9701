"""Writes the parts of the documentation that are generated from the code, between these two lines of a page:

    <!-- generated: NAME -->
    <!-- end of generated -->

`make reference` runs it, and `tests/docs/test_reference.py` fails where a page is not up to date. People who read docs/ without the
site see the same text, which is why it is written into the pages and not made when the site is built.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FunctionType
from typing import Any

import yaml

from pytest_odcv import cli
from pytest_odcv.config.options import OPTIONS
from pytest_odcv.plugin import fixtures, hookspecs, markers

DOCS = Path(__file__).parents[1]
_PART = re.compile(
    r"(?<=<!-- generated: )(?P<name>[a-z]+)( -->\n)(?P<text>.*?)(?=<!-- end of generated -->)", re.DOTALL
)


def options() -> str:
    rows = []
    for option in OPTIONS:
        flag = f"{option.flag}={option.metavar}" if option.metavar else option.flag
        rows.append((f"`{flag}`", f"`{option.key}`", option.help))
    return _table(("option", "key", ""), rows)


def marks() -> str:
    own, about = markers.ODCV.split(": ", 1)
    rows = [
        (own, about),
        *markers.VARIANTS.items(),
        *((name, f"odcv scenarios in {text}") for name, text in markers.DOMAINS.items()),
    ]
    return _table(("mark", ""), [(f"`{name}`", text) for name, text in rows])


def fixture() -> str:
    found = [
        (name, inspect.unwrap(_function(value)))
        for name, value in vars(fixtures).items()
        if name.startswith("odcv_")
    ]
    return _table(
        ("fixture", ""),
        [(f"`{name}`", " ".join(inspect.cleandoc(made.__doc__ or "").split())) for name, made in found],
    )


def _function(fixture: Any) -> Any:
    """The function behind a fixture: an object since pytest 8.4, and a function that wraps it before."""
    return fixture._get_wrapped_function() if hasattr(fixture, "_get_wrapped_function") else fixture


def hooks() -> str:
    specs = [value for value in vars(hookspecs).values() if isinstance(value, FunctionType)]
    return "\n".join(_hook(spec) for spec in specs)


def _hook(spec: FunctionType) -> str:
    marked: dict[str, Any] = getattr(spec, "pytest_spec", {})
    first = "The first answer that is not None counts.\n\n" if marked.get("firstresult") else ""
    signature = f"{spec.__name__}{str(inspect.signature(spec)).replace(chr(39), '')}"
    return f"### {spec.__name__}\n\n```python\ndef {signature}: ...\n```\n\n{first}{_prose(spec.__doc__ or '')}\n"


def _prose(doc: str) -> str:
    """A docstring as Markdown: sections such as `Args:` become a bold word and a list, or a sentence."""
    lines = []
    for paragraph in inspect.cleandoc(doc).split("\n\n"):
        head, _, rest = paragraph.partition("\n")
        if head in ("Args:", "Raises:"):
            items = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", rest, re.MULTILINE)
            lines += [
                f"**{head[:-1]}**\n\n"
                + "\n".join(f"- `{name}`: {' '.join(text.split())}" for name, text in items)
            ]
        elif head == "Returns:":
            lines += [f"**Returns** {' '.join(rest.split())}"]
        else:
            lines += [" ".join(paragraph.split())]
    return "\n\n".join(lines) + "\n"


def commands() -> str:
    return "\n".join(_command(name, about) for name, about in cli._COMMANDS.items())


def _command(name: str, about: str) -> str:
    parser = argparse.ArgumentParser(add_help=False)
    cli._module(name).add_arguments(parser)
    rows = [(f"`{_usage(action)}`", action.help or _choices(action)) for action in parser._actions]
    return (
        f"### odcv {name}\n\n{about[0].upper()}{about[1:].rstrip('?.')}.\n\n{_table(('argument', ''), rows)}"
    )


def _usage(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar or ())
    value = value or (action.dest.upper() if action.nargs != 0 else "")
    return " ".join(filter(None, [*action.option_strings[-1:], value]))


def _choices(action: argparse.Action) -> str:
    default = f" (default: {action.default})" if action.default else ""
    return " or ".join(map(str, action.choices or ())) + default


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ("---",) * len(head), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |\n" for line in lines
    ).replace("|  |", "| |")


PARTS: dict[str, Callable[[], str]] = {
    "options": options,
    "marks": marks,
    "fixtures": fixture,
    "hooks": hooks,
    "commands": commands,
}


def updated(text: str) -> str:
    """A page with its generated parts as the code gives them now."""
    return _PART.sub(lambda part: f"{part['name']}{part[2]}\n{PARTS[part['name']]()}\n", text)


def llms() -> str:
    """docs/llms.txt: every page of docs/ with its first sentence, in the order of the navigation, for readers that are programs."""
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    lines = ["# pytest-odcv", "", f"> {_opening(readme)}"]
    for section in yaml.load((DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8"), Loader=_Nav)["nav"]:
        ((title, entries),) = section.items()
        pages = [
            (name, path)
            for entry in entries
            for name, path in entry.items()
            if isinstance(path, str) and (DOCS / path).is_file()
        ]
        if pages:
            lines += ["", f"## {title}", ""]
        lines += [
            f"- [{name}]({path}): {_opening((DOCS / path).read_text(encoding='utf-8'))}"
            for name, path in pages
        ]
    return "\n".join(lines) + "\n"


def _opening(text: str) -> str:
    """The first sentence after a page's heading, without links."""
    paragraph = next(part for part in text.split("\n\n")[1:] if part[:1].isalpha() or part[:1] in "`[")
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
    return re.match(r".*?[.?!](?= |$)|.*", plain)[0].rstrip(":")  # type: ignore[index]


class _Nav(yaml.SafeLoader):
    """MkDocs lets its configuration name Python objects; none is needed for the navigation."""


_Nav.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: None)


def written() -> dict[Path, str]:
    """Every file with a generated part, as it should be."""
    pages = {page: updated(page.read_text(encoding="utf-8")) for page in sorted(DOCS.rglob("*.md"))}
    return {page: text for page, text in pages.items() if _PART.search(text)} | {DOCS / "llms.txt": llms()}


def main() -> None:
    for path, text in written().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}", file=sys.stderr)


if __name__ == "__main__":
    main()
