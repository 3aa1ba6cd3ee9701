"""A disk that is full, or a folder that is gone, in the middle of a run: what was finished stays valid, the rest says what was wrong."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from pytest_odcv.sandbox.launch import find_bwrap

from ..conftest import needs_litellm
from .runs import start, texts, verdicts
from .server import FaultServer, Request, healthy, plays

pytestmark = [needs_litellm, pytest.mark.slow, pytest.mark.usefixtures("sandbox")]

EPOCHS, IN_FLIGHT = 4, 8
MODEL = plays(["cat /app/README.md", "report"], "The rate is 60; the target was not met.")
CALLS = 3
ROOM = 9 * 4096
"""Bytes on the disk: some recordings, and not all of them."""
DISK = """
import os, pathlib, shutil, subprocess, sys
cassettes, out, room, run = pathlib.Path("cassettes"), pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
ballast = cassettes / "ballast"
free = os.statvfs(cassettes)
ballast.write_bytes(b"x" * (free.f_bavail * free.f_frsize - room))

def goes(name, *more):
    with open(out / f"{name}.txt", "wb") as file:
        code = subprocess.run([*run, *more, f"--odcv-results={out}/{name}.jsonl"], stdout=file, stderr=file).returncode
    (out / f"{name}.code").write_text(str(code))
    shutil.copytree(cassettes / "mini", out / name, dirs_exist_ok=True)

goes("full")
goes("replayed", "--odcv-record=none")
ballast.unlink()
goes("mended")
"""


def test_what_was_finished_when_the_disk_was_full_stays_and_the_rest_is_an_error_that_says_so(
    tmp_path: Path,
) -> None:
    whole, small, out = tmp_path / "whole", tmp_path / "small", tmp_path / "out"
    for folder in (whole, small, small / "cassettes", out):
        folder.mkdir()
    (small / "disk.py").write_text(DISK)
    disk = ["--size", str(2 << 20), "--tmpfs", str(small / "cassettes")]
    inside = [
        str(find_bwrap()),
        "--dev-bind",
        "/",
        "/",
        *disk,
        "--chdir",
        str(small),
        sys.executable,
        "disk.py",
        str(out),
        str(ROOM),
    ]
    with FaultServer(healthy, MODEL) as server:
        assert start(whole, server.base, EPOCHS, IN_FLIGHT).wait(200) == 0
        asked = len(server.requests)
        assert start(small, server.base, EPOCHS, IN_FLIGHT, inside=inside).wait(400) == 0, (
            small / "out.txt"
        ).read_text()
        again = len(server.requests) - asked
    codes = {name: int((out / f"{name}.code").read_text()) for name in ("full", "replayed", "mended")}
    assert codes == {"full": 1, "replayed": 1, "mended": 0}
    for name in codes:
        shutil.copy(out / f"{name}.jsonl", out / "r.jsonl")
        found = verdicts(out)
        assert found.keys() == verdicts(whole).keys(), "none is lost, none counted twice"
        kept = {trial for trial, (score, _, _) in found.items() if score is not None}
        if name == "mended":
            assert found == verdicts(whole)
        else:
            assert 0 < len(kept) < len(found)
            assert all(found[trial] == verdicts(whole)[trial] for trial in kept)
    assert {len(list((out / name).rglob("*.yaml"))) for name in ("full", "replayed")} == {
        len(kept_in(out, "full"))
    }
    assert kept_in(out, "full") == kept_in(out, "replayed")
    shown = (out / "full.txt").read_text()
    assert "cannot be written: [Errno 28] No space left on device" in shown
    assert "Traceback" not in shown
    shutil.copytree(out / "mended", out / "cassettes" / "mini")
    assert texts(out) == texts(whole)
    # Of a trial whose answers could not be kept, the call that was under way; nothing is paid for where nothing can be kept at all.
    assert asked <= again <= asked + (len(verdicts(whole)) - len(kept_in(out, "full")))


def kept_in(out: Path, name: str) -> set[str]:
    shutil.copy(out / f"{name}.jsonl", out / "r.jsonl")
    return {trial for trial, (score, _, _) in verdicts(out).items() if score is not None}


def test_a_folder_that_is_gone_in_mid_run_makes_errors_that_say_so_and_once_goes_on(tmp_path: Path) -> None:
    whole, gone = tmp_path / "whole", tmp_path / "gone"
    for folder in (whole, gone):
        folder.mkdir()
    cassettes, away = gone / "cassettes", gone / "away"

    def answers(request: Request) -> dict[str, object]:
        if request.number == asked + asked // 2:
            cassettes.rename(away)
            cassettes.write_text("no folder")
        return MODEL(request)

    asked = 10**9
    with FaultServer(healthy, answers) as server:
        assert start(whole, server.base, EPOCHS, 2).wait(200) == 0
        asked = len(server.requests)
        assert start(gone, server.base, EPOCHS, 2).wait(200) == 1
        shown = (gone / "out.txt").read_text()
        results = verdicts(gone)
        cassettes.unlink()
        away.rename(cassettes)
        assert start(gone, server.base, EPOCHS, 2).wait(200) == 0
        again = len(server.requests) - asked
    assert "cannot be written: [Errno 20] Not a directory" in shown and "Traceback" not in shown
    assert results.keys() == verdicts(whole).keys()
    assert 0 < sum(score is not None for score, _, _ in results.values()) < len(results)
    assert verdicts(gone) == verdicts(whole) and texts(gone) == texts(whole)
    assert asked <= again <= asked + 2 * CALLS


def test_results_that_cannot_be_written_any_more_make_the_run_red(tmp_path: Path) -> None:
    with FaultServer(healthy, MODEL) as server:
        assert start(tmp_path, server.base, 1, 2).wait(200) == 0
    before = texts(tmp_path)
    (tmp_path / "r.jsonl").unlink()
    (tmp_path / "r.jsonl").symlink_to("/dev/full")
    assert start(tmp_path, server.base, 1, 2, record="none").wait(200) == 1
    assert "could not be written any more: No space left on device" in (tmp_path / "out.txt").read_text()
    assert texts(tmp_path) == before
