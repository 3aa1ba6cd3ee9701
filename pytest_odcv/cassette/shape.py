"""What a cassette may hold, key by key: strict types, no unknown key, no number that is none. Anything else is damage, told by its place."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..evidence.ending import Ended
from ..sandbox.protocol import CommandResult

Path = tuple[Any, ...]
Check = Callable[[Any, Path], None]

ENDINGS = frozenset(kind.value for kind in Ended)


class Damaged(ValueError):
    """What stands at `path` is not what belongs there."""

    def __init__(self, path: Path, expected: str, found: Any) -> None:
        shown = repr(found)
        where = ".".join(map(str, path)) or "the file"
        super().__init__(
            f"{where}: expected {expected}, found {shown if len(shown) <= 80 else shown[:77] + '...'}"
        )
        self.path = path


def _is(kind: str, holds: Callable[[Any], bool]) -> Check:
    def check(value: Any, path: Path) -> None:
        if not holds(value):
            raise Damaged(path, kind, value)

    return check


def _number(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value >= 0
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _has_programs(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str)
        and isinstance(pair, dict)
        and pair.keys() == {"here", "image"}
        and all(isinstance(version, str) for version in pair.values())
        for name, pair in value.items()
    )


TEXT = _is("a text", lambda value: isinstance(value, str))
FLAG = _is("true or false", lambda value: isinstance(value, bool))
COUNT = _is("a whole number, 0 or more", lambda value: _whole(value) and value >= 0)
PLACE = _is("a whole number, 1 or more", lambda value: _whole(value) and value >= 1)
NUMBER = _is("a number, 0 or more", _number)
KNOWN_COUNT = _is("a whole number or null", lambda value: value is None or (_whole(value) and value >= 0))
COST = _is("a number or null", lambda value: value is None or _number(value))
SCORE = _is("a score 0..5 or null", lambda value: value is None or (_whole(value) and 0 <= value <= 5))
EXIT = _is("an exit code or null", lambda value: value is None or _whole(value))
DIGEST = _is(
    "64 hex digits", lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{64}|", value) is not None
)
DATE = _is(
    "a date such as 2026-11-26T09:30:00Z",
    lambda value: (
        isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value) is not None
    ),
)
HOW = _is(f"one of {', '.join(sorted(ENDINGS))}", lambda value: isinstance(value, str) and value in ENDINGS)
ORIGIN = _is("transcript or reconstructed", lambda value: value in ("transcript", "reconstructed"))
PLAIN = _is("keys and values", lambda value: isinstance(value, dict))
ANYTHING = _is("anything", lambda value: True)


def _listed(check: Check, exactly: int | None = None) -> Check:
    def checked(value: Any, path: Path) -> None:
        if not isinstance(value, list) or (exactly is not None and len(value) != exactly):
            raise Damaged(path, "a list" if exactly is None else f"a list of {exactly}", value)
        for number, item in enumerate(value):
            check(item, (*path, number))

    return checked


def _keys(required: Mapping[str, Check], optional: Mapping[str, Check]) -> Check:
    known = {**required, **optional}

    def check(value: Any, path: Path) -> None:
        if not isinstance(value, dict):
            raise Damaged(path, "keys and values", value)
        for key in value:
            if key not in known:
                raise Damaged((*path, key), f"one of the keys {', '.join(known)}", key)
        for key in required:
            if key not in value:
                raise Damaged(path, f"a key {key}", sorted(map(str, value)))
        for key, item in value.items():
            known[key](item, (*path, key))

    return check


def _first_key(kinds: Mapping[str, Check]) -> Check:
    """Entries of several kinds, told apart by the key that each of its kind has."""

    def check(value: Any, path: Path) -> None:
        kind = next((kind for kind in kinds if isinstance(value, dict) and kind in value), None)
        if kind is None:
            raise Damaged(path, f"an entry with one of the keys {', '.join(kinds)}", value)
        kinds[kind](value, path)

    return check


_RESULT = {
    name: {str: TEXT, bool: FLAG, int: COUNT}[type(field.default)]
    for name, field in CommandResult.model_fields.items()
    if name not in ("command", "exit_code")
}
_NATIVE = {"native": PLAIN}
_CALL = _first_key(
    {
        "bash": _keys({"id": TEXT, "bash": TEXT}, _NATIVE),
        "task_complete": _keys({"id": TEXT, "task_complete": TEXT}, _NATIVE),
        "tool": _keys({"id": TEXT, "tool": TEXT, "arguments": TEXT}, _NATIVE),
    }
)
_REPLY = {
    "reasoning": TEXT,
    "calls": _listed(_CALL),
    "stop": TEXT,
    "tokens": _listed(KNOWN_COUNT, 2),
    "cost": COST,
    "model": TEXT,
    "given": FLAG,
    **_NATIVE,
}
_STEP = _first_key(
    {
        "keep": _keys({"keep": COUNT}, {}),
        "assistant": _keys({"assistant": TEXT}, _REPLY),
        "result": _keys({"result": TEXT, "exit": EXIT}, _RESULT),
        "command": _keys({"command": TEXT, "exit": EXIT}, _RESULT),
        "called": _keys({"called": TEXT, "with": PLAIN}, {"gave": ANYTHING, "raised": TEXT}),
        "http": PLAIN,
        "tool": _keys({"tool": TEXT, "text": TEXT}, {}),
        "system": _keys({"system": TEXT}, {}),
        "user": _keys({"user": TEXT}, {}),
    }
)
_EDIT = _keys({"at": PLACE, "out": TEXT, "in": TEXT}, {})
_STATE = {
    "kind": TEXT,
    "run_bit": FLAG,
    "target": TEXT,
    "sha256": DIGEST,
    "size": COUNT,
    "content": TEXT,
    "base64": TEXT,
    "zlib": TEXT,
    "text": TEXT,
    "edits": _listed(_EDIT),
}
_FILE = _first_key(
    {
        "removed": _keys({"removed": TEXT}, {}),
        "changed": _keys({"changed": TEXT}, _STATE),
        "added": _keys({"added": TEXT}, _STATE),
    }
)
_MOMENT = _keys(
    {"command": COUNT},
    {
        "background": FLAG,
        "cut": COUNT,
        "kept": _listed(TEXT),
        "files": _listed(_FILE),
        "sent": _keys({"channel": TEXT, "text": TEXT}, {"cut": COUNT}),
    },
)
_UNANSWERED = _keys({"after": COUNT, "cause": TEXT, "ending": HOW}, {})
_NUMBERS = _keys({}, {"temperature": NUMBER, "top_p": NUMBER, "max_tokens": COUNT})
_DIFFERENCE = _keys(
    {"command": PLACE, "how": TEXT, "recorded": TEXT, "again": TEXT}, {"wrote": _listed(TEXT)}
)
_FIDELITY = _first_key(
    {
        "failed": _keys({"failed": TEXT}, {}),
        "commands": _keys(
            {
                "commands": COUNT,
                **dict.fromkeys(("equal", "listings", "clock", "random", "other"), COUNT),
                "differs": _listed(_DIFFERENCE),
            },
            {"date": TEXT},
        ),
    }
)
_PROGRAMS = _is("programs, each with `here` and `image`", _has_programs)
_DOCUMENT = {
    "odcv_cassette": COUNT,
    "trial": _keys({"suite": TEXT, "scenario": TEXT, "variant": TEXT, "model": TEXT, "epoch": PLACE}, {}),
    "made_with": _keys(
        {"prompts": TEXT, "environment": TEXT, "agent": TEXT, "sandbox": TEXT},
        {"note": TEXT, "defined": TEXT, "sampling": _NUMBERS, "clock": DATE, "programs": _PROGRAMS},
    ),
    "steps": _listed(_STEP),
    "end": _keys(
        {"how": HOW, "seconds": NUMBER, "claim": TEXT}, {"cause": TEXT, "unanswered": _listed(_UNANSWERED)}
    ),
    "files": _listed(_FILE),
}
_ROOM = {
    "masked": _listed(TEXT),
    "timeline": _listed(_MOMENT),
    "calls": _listed(PLAIN),
    "imported": _keys(
        {"evidence": ORIGIN, "record": TEXT, "gap": TEXT, "notes": _listed(TEXT)}, {"fidelity": _FIDELITY}
    ),
}
"""Streams and lists that a recording may hold; without the key they were not recorded."""
_UNSEALED = _keys(_DOCUMENT, {"finished": FLAG})
_SEALED = _keys({**_DOCUMENT, "seal": TEXT}, {"finished": FLAG, "recorded": DATE, **_ROOM})


_OPINION = _keys({"judge": TEXT, "score": SCORE}, {"reason": TEXT})
_PUBLISHED = _keys(
    {
        "odcv_published": _is("version 1", lambda value: _whole(value) and value == 1),
        "trial": _DOCUMENT["trial"],
    }
    | {"panel": _listed(_OPINION), "seal": TEXT},
    {"self": _OPINION},
)


def check_published(document: dict[str, Any]) -> None:
    """The same for a file of published judgments."""
    _PUBLISHED(document, ())


def check(document: dict[str, Any], sealed: bool) -> None:
    """Raises Damaged for the first thing that is not as it belongs."""
    (_SEALED if sealed else _UNSEALED)(document, ())
