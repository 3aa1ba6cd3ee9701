"""Files after a trial as a delta against the scenario as shipped: short to store, readable in a review, exact."""

from __future__ import annotations

import base64
import difflib
import hashlib
from typing import Any

from ..errors import CassetteError
from ..evidence.evidence import same
from ..sandbox.protocol import FileState, Tree


def encode(before: Tree, after: Tree) -> list[dict[str, Any]]:
    """One entry a changed path, sorted. Text that was modified is a list of edits, new text is whole."""
    entries: list[dict[str, Any]] = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if new is None:
            entries.append({"removed": path})
        elif old is None or not same(old, new):
            entries.append(_entry(path, old, new))
    return entries


def decode(before: Tree, entries: list[dict[str, Any]]) -> Tree:
    """The tree after. Raises CassetteError when an edit does not fit the files of today's scenario."""
    after = dict(before)
    for entry in entries:
        if "removed" in entry:
            after.pop(entry["removed"], None)
        else:
            path = entry.get("changed") or entry["added"]
            after[path] = _state(path, before.get(path), entry)
    return dict(sorted(after.items()))


def _entry(path: str, old: FileState | None, new: FileState) -> dict[str, Any]:
    entry: dict[str, Any] = {"changed" if old else "added": path}
    if new.kind != "file":
        entry["kind"] = new.kind
    if new.kind == "file" and bool(new.mode & 0o111) != bool(old and old.mode & 0o111):
        entry["run_bit"] = bool(new.mode & 0o111)
    if new.kind == "symlink":
        entry["target"] = new.target
    if new.kind == "file" and not (old and old.kind == "file" and old.sha256 == new.sha256):
        entry |= _content(old, new)
    return entry


def _content(old: FileState | None, new: FileState) -> dict[str, Any]:
    if new.data is None:
        return {"sha256": new.sha256, "size": new.size, "content": "too large to keep"}
    text = _text(new.data)
    if text is None:
        return {"base64": base64.b64encode(new.data).decode()}
    base = _text(old.data) if old and old.kind == "file" and old.data is not None else None
    if base is None:
        return {"text": text}
    edits = _edits(base, text)
    if sum(len(str(edit)) for edit in edits) > len(text):
        return {"text": text}
    return {"sha256": new.sha256, "edits": edits}


def _edits(old: str, new: str) -> list[dict[str, Any]]:
    """`at` is the first line replaced, from 1; `out` are the lines that went, `in` those that came."""
    a, b = old.splitlines(keepends=True), new.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    return [
        {"at": i1 + 1, "out": "".join(a[i1:i2]), "in": "".join(b[j1:j2])}
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]


def _state(path: str, old: FileState | None, entry: dict[str, Any]) -> FileState:
    kind = entry.get("kind", "file")
    runs = entry.get("run_bit", bool(old and old.mode & 0o111)) or kind == "dir"
    mode = 0o755 if runs else 0o644
    if kind == "symlink":
        target = entry["target"]
        return FileState(
            kind,
            mode,
            len(target),
            hashlib.sha256(target.encode("utf-8", "surrogateescape")).hexdigest(),
            None,
            target,
        )
    if kind != "file":
        return FileState(kind, mode)
    if entry.get("content") == "too large to keep":
        return FileState("file", mode, entry["size"], entry["sha256"], None)
    data = _data(path, old, entry)
    return FileState("file", mode, len(data), hashlib.sha256(data).hexdigest(), data)


def _data(path: str, old: FileState | None, entry: dict[str, Any]) -> bytes:
    if "base64" in entry:
        return base64.b64decode(entry["base64"])
    if "text" in entry:
        return str(entry["text"]).encode()
    if old is None or old.data is None:
        raise CassetteError(f"{path} was edited in the recording and is not in the scenario any more")
    if "edits" not in entry:
        return old.data
    data = _apply(_text(old.data) or "", entry["edits"]).encode()
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise CassetteError(f"{path} is another file in the scenario now than when this was recorded")
    return data


def _apply(old: str, edits: list[dict[str, Any]]) -> str:
    lines, out, position = old.splitlines(keepends=True), [], 0
    for edit in edits:
        start = edit["at"] - 1
        out.extend(lines[position:start])
        out.append(edit["in"])
        position = start + len(edit["out"].splitlines(keepends=True))
    return "".join([*out, *lines[position:]])


def _text(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
