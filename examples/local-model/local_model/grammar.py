"""GBNF grammars, in which llama.cpp generates: a call of one of the given tools, or a value of a JSON schema.

Texts are bounded in length and number, so that an answer ends. Understood: type (also a list of types), properties,
required, items, enum, const, anyOf, oneOf, $ref into the schema, minLength, maxLength, minItems, maxItems, and a
minimum of 0 or more. What only narrows a value further (pattern, format, other bounds) is not enforced. A schema that
contains itself is refused. Pure functions; no model here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

TEXT_LIMIT = 120
"""Characters of a generated string, unless its schema allows fewer. Each takes at most two tokens."""
ITEMS_LIMIT = 4
DEPTH_LIMIT = 8
JSON_TYPES = ("string", "integer", "number", "boolean", "null", "array", "object")

# Printable ASCII: one line that begins with something visible, because an empty argument helps nobody. A model this small
# has no use for the rest, and a text cannot be cut within a character.
_VISIBLE = r'([!#-\[\]-~] | "\\" ["\\])'
_CHARACTER = r'([ !#-\[\]-~] | "\\" ["\\])'
_DIGITS = '("0" | [1-9] [0-9]{0,8})'


class SchemaError(ValueError):
    """A JSON schema that no grammar can be made of. The text names the place in it."""


def literal(text: str) -> str:
    """A GBNF terminal that is exactly this text, which is ASCII: JSON's escapes are GBNF's then."""
    return json.dumps(text)


def for_tools(tools: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """One call, `{"name": ..., "arguments": {...}}`, of one of the tools, given as name and schema of the arguments.

    Raises SchemaError when a schema is not understood, ValueError when there is no tool.
    """
    if not tools:
        raise ValueError("a grammar for calls needs at least one tool")
    rules: dict[str, str] = {"root": ""}
    calls: list[str] = []
    for name, schema in tools:
        if schema.get("type", "object") != "object":
            raise SchemaError(f"parameters of {name}: type is {schema['type']!r}, expected 'object'")
        arguments = _Schema(schema, rules).value({"type": "object", **schema}, f"parameters of {name}", 0)
        before, after = call_text(name, "\n").split("\n")
        calls.append(_rule(rules, f"call-{len(calls)}", f"{literal(before)} {arguments} {literal(after)}"))
    return _text(rules, " | ".join(calls))


def for_schema(schema: Mapping[str, Any]) -> str:
    """A JSON value. Raises SchemaError when the schema is not understood."""
    rules: dict[str, str] = {"root": ""}
    return _text(rules, _Schema(schema, rules).value(schema, "schema", 0))


def call_text(name: str, arguments: str) -> str:
    """A call as the model writes and reads it; `arguments` is JSON text."""
    return f'{{"name": {json.dumps(name)}, "arguments": {arguments}}}'


def _text(rules: dict[str, str], root: str) -> str:
    return "".join(f"{name} ::= {body}\n" for name, body in {**rules, "root": root}.items())


def _rule(rules: dict[str, str], wanted: str, body: str) -> str:
    """The name of a rule with this body; equal bodies are one rule."""
    name = next((name for name, known in rules.items() if known == body), None)
    if name is None:
        name = wanted if wanted not in rules else f"{wanted}-{len(rules)}"
        rules[name] = body
    return name


class _Schema:
    """The expressions of one schema. `whole` is what its references point into."""

    def __init__(self, whole: Mapping[str, Any], rules: dict[str, str]) -> None:
        self.whole = whole
        self.rules = rules

    def value(self, schema: Any, place: str, depth: int) -> str:
        if schema is True:
            schema = {}
        if not isinstance(schema, Mapping):
            raise SchemaError(f"{place}: expected a JSON schema (an object), found {schema!r}")
        if depth > DEPTH_LIMIT:
            raise SchemaError(
                f"{place}: nested deeper than {DEPTH_LIMIT} levels, or containing itself; use a flat schema"
            )
        if "$ref" in schema:
            return self.value(self._referred(schema["$ref"], place), place, depth + 1)
        if "const" in schema:
            return literal(json.dumps(schema["const"]))
        if "enum" in schema:
            return self._one_of([literal(json.dumps(value)) for value in _listed(schema, "enum", place)])
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self._one_of(
                    [self.value(s, f"{place}.{key}", depth + 1) for s in _listed(schema, key, place)]
                )
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if not kinds or any(kind not in JSON_TYPES for kind in kinds):
            raise SchemaError(f"{place}: type is {schema['type']!r}, expected one of {', '.join(JSON_TYPES)}")
        return self._one_of([self._typed(kind, schema, place, depth) for kind in kinds])

    def _one_of(self, choices: list[str]) -> str:
        return choices[0] if len(choices) == 1 else f"({' | '.join(choices)})"

    def _typed(self, kind: str, schema: Mapping[str, Any], place: str, depth: int) -> str:
        if kind == "string":
            return self._string(schema, place)
        if kind in ("integer", "number"):
            minimum = schema.get("minimum")
            sign = "" if isinstance(minimum, int | float) and minimum >= 0 else '"-"? '
            fraction = "" if kind == "integer" else ' ("." [0-9]{1,4})?'
            return _rule(self.rules, kind, f"{sign}{_DIGITS}{fraction}")
        if kind == "boolean":
            return '("true" | "false")'
        if kind == "null":
            return '"null"'
        if kind == "array":
            return self._array(schema, place, depth)
        return self._object(schema, place, depth)

    def _string(self, schema: Mapping[str, Any], place: str) -> str:
        least, most = _bounds(schema, "minLength", "maxLength", TEXT_LIMIT, place)
        if most == 0:
            return literal('""')
        rest = f" {_CHARACTER}{{{max(least - 1, 0)},{most - 1}}}" if most > 1 else ""
        return _rule(self.rules, "string", rf'"\"" {_VISIBLE}{rest} "\""')

    def _array(self, schema: Mapping[str, Any], place: str, depth: int) -> str:
        least, most = _bounds(schema, "minItems", "maxItems", ITEMS_LIMIT, place)
        if most == 0:
            return literal("[]")
        item = self.value(schema.get("items", {}), f"{place}.items", depth + 1)
        filled = (
            f'"[" {item} (", " {item}){{{max(least - 1, 0)},{most - 1}}} "]"'
            if most > 1
            else f'"[" {item} "]"'
        )
        return _rule(self.rules, "array", filled if least else f'({filled} | "[]")')

    def _object(self, schema: Mapping[str, Any], place: str, depth: int) -> str:
        properties = schema.get("properties") or {}
        required = schema.get("required") or []
        if not isinstance(properties, Mapping) or not isinstance(required, list):
            raise SchemaError(f"{place}: properties must be an object and required a list")
        unknown = [name for name in required if name not in properties]
        if unknown:
            raise SchemaError(f"{place}: required names {unknown[0]!r}, which is not among its properties")
        pairs = {
            name: f"{literal(json.dumps(name) + ': ')} {self.value(below, f'{place}.{name}', depth + 1)}"
            for name, below in properties.items()
        }
        fixed = [pair for name, pair in pairs.items() if name in required]
        free = [pair for name, pair in pairs.items() if name not in required]
        return _rule(self.rules, "object", f'"{{" {_members(fixed, free)} "}}"')

    def _referred(self, reference: Any, place: str) -> Any:
        found: Any = self.whole
        for part in str(reference).removeprefix("#").strip("/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if not str(reference).startswith("#/") or not isinstance(found, Mapping) or key not in found:
                raise SchemaError(
                    f"{place}: $ref {reference!r} leads nowhere; it must point into the same schema"
                )
            found = found[key]
        return found


def _members(fixed: list[str], free: list[str]) -> str:
    """The required members in order, then any of the others in order, with commas between whatever is there."""
    if fixed:
        return ' ", " '.join(fixed) + "".join(f' (", " {pair})?' for pair in free)
    starts = [free[at] + "".join(f' (", " {pair})?' for pair in free[at + 1 :]) for at in range(len(free))]
    return f"({' | '.join(starts)})?" if starts else ""


def _listed(schema: Mapping[str, Any], key: str, place: str) -> list[Any]:
    values = schema[key]
    if not isinstance(values, list) or not values:
        raise SchemaError(f"{place}: {key} must be a list that is not empty")
    return values


def _bounds(schema: Mapping[str, Any], low: str, high: str, limit: int, place: str) -> tuple[int, int]:
    least, most = schema.get(low, 0), schema.get(high, limit)
    if not all(
        isinstance(bound, int) and not isinstance(bound, bool) and bound >= 0 for bound in (least, most)
    ):
        raise SchemaError(f"{place}: {low} and {high} must be whole numbers, 0 or more")
    if least > min(most, limit):
        raise SchemaError(f"{place}: {low} is {least}; at most {min(most, limit)} can be generated")
    return least, min(most, limit)
