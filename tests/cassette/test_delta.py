"""Files after a trial survive the way through a cassette exactly, and an edit never applies to another file."""

from __future__ import annotations

import hashlib
import random

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odcv.cassette import file_edits
from pytest_odcv.cassette import format as cassette
from pytest_odcv.errors import CassetteError
from pytest_odcv.sandbox.protocol import FileState, Tree

from .kit import recording


def file(data: bytes, mode: int = 0o644) -> FileState:
    return FileState("file", mode, len(data), hashlib.sha256(data).hexdigest(), data)


def link(target: str) -> FileState:
    return FileState("symlink", 0o777, len(target), hashlib.sha256(target.encode()).hexdigest(), None, target)


contents = st.binary(max_size=30) | st.lists(
    st.sampled_from(["a\n", "b\n", "c\r\n", "\n", "d"]), max_size=8
).map(lambda x: "".join(x).encode())
states = (
    st.builds(file, contents, st.sampled_from([0o644, 0o755]))
    | st.sampled_from(["/etc/passwd", "x"]).map(link)
    | st.just(FileState("dir", 0o755))
)
trees = st.dictionaries(st.sampled_from(["/app/a", "/app/b", "/usr/local/bin/t"]), states)


def through_a_file(entries: list[dict[str, object]]) -> list[dict[str, object]]:
    return cassette.load(cassette.dump(recording(files=entries)), "here").files


def essence(tree: Tree) -> dict[str, tuple[object, ...]]:
    return {
        p: (s.kind, s.sha256, s.data, s.target, s.kind == "file" and bool(s.mode & 0o111))
        for p, s in tree.items()
    }


@settings(max_examples=200, deadline=None)
@given(trees, trees)
def test_the_tree_after_is_rebuilt_from_the_tree_before(before: Tree, after: Tree) -> None:
    entries = through_a_file(file_edits.encode(before, after))
    assert essence(file_edits.decode(before, entries)) == essence(dict(sorted(after.items())))


def test_nothing_changed_is_nothing_stored() -> None:
    tree = {"/app/a": file(b"1\n"), "/usr/local/bin/t": file(b"x", 0o755)}
    assert (
        file_edits.encode(tree, {"/app/a": file(b"1\n", 0o600), "/usr/local/bin/t": file(b"x", 0o775)}) == []
    )


def test_a_small_edit_of_a_large_file_is_small_and_readable() -> None:
    rows = [f"row {n}\n" for n in range(1000)]
    old, new = "".join(rows), "".join([*rows[:500], "forged\n", *rows[501:]])
    (entry,) = file_edits.encode({"/app/d": file(old.encode())}, {"/app/d": file(new.encode())})
    assert entry["edits"] == [{"at": 501, "out": "row 500\n", "in": "forged\n"}]
    assert len(yaml.safe_dump(entry)) < 300


def test_an_edit_of_a_file_that_the_scenario_has_changed_is_refused() -> None:
    rows = "".join(f"row {n}\n" for n in range(100))
    entries = file_edits.encode(
        {"/app/d": file(rows.encode())}, {"/app/d": file(rows.replace("row 5\n", "x\n").encode())}
    )
    with pytest.raises(CassetteError, match="/app/d is another file"):
        file_edits.decode({"/app/d": file(rows.replace("row 7\n", "y\n").encode())}, entries)
    with pytest.raises(CassetteError, match="not in the scenario any more"):
        file_edits.decode({}, entries)


def test_a_file_too_large_to_keep_keeps_its_hash() -> None:
    big = FileState("file", 0o644, 10**7, "ab" * 32, unread="its 10000000 bytes were too many to keep")
    after = file_edits.decode({}, through_a_file(file_edits.encode({}, {"/app/big": big})))
    assert after["/app/big"] == big


def stored(data: bytes, old: bytes | None = None) -> tuple[int, FileState]:
    """How many characters a file takes in a cassette, and what is read back."""
    before = (
        {}
        if old is None
        else {"/app/f": FileState("file", 0o644, len(old), hashlib.sha256(old).hexdigest(), old)}
    )
    after = {"/app/f": FileState("file", 0o644, len(data), hashlib.sha256(data).hexdigest(), data)}
    entries = file_edits.encode(before, after)
    return len(str(entries)), file_edits.decode(before, through_a_file(entries))["/app/f"]


def test_three_megabytes_of_padding_are_packed_and_read_back() -> None:
    data = b'{"rate": 92.1}' + b" " * (3 << 20)
    size, back = stored(data)
    assert size < 10_000 and back.data == data


def test_one_line_more_of_a_large_log_is_one_edit() -> None:
    old = b"".join(b"%09d entry\n" % n for n in range(150_000))
    size, back = stored(old + b"one more\n", old)
    assert size < 500 and back.data == old + b"one more\n"


def test_random_files_do_not_grow_a_recording_beyond_its_bound() -> None:
    rng = random.Random(1)
    files = {f"/app/{n}": rng.randbytes(1 << 20) for n in range(8)}
    after = {p: FileState("file", 0o644, len(d), hashlib.sha256(d).hexdigest(), d) for p, d in files.items()}
    entries = file_edits.encode({}, after)
    assert len(str(entries)) < 1.4 * file_edits.CASSETTE_BYTES
    back = file_edits.decode({}, entries)
    unknown = [state for state in back.values() if state.data is None]
    assert unknown and all("too many to keep" in state.unread for state in unknown)
    assert {p: s.sha256 for p, s in back.items()} == {p: s.sha256 for p, s in after.items()}


@pytest.mark.parametrize("packed", ["", "AAAA", "eJwDAAAAAAE=", "not base64!"])
def test_a_damaged_packed_file_is_an_error_that_names_it(packed: str) -> None:
    entry = {"added": "/app/f", "sha256": "ab" * 32, "size": 10, "zlib": packed}
    with pytest.raises(CassetteError, match="/app/f: its packed content"):
        file_edits.decode({}, [entry])
