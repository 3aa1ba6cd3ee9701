"""A recording's file as a document: YAML that a person can review, read strictly, with a seal over what it says.

The seal is a digest of the parsed content, so that other line ends or a reformatting are no damage, and a cut, a merge, a duplicated or
an edited line is.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from ..errors import CassetteError

SEAL = "seal"


class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    def ignore_aliases(self, data: Any) -> bool:
        return True


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        """Quoted and block scalars are text: most of a cassette, and not worth a search for its type. Of plain ones many come again."""
        if kind is not yaml.ScalarNode:
            return super().resolve(kind, value, implicit)
        if not implicit[0]:
            return _TEXT
        tag = _TAGS.get(value)
        if tag is None:
            tag = super().resolve(kind, value, implicit)
            if len(_TAGS) < _MOST_TAGS:
                _TAGS[value] = tag
        return tag

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Each node once: an alias is the same node again, and a few lines of aliases can stand for gigabytes."""
        if node in self.constructed_objects or node in self.recursive_objects:
            raise ConstructorError(None, None, "an alias, which no recording has", node.start_mark)
        return super().construct_object(node, deep)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """A key that comes twice is refused; YAML would let the last one win."""
        seen = set()
        for key, _ in node.value:
            # A key that is null or a number would come after the seal's check, which sorts keys as texts.
            if not isinstance(key, yaml.ScalarNode) or key.tag != _TEXT:
                raise ConstructorError(None, None, "expected a text as key", key.start_mark)
            if key.value in seen:
                raise ConstructorError(None, None, f"the key {key.value!r} comes twice", key.start_mark)
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep))


_TEXT = "tag:yaml.org,2002:str"
_TAGS: dict[str, str] = {}
_MOST_TAGS = 4096


_NOT_LITERAL = re.compile("[\r\x85\u2028\u2029\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""YAML reads these back as other line ends, or not at all, in a block scalar."""


def _represent_str(dumper: Any, text: str) -> Any:
    style = None if "\n" not in text else '"' if _NOT_LITERAL.search(text) else "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


class Inline(list[Any]):
    """A list that is written on one line."""


def _represent_inline(dumper: Any, items: Inline) -> Any:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True)


Dumper.add_representer(str, _represent_str)
Dumper.add_representer(Inline, _represent_inline)


def text_of(document: dict[str, Any], *, sealed: bool) -> str:
    """The file's text. Deterministic: the same document gives the same bytes."""
    content = {**document, SEAL: seal_of(document)} if sealed else document
    return str(yaml.dump(content, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1000))


def parsed(text: str, place: str, again: str) -> dict[str, Any]:
    """The document of a file's text.

    Args:
        text: The whole file.
        place: Its path, for messages.
        again: The sentence that says how to come by a whole one.

    Raises:
        CassetteError: It is no YAML of plain values, or no mapping; the text names the line.
    """
    try:
        document = yaml.load(text, Loader=Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).replace("\n", " ")
        raise CassetteError(f"{place}{at}: damaged: {problem}. {again}") from None
    except (ValueError, RecursionError) as error:
        raise CassetteError(f"{place}: damaged: {error or 'it is nested too deeply'}. {again}") from None
    if not isinstance(document, dict):
        raise CassetteError(f"{place}:1: damaged: expected keys and values, found {_kind(document)}. {again}")
    return document


def seal_of(document: dict[str, Any]) -> str:
    """`sha256:` and 64 hex digits, over all of a document but its seal."""
    content = {key: value for key, value in document.items() if key != SEAL}
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, allow_nan=True, default=str)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def check_seal(document: dict[str, Any], text: str, place: str, again: str) -> None:
    """Raises CassetteError where the seal is missing or another's."""
    last = text.count("\n", 0, len(text.rstrip())) + 1
    if SEAL not in document:
        raise CassetteError(
            f"{place}:{last}: damaged: it ends without its seal, so something was cut off. {again}"
        )
    if document[SEAL] != seal_of(document):
        raise CassetteError(
            f"{place}:{line_of(text, (SEAL,))}: damaged: what it says is not what was sealed, so it was edited or merged. {again}; "
            "if the edit was on purpose, seal it: odcv seal " + place
        )


def line_of(text: str, path: tuple[Any, ...]) -> int:
    """The line, from 1, of what stands at a path of keys and indices, or of the nearest thing above it that is there."""
    node = yaml.compose(text, Loader=Loader)
    line = 1
    for part in path:
        found = None
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = node.value[part], node.value[part]
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__
