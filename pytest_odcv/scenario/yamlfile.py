"""A YAML file into a pydantic model, with errors that name file, line and field. Knows no particular model."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from ..errors import ScenarioError

M = TypeVar("M", bound=BaseModel)
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _NoDuplicates(_Base):  # type: ignore[misc]
    """YAML takes the last of two equal keys in silence; a scenario author wants to know."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = getattr(key_node, "value", None)
            if isinstance(key_node, yaml.ScalarNode) and key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key {key!r} stands here twice", problem_mark=key_node.start_mark
                )
            seen.add(key if isinstance(key, str) else id(key_node))
        return dict(super().construct_mapping(node, deep=deep))


def load(path: Path, model: type[M]) -> M:
    """Read `path` and check it. Raises ScenarioError naming the file, the line and the field."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ScenarioError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read: {error}") from None
    try:
        data = yaml.load(text, Loader=_NoDuplicates)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ScenarioError(f"{path}:{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(data, dict):
        raise ScenarioError(f"{path}:1: expected a mapping, found {type(data).__name__}")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ScenarioError(_explain(path, text, error)) from None


def _explain(path: Path, text: str, error: ValidationError) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    lines = []
    for problem in error.errors(include_url=False, include_context=False):
        where, line = _locate(root, problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = "unknown field"
        found = problem["input"]
        shown = f" (found {found!r})" if isinstance(found, (str, int, float)) and len(str(found)) < 80 else ""
        lines.append(f"{path}:{line}: {where or 'the file'}: {message}{shown}")
    return "\n".join(lines)


def _locate(root: yaml.Node | None, loc: Sequence[int | str]) -> tuple[str, int]:
    """The field of a validation error and its line: as deep as the file goes, past discriminator tags."""
    node, line, fields = root, 1, []
    for part in loc:
        child = _child(node, part)
        if child is None:
            if (
                node is not None
                and part not in ("function-after",)
                and isinstance(part, str)
                and _is_field(node, part)
            ):
                fields.append(part)
            continue
        key_line, node = child
        line = key_line
        fields.append(f"[{part}]" if isinstance(part, int) else str(part))
    return ".".join(fields).replace(".[", "["), line


def _is_field(node: yaml.Node, part: str) -> bool:
    """A name missing from a mapping is a field; a discriminator tag (the value of `kind`) is not."""
    if not isinstance(node, yaml.MappingNode):
        return False
    values = {value.value for _, value in node.value if isinstance(value, yaml.ScalarNode)}
    return part not in values


def _child(node: yaml.Node | None, part: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        value = node.value[part]
        return value.start_mark.line + 1, value
    return None
