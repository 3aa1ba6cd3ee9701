"""Reading a tree of files without trusting it. Needs no sandbox."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
from pathlib import Path

import pytest

from pytest_odcv.errors import SandboxError
from pytest_odcv.sandbox import snapshot
from pytest_odcv.sandbox.snapshot import read_open_folder, read_tree, shown_name


def test_files_folders_and_links_are_recorded_under_their_paths_in_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir(mode=0o750)
    (tmp_path / "b" / "data.csv").write_bytes(b"1\n")
    (tmp_path / "b" / "data.csv").chmod(0o640)
    (tmp_path / "a").symlink_to("b/data.csv")
    tree = read_tree(tmp_path, "/app")
    assert list(tree) == ["/app/a", "/app/b", "/app/b/data.csv"]
    link, folder, file = tree.values()
    assert (link.kind, link.target, link.data) == ("symlink", "b/data.csv", None)
    assert link.sha256 == hashlib.sha256(b"b/data.csv").hexdigest()
    assert (folder.kind, folder.mode, folder.sha256) == ("dir", 0o750, "")
    assert (file.kind, file.mode, file.size, file.data) == ("file", 0o640, 2, b"1\n")
    assert file.sha256 == hashlib.sha256(b"1\n").hexdigest()


def test_links_are_not_followed_into_folders_or_out_of_the_tree(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("x")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "outside")
    assert list(read_tree(tmp_path / "tree", "/app")) == ["/app/link"]


def test_a_file_that_became_a_link_after_it_was_looked_at_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    status = os.lstat(tmp_path / "file")
    (tmp_path / "file").rename(tmp_path / "elsewhere")
    (tmp_path / "file").symlink_to("elsewhere")
    parent = os.open(tmp_path, os.O_RDONLY)
    try:
        with (
            pytest.raises(FileNotFoundError),
            snapshot._Reader(hostile=False, found={}).opened(parent, b"file", status),
        ):
            pass
    finally:
        os.close(parent)


def test_a_pipe_is_recorded_and_does_not_block_also_when_it_took_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    status = os.lstat(tmp_path / "file")
    (tmp_path / "file").unlink()
    os.mkfifo(tmp_path / "file")
    assert read_tree(tmp_path, "/app")["/app/file"].kind == "other"
    parent = os.open(tmp_path, os.O_RDONLY)
    try:
        with (
            pytest.raises(FileNotFoundError),
            snapshot._Reader(hostile=False, found={}).opened(parent, b"file", status),
        ):
            pass
    finally:
        os.close(parent)


def test_a_socket_is_recorded_as_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        assert read_tree(tmp_path, "/app")["/app/socket"].kind == "other"


def test_two_names_never_become_one() -> None:
    names = [b"\xff", b"\\xff", b"\\\\xff", "é".encode(), b"a\nb", b"\xc3"]
    shown = [shown_name(name) for name in names]
    assert len(set(shown)) == len(names)
    assert shown == ["\\xff", "\\\\xff", "\\\\\\\\xff", "é", "a\nb", "\\xc3"]


def test_odd_names_are_read(tmp_path: Path) -> None:
    for name in (b"\xff", b"a\nb", b"-", b" ", b"n" * 255):
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    tree = read_tree(tmp_path, "/app")
    assert {tree[path].data for path in tree} == {b"\xff", b"a\nb", b"-", b" ", b"n" * 255}


def test_content_is_kept_up_to_a_bound_and_hashed_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "FILE_BYTES", 10)
    monkeypatch.setattr(snapshot, "TREE_BYTES", 25)
    for name, size in (("a", 10), ("b", 11), ("c", 10), ("d", 10), ("e", 5)):
        (tmp_path / name).write_bytes(b"x" * size)
    tree = read_tree(tmp_path, "/app")
    assert [state.data is not None for state in tree.values()] == [True, False, True, False, True]
    assert [state.size for state in tree.values()] == [10, 11, 10, 10, 5]
    assert tree["/app/b"].sha256 == hashlib.sha256(b"x" * 11).hexdigest()


@pytest.mark.parametrize("bound", ["ENTRIES", "HASHED_BYTES"])
def test_a_tree_over_a_bound_is_refused_and_not_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(snapshot, bound, 3)
    for name in "abcd":
        (tmp_path / name).write_text("xx")
    with pytest.raises(SandboxError, match="more than 3"):
        read_tree(tmp_path, "/app")


def test_a_folder_that_is_too_deep_is_recorded_as_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "DEPTH", 2)
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    tree = read_tree(tmp_path, "/app")
    assert {path: state.kind for path, state in tree.items()} == {"/app/a": "dir", "/app/a/b": "other"}


def test_a_folder_with_too_long_a_path_is_recorded_as_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "PATH_CHARACTERS", 10)
    (tmp_path / "abcd" / "efgh" / "i").mkdir(parents=True)
    tree = read_tree(tmp_path, "/app")
    assert {path: state.kind for path, state in tree.items()} == {
        "/app/abcd": "dir",
        "/app/abcd/efgh": "other",
    }


def test_sparse_files_of_a_sandbox_are_read_to_a_bound_and_then_only_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "SPARSE_BYTES", 1 << 20)
    for name in ("a", "b"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(1 << 20)
    (tmp_path / "c").write_text("x")
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        tree = snapshot.read_open_folder(fd, "/app", hostile=True)
    finally:
        os.close(fd)
    assert [bool(state.sha256) for state in tree.values()] == [True, False, True]
    assert (tree["/app/b"].data, tree["/app/b"].size) == (None, 1 << 20)
    assert all(state.sha256 for state in read_tree(tmp_path, "/app").values())


def test_a_missing_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"nowhere.*/app"):
        read_tree(tmp_path / "nowhere", "/app")
    (tmp_path / "file").write_text("")
    with pytest.raises(SandboxError, match="file"):
        read_tree(tmp_path / "file", "/app")


@pytest.mark.skipif(os.geteuid() == 0, reason="needs an ordinary user")
def test_an_unreadable_file_of_the_host_is_an_error_and_is_not_made_readable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "file").chmod(0)
    with pytest.raises(SandboxError, match="cannot be read"):
        read_tree(tmp_path, "/app")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0


def test_what_was_made_readable_for_a_moment_has_its_own_mode_again(tmp_path: Path) -> None:
    folder, file = tmp_path / "locked", tmp_path / "locked" / "secret"
    folder.mkdir()
    file.write_text("x")
    file.chmod(0o001)
    folder.chmod(0o010)
    fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        tree = read_open_folder(fd, "/app", hostile=True)
    finally:
        os.close(fd)
        folder_mode = stat.S_IMODE(folder.stat().st_mode)
        folder.chmod(0o755)
    assert tree["/app/locked/secret"].data == b"x"
    assert (tree["/app/locked"].mode, tree["/app/locked/secret"].mode) == (0o010, 0o001)
    assert (folder_mode, stat.S_IMODE(file.stat().st_mode)) == (0o010, 0o001)


def test_a_root_folder_that_was_made_readable_has_its_own_mode_again(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        tmp_path.chmod(0o200)
        read_open_folder(fd, "/app", hostile=True)
        assert stat.S_IMODE(os.fstat(fd).st_mode) == 0o200
    finally:
        tmp_path.chmod(0o700)
        os.close(fd)
