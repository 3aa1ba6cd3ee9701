"""A request's body told by what it adds to an earlier one, so that a conversation's history is stored once. Exact.

Knows nothing of APIs: bodies are JSON values, and what repeats in them is found by looking. Decoded values share parts
with each other; they are not to be changed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..errors import CassetteError

_WINDOW = 8
"""Earlier bodies that are looked at: as many conversations may go on side by side."""
_SMALL = 10
"""A delta this many times smaller than the body is good enough to stop looking."""
_ABSENT = object()


def encode(request: Any, earlier: Sequence[Any]) -> dict[str, Any]:
    """`{"body": ...}`, or what turns `earlier[after]` into `request`:

    - `append`: items that follow the lists of these names,
    - `set` and `unset`: names with new values, names that are gone,
    - `edit`: for an object its own `append`, `set`, ...; for a list its parts in order: `keep` [first, end) of the earlier
      list, `new` items, or the earlier `item` of that number with a `change` of the same kind as this.

    `earlier` are the bodies of a trial's requests before this one, as they were given; those to the same method and path
    are the useful ones. Time is linear in the body's size, and not in the number of those before.
    """
    try:
        return _encode(request, earlier)
    except RecursionError:
        return {"body": request}


def decode(entry: dict[str, Any], earlier: Sequence[Any]) -> Any:
    """The body that was encoded. Raises CassetteError when the entry does not fit the bodies before it."""
    if "body" in entry:
        return entry["body"]
    number = entry.get("after")
    if not isinstance(number, int) or not _is_index(number, len(earlier)):
        raise CassetteError(
            f"a request is told as a change of request {number!r}, and {len(earlier)} come before it"
        )
    patch = {name: value for name, value in entry.items() if name != "after"}
    try:
        return _patched(earlier[number], patch)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise CassetteError(
            f"a request is told as a change of request {number}, which it does not fit: {type(error).__name__}: {error}"
        ) from None


# --- making ----------------------------------------------------------------------------------------------------------


def _encode(request: Any, earlier: Sequence[Any]) -> dict[str, Any]:
    whole = _weight(request)
    best: dict[str, Any] = {"body": request}
    least = whole
    for number in range(len(earlier) - 1, max(len(earlier) - 1 - _WINDOW, -1), -1):
        if _same(earlier[number], request):
            return {"after": number}
        if not (isinstance(request, dict) and isinstance(earlier[number], dict)):
            continue
        patch = {"after": number, **_patch(earlier[number], request)}
        weight = _weight(patch)
        if weight < least:
            best, least = patch, weight
        if weight * _SMALL < whole:
            break
    return best


def _patch(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, dict[str, Any]] = {"set": {}, "append": {}, "edit": {}}
    for name, value in new.items():
        before = old.get(name, _ABSENT)
        if _same(before, value):
            continue
        if isinstance(before, dict) and isinstance(value, dict):
            told["edit"][name] = _patch(before, value)
        elif isinstance(before, list) and isinstance(value, list) and before and value:
            if _prefix(before, value) == len(before):
                told["append"][name] = value[len(before) :]
                continue
            parts = parts_of(value, before)
            kind = "set" if len(parts) == 1 and "new" in parts[0] else "edit"
            told[kind][name] = value if kind == "set" else parts
        else:
            told["set"][name] = value
    patch: dict[str, Any] = {kind: values for kind, values in told.items() if values}
    gone = [name for name in old if name not in new]
    return patch | {"unset": gone} if gone else patch


def _prefix(old: list[Any], new: list[Any]) -> int:
    kept = 0
    for a, b in zip(old, new, strict=False):
        if not _same(a, b):
            break
        kept += 1
    return kept


def parts_of(new: list[Any], old: list[Any]) -> list[dict[str, Any]]:
    """A list told by an earlier one: parts to `keep` [first, end), `new` items, an earlier `item` with its `change`."""
    kept = _prefix(old, new)
    parts: list[dict[str, Any]] = [{"keep": [0, kept]}] if kept else []
    places: dict[str, list[int]] = {}
    for number in range(len(old) - 1, kept - 1, -1):
        places.setdefault(_key(old[number]), []).append(number)
    near = kept
    for item in new[kept:]:
        last = parts[-1] if parts else {}
        place = _place(places.get(_key(item), []), near)
        patch = _cheap(old, near, item) if place is None else None
        near = near + 1 if place is None else place + 1
        if place is not None and last.get("keep", [None, None])[1] == place:
            last["keep"][1] = near
        elif place is not None:
            parts.append({"keep": [place, near]})
        elif patch is not None:
            parts.append({"item": near - 1, "change": patch})
        elif "new" in last:
            last["new"].append(item)
        else:
            parts.append({"new": [item]})
    return parts


def _place(numbers: list[int], near: int) -> int | None:
    """Where an item is in the earlier list: at `near` if it is there, else the first place. `numbers` fall."""
    if not numbers:
        return None
    while len(numbers) > 1 and numbers[-1] < near:
        numbers.pop()
    return numbers[-1]


def _cheap(old: list[Any], number: int, item: Any) -> dict[str, Any] | None:
    """How the earlier item of that number became this one, when that is much shorter than the item."""
    if number >= len(old) or not isinstance(item, dict) or not isinstance(old[number], dict):
        return None
    patch = _patch(old[number], item)
    return patch if patch and _weight(patch) * 4 < _weight(item) else None


def _same(a: Any, b: Any) -> bool:
    """Equal, and of the same types all through: 1 is not 1.0, nor True."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return len(a) == len(b) and all(name in b and _same(value, b[name]) for name, value in a.items())
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, float):
        return repr(a) == repr(b)
    return bool(a == b)


def _key(item: Any) -> str:
    return json.dumps(item, sort_keys=True, default=repr)


def _weight(value: Any) -> int:
    return len(json.dumps(value, default=repr))


# --- applying --------------------------------------------------------------------------------------------------------


def _patched(old: Any, patch: dict[str, Any]) -> Any:
    if not patch:
        return old
    unknown = patch.keys() - {"set", "unset", "append", "edit"}
    if unknown:
        raise ValueError(f"unknown change {sorted(unknown)[0]!r}")
    new = dict(old)
    for name in patch.get("unset", ()):
        del new[name]
    new |= patch.get("set", {})
    for name, items in patch.get("append", {}).items():
        new[name] = [*old[name], *items]
    for name, change in patch.get("edit", {}).items():
        new[name] = rebuilt(old[name], change) if isinstance(change, list) else _patched(old[name], change)
    return new


def rebuilt(old: list[Any], parts: list[dict[str, Any]]) -> list[Any]:
    """What `parts_of` told. Raises KeyError, IndexError, TypeError or ValueError for parts that do not fit."""
    new: list[Any] = []
    for part in parts:
        if "keep" in part:
            start, end = part["keep"]
            if not 0 <= start <= end <= len(old):
                raise IndexError(f"items {start} to {end} of {len(old)}")
            new += old[start:end]
        elif "new" in part:
            new += part["new"]
        else:
            number = part["item"]
            if not _is_index(number, len(old)):
                raise IndexError(f"item {number} of {len(old)}")
            new.append(_patched(old[number], part["change"]))
    return new


def _is_index(number: Any, length: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < length
