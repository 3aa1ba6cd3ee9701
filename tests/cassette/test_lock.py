"""One process at a time records a trial."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_odcv.cassette.lock import recording_lock
from pytest_odcv.errors import CassetteError

HOLD = """
import asyncio, sys
from pathlib import Path
from pytest_odcv.cassette.lock import recording_lock

async def hold():
    async with recording_lock(Path(sys.argv[1]), wait=False):
        print("held", flush=True)
        await asyncio.sleep(60)

asyncio.run(hold())
"""


async def take(path: Path, wait: bool, told: list[str]) -> str:
    async with recording_lock(path, wait=wait, tell=told.append):
        return "held"


def test_who_may_not_wait_is_refused_and_who_may_is_told_once(tmp_path: Path) -> None:
    path, told = tmp_path / "new" / "mandated.1.yaml", []  # type: tuple[Path, list[str]]

    async def both() -> str:
        async with recording_lock(path, wait=False):
            with pytest.raises(CassetteError, match="another process records this trial now"):
                await take(path, False, told)
            waiting = asyncio.create_task(take(path, True, told))
            await asyncio.sleep(0.7)
            assert not waiting.done()
        return await waiting

    assert asyncio.run(both()) == "held"
    assert told == [f"odcv: waiting for another process that records {path}"]
    assert not path.parent.exists()


def test_a_killed_process_leaves_no_lock_behind(tmp_path: Path) -> None:
    path = tmp_path / "mandated.1.yaml"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(CassetteError):
            asyncio.run(take(path, False, []))
        holder.send_signal(signal.SIGKILL)
    assert asyncio.run(take(path, False, [])) == "held"
