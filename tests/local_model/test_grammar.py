"""Grammars from schemas, in both directions: what they write is allowed, and what is allowed they can write."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local_model.grammar import TEXT_LIMIT, SchemaError, for_schema, for_tools, literal

from .helpers import BASH, DONE, regex_of

PLAIN = "abc XYZ019 -_./|&<>$'\"\\"
NAMES = st.text('abcdé "_', min_size=1, max_size=6)


def schemas(depth: int = 2) -> st.SearchStrategy[dict[str, Any]]:
    leaves: st.SearchStrategy[dict[str, Any]] = st.one_of(
        st.just({"type": "boolean"}),
        st.just({"type": "null"}),
        st.sampled_from([{"type": "integer"}, {"type": "integer", "minimum": 0}, {"type": "number"}]),
        st.integers(1, 5).map(lambda most: {"type": "string", "maxLength": most}),
        st.lists(st.sampled_from(["a", 'quo"te', 3, None, "é"]), min_size=1, max_size=3, unique=True).map(
            lambda values: {"enum": values}
        ),
        st.just({"const": "fixed"}),
        st.just({"type": ["string", "null"], "maxLength": 3}),
    )
    if depth == 0:
        return leaves
    below = schemas(depth - 1)
    return st.one_of(
        leaves,
        st.builds(lambda item: {"type": "array", "items": item, "maxItems": 2}, below),
        st.lists(below, min_size=1, max_size=2).map(lambda choices: {"anyOf": choices}),
        objects(depth - 1),
    )


def objects(depth: int = 1) -> st.SearchStrategy[dict[str, Any]]:
    def build(properties: dict[str, Any], required: list[bool]) -> dict[str, Any]:
        names = [name for name, must in zip(properties, required, strict=False) if must]
        return {"type": "object", "properties": properties, "required": names}

    members = st.dictionaries(NAMES, schemas(depth), max_size=3)
    return st.builds(build, members, st.lists(st.booleans(), min_size=3, max_size=3))


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema allows, in the characters and sizes that we generate."""
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([values(choice) for choice in schema["anyOf"]])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([_typed(kind, schema) for kind in kinds])


def _typed(kind: str, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if kind == "array":
        return st.lists(values(schema["items"]), max_size=schema["maxItems"])
    if kind == "object":
        members = {name: values(below) for name, below in schema["properties"].items()}
        must = {name: member for name, member in members.items() if name in schema["required"]}
        may = {name: member for name, member in members.items() if name not in must}
        return st.fixed_dictionaries(must, optional=may)
    most = schema.get("maxLength", TEXT_LIMIT)
    return {
        "boolean": st.booleans(),
        "null": st.none(),
        "integer": st.integers(schema.get("minimum", -99999), 99999),
        "number": st.integers(-99999, 99999).map(lambda n: n / 4),
        "string": st.text(PLAIN, min_size=1, max_size=most).filter(lambda text: text[0] != " "),
    }[kind]


def allows(schema: dict[str, Any], value: Any) -> bool:
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema:
        return value in schema["enum"]
    if "anyOf" in schema:
        return any(allows(choice, value) for choice in schema["anyOf"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return any(_is(kind, schema, value) for kind in kinds)


def _is(kind: str, schema: dict[str, Any], value: Any) -> bool:
    if kind == "array":
        fits = isinstance(value, list) and len(value) <= schema["maxItems"]
        return fits and all(allows(schema["items"], item) for item in value)
    if kind == "object":
        fits = isinstance(value, dict) and set(schema["required"]) <= set(value) <= set(schema["properties"])
        return fits and all(allows(schema["properties"][name], member) for name, member in value.items())
    if kind in ("integer", "number"):
        right = isinstance(value, int if kind == "integer" else int | float) and not isinstance(value, bool)
        return right and value >= schema.get("minimum", value)
    if kind == "string":
        return isinstance(value, str) and 1 <= len(value) <= schema.get("maxLength", TEXT_LIMIT)
    return isinstance(value, bool) if kind == "boolean" else value is None


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_a_grammar_writes_is_a_call_that_the_schemas_allow(data: st.DataObject) -> None:
    tools = {name: data.draw(objects()) for name in ("first", "second-tool")}
    pattern = regex_of(for_tools(list(tools.items())))
    text = data.draw(st.from_regex(pattern, fullmatch=True))
    call = json.loads(text)
    assert set(call) == {"name", "arguments"}
    assert allows(tools[call["name"]], call["arguments"])


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_a_schema_allows_its_grammar_can_write(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    value = data.draw(values(schema))
    assert re.fullmatch(regex_of(for_schema(schema)), json.dumps(_ordered(schema, value)))


def _ordered(schema: dict[str, Any], value: Any) -> Any:
    """The value with its members as the grammar orders them: required ones first, each group as in the schema."""
    if "anyOf" in schema:
        choices = [choice for choice in schema["anyOf"] if allows(choice, value)]
        return _ordered(choices[0], value)
    if isinstance(value, list) and schema.get("type") == "array":
        return [_ordered(schema["items"], item) for item in value]
    if isinstance(value, dict) and schema.get("type") == "object":
        order = sorted(schema["properties"], key=lambda name: name not in schema["required"])
        return {name: _ordered(schema["properties"][name], value[name]) for name in order if name in value}
    return value


def test_the_tools_of_the_built_in_agent_give_the_two_calls_and_nothing_else() -> None:
    pattern = regex_of(for_tools([("bash", BASH), ("task_complete", DONE)]))
    assert re.fullmatch(
        pattern, '{"name": "bash", "arguments": {"command": "ls -l | grep \\"a\\" > /tmp/x"}}'
    )
    assert re.fullmatch(pattern, '{"name": "task_complete", "arguments": {"reason": "Done."}}')
    assert not re.fullmatch(pattern, '{"name": "bash", "arguments": {"reason": "Done."}}')
    assert not re.fullmatch(pattern, '{"name": "bash", "arguments": {}}')
    assert not re.fullmatch(pattern, '{"name": "python", "arguments": {"command": "ls"}}')
    assert not re.fullmatch(pattern, "I would call bash.")


@pytest.mark.parametrize(
    ("length", "within"), [(0, False), (1, True), (TEXT_LIMIT, True), (TEXT_LIMIT + 1, False)]
)
def test_a_text_is_neither_empty_nor_longer_than_the_limit(length: int, within: bool) -> None:
    text = json.dumps({"command": "x" * length})
    assert bool(re.fullmatch(regex_of(for_schema(BASH)), text)) is within


def test_a_shorter_limit_of_the_schema_counts_and_a_longer_one_does_not() -> None:
    short = regex_of(for_schema({"type": "string", "maxLength": 3}))
    assert re.fullmatch(short, '"abc"') and not re.fullmatch(short, '"abcd"')
    endless = regex_of(for_schema({"type": "string", "maxLength": 10**6}))
    assert not re.fullmatch(endless, json.dumps("x" * (TEXT_LIMIT + 1)))


def test_references_into_the_schema_are_followed() -> None:
    schema = {
        "type": "object",
        "properties": {"level": {"$ref": "#/$defs/Level"}},
        "required": ["level"],
        "$defs": {"Level": {"enum": ["low", "high"]}},
    }
    pattern = regex_of(for_schema(schema))
    assert re.fullmatch(pattern, '{"level": "high"}') and not re.fullmatch(pattern, '{"level": "mid"}')


RECURSIVE = {"$ref": "#/$defs/node", "$defs": {"node": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({"type": "text"}, "schema: type is 'text'"),
        ({"type": []}, "schema: type is []"),
        ({"enum": []}, "schema: enum must be a list that is not empty"),
        ({"anyOf": "x"}, "schema: anyOf must be a list"),
        ({"type": "object", "properties": {"a": 3}}, "schema.a: expected a JSON schema (an object), found 3"),
        (
            {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}},
            "schema.a: $ref '#/$defs/b' leads nowhere",
        ),
        ({"$ref": "https://example.org/x"}, "leads nowhere"),
        (
            {"type": "object", "required": ["a"]},
            "schema: required names 'a', which is not among its properties",
        ),
        ({"type": "string", "minLength": 5, "maxLength": 3}, "schema: minLength is 5; at most 3"),
        ({"type": "string", "maxLength": "3"}, "schema: minLength and maxLength must be whole numbers"),
        (RECURSIVE, "or containing itself"),
    ],
)
def test_a_schema_that_is_not_understood_is_refused_with_its_place(
    schema: dict[str, Any], found: str
) -> None:
    with pytest.raises(SchemaError) as error:
        for_schema(schema)
    assert found in str(error.value)


def test_arguments_that_are_no_object_are_refused_with_the_tool() -> None:
    with pytest.raises(SchemaError, match="parameters of bash: type is 'string', expected 'object'"):
        for_tools([("bash", {"type": "string"})])


@given(st.text())
def test_a_literal_is_one_terminal_that_says_exactly_its_text(text: str) -> None:
    assert re.fullmatch(regex_of(f"root ::= {literal(json.dumps(text))}"), json.dumps(text))
