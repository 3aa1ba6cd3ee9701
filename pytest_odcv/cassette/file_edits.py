"""Files after a trial as a delta against the scenario as shipped: short to store, readable in a review, exact."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

from ..errors import CassetteError
from ..evidence.diffs import edits as line_edits
from ..evidence.files import same
from ..sandbox.protocol import FileState, Tree

TOO_LARGE = "too large to keep"
PLAIN_BYTES = 256 << 10
"""A file up to this size is kept as a reviewer can read it; a larger one is packed."""
CASSETTE_BYTES = 4 << 20
"""Content kept of all files of a trial together, as stored. Files beyond it are known by hash and size only."""


class Budget:
    """What a recording may still keep of the content of files, see `CASSETTE_BYTES`."""

    def __init__(self) -> None:
        self._left = CASSETTE_BYTES

    def take(self, size: int) -> bool:
        """Whether there is room for that many bytes, which are then taken."""
        if size > self._left:
            return False
        self._left -= size
        return True


def encode(before: Tree, after: Tree) -> list[dict[str, Any]]:
    """One entry a changed path, sorted. Text that was modified is a list of edits, new text is whole."""
    entries: list[dict[str, Any]] = []
    budget = Budget()
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if new is None:
            entries.append({"removed": path})
        elif old is None or not same(old, new):
            entries.append(entry_of(path, old, new, budget))
    return entries


def decode(before: Tree, entries: list[dict[str, Any]]) -> Tree:
    """The tree after. Raises CassetteError when an edit does not fit the files of today's scenario."""
    after = dict(before)
    for entry in entries:
        if "removed" in entry:
            after.pop(entry["removed"], None)
        else:
            path = entry.get("changed") or entry["added"]
            after[path] = state_of(path, before.get(path), entry)
    return dict(sorted(after.items()))


def entry_of(path: str, old: FileState | None, new: FileState, budget: Budget) -> dict[str, Any]:
    """How one path came from one state to another."""
    entry: dict[str, Any] = {"changed" if old else "added": path}
    if new.kind != "file":
        entry["kind"] = new.kind
    if new.kind == "file" and bool(new.mode & 0o111) != bool(old and old.mode & 0o111):
        entry["run_bit"] = bool(new.mode & 0o111)
    if new.kind == "symlink":
        entry["target"] = new.target
    if new.kind == "file" and not (old and old.kind == "file" and old.sha256 == new.sha256):
        entry |= _content(old, new, budget)
    return entry


def _content(old: FileState | None, new: FileState, budget: Budget) -> dict[str, Any]:
    if new.data is None:
        return {"sha256": new.sha256, "size": new.size, "content": TOO_LARGE}
    text = _text(new.data)
    base = _text(old.data) if old and old.kind == "file" and old.data is not None else None
    if text is not None and base is not None:
        edits = _edits(base, text)
        size = sum(len(edit["out"]) + len(edit["in"]) for edit in edits)
        if size + 20 * len(edits) <= min(len(text), PLAIN_BYTES) and budget.take(size):
            return {"sha256": new.sha256, "edits": edits}
    return _whole(new, text, budget)


def _whole(new: FileState, text: str | None, budget: Budget) -> dict[str, Any]:
    """A small text as it is; anything else packed, as long as there is room for it."""
    data = new.data or b""
    if text is not None and len(data) <= PLAIN_BYTES and budget.take(len(data)):
        return {"text": text}
    if text is None and len(data) <= PLAIN_BYTES and budget.take(len(data)):
        return {"base64": base64.b64encode(data).decode()}
    packed = zlib.compress(data, 6)
    if budget.take(len(packed)):
        return {"sha256": new.sha256, "size": new.size, "zlib": base64.b64encode(packed).decode()}
    return {"sha256": new.sha256, "size": new.size, "content": TOO_LARGE}


def _edits(old: str, new: str) -> list[dict[str, Any]]:
    """`at` is the first line replaced, from 1; `out` are the lines that went, `in` those that came."""
    a, b = old.splitlines(keepends=True), new.splitlines(keepends=True)
    return [
        {"at": i1 + 1, "out": "".join(a[i1:i2]), "in": "".join(b[j1:j2])}
        for i1, i2, j1, j2 in line_edits(a, b)
    ]


def state_of(path: str, old: FileState | None, entry: dict[str, Any]) -> FileState:
    """The state that an entry gives. Raises CassetteError where it does not fit the old one."""
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
    if entry.get("content") == TOO_LARGE:
        why = f"its {entry['size']} bytes were too many to keep"
        return FileState("file", mode, entry["size"], entry["sha256"], unread=why)
    data = _data(path, old, entry)
    return FileState("file", mode, len(data), hashlib.sha256(data).hexdigest(), data)


def _data(path: str, old: FileState | None, entry: dict[str, Any]) -> bytes:
    if "base64" in entry:
        return base64.b64decode(entry["base64"])
    if "zlib" in entry:
        return _unpacked(path, entry)
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


def _unpacked(path: str, entry: dict[str, Any]) -> bytes:
    """Raises CassetteError for what is not the file that was packed; a recording may be anybody's."""
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(entry["zlib"], validate=True), entry["size"] + 1)
    except (ValueError, zlib.error) as error:
        raise CassetteError(f"{path}: its packed content is damaged: {error}") from None
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise CassetteError(f"{path}: its packed content is not the file that its sha256 names")
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
