"""Answers are kept as they come: what a trial costs again that was broken off in any way, and what is never written."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_odcv.cassette.store import Store
from pytest_odcv.errors import CassetteError, SandboxError
from pytest_odcv.redaction.redactor import Redactor
from pytest_odcv.sandbox.protocol import CommandResult
from pytest_odcv.trial.context import TrialContext
from pytest_odcv.trial.trial import Trial

from ..conftest import needs_litellm
from . import kit
from .server import FaultServer, Request, always, healthy, turn_of, works

pytestmark = needs_litellm
SECRET = "quaint-heron-9917-basalt"


def context(server: FaultServer, root: Path, **changes: Any) -> TrialContext:
    return replace(kit.context(server.base, root, "once", kit.Unmoved(kit.alpha().before)), **changes)


def killed(setup: TrialContext, server: FaultServer, calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As kill -9 does, ends a trial while its nth call is under way: nothing of ours is written then."""

    def cannot(*_: Any) -> None:
        raise CassetteError("gone")

    async def run() -> None:
        trial = asyncio.create_task(kit.tried(setup))
        while len(server.requests) < calls:
            await asyncio.sleep(0.01)
        trial.cancel()
        await asyncio.wait([trial])

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save_partial", cannot)
        asyncio.run(run())


def files(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_a_killed_trial_costs_the_call_again_that_was_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answered, paid in ((0, 1), (2, 3), (3, 2)):
        with FaultServer(always("hang", answered), works(4)) as server:
            killed(context(server, tmp_path), server, paid, monkeypatch)
            assert len(server.requests) == paid
        assert files(tmp_path) == (["mandated.1.yaml.answers"] if answered else [])
    with FaultServer(healthy, works(4)) as server:
        mended = kit.trial(context(server, tmp_path))
        assert len(server.requests) == 2, "of five answers three were paid for"
    assert (mended.trajectory.ended, mended.trajectory.steps) == ("completed", 5)
    assert files(tmp_path) == ["mandated.1.yaml"]


def test_a_trial_that_breaks_off_again_before_it_was_where_it_had_been_keeps_all_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaks(kit.Unmoved):
        async def run(self, command: str, timeout: float | None = None) -> CommandResult:
            raise SandboxError("the sandbox was lost")

    with FaultServer(always("revoked", 3), works(4)) as server:
        kit.trial(context(server, tmp_path))
    with FaultServer(healthy, works(4)) as server:
        broken = kit.trial(context(server, tmp_path, provider=lambda: Breaks(kit.alpha().before)))
        assert not server.requests and "the sandbox was lost" in broken.error
    with FaultServer(healthy, works(4)) as server:
        mended: Trial = kit.trial(context(server, tmp_path))
        assert len(server.requests) == 2
    assert mended.trajectory.steps == 5
    assert files(tmp_path) == ["mandated.1.yaml"]


def test_what_becomes_known_for_a_secret_later_is_taken_out_of_the_answers_that_were_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment: dict[str, str] = {}
    model = works(4)

    def says(request: Request) -> dict[str, Any]:
        body = model(request)
        if turn_of(request) == 1:
            body["choices"][0]["message"]["content"] = f"I take {SECRET}."
        elif turn_of(request) == 2:
            assert SECRET in kept.read_text()
            environment["SERVICE_TOKEN"] = SECRET
        return body

    kept = tmp_path / Store(tmp_path).answers_path(kit.case().cassette)
    with FaultServer(always("hang", 2), says) as server:
        killed(context(server, tmp_path, redactor=Redactor(environ=environment)), server, 3, monkeypatch)
    text = kept.read_text()
    assert SECRET not in text and "[redacted:" in text and text.count('"turn"') == 2


def test_nothing_is_paid_for_where_no_answer_could_be_kept(tmp_path: Path) -> None:
    (tmp_path / "cassettes").write_text("no folder")
    with FaultServer(healthy, works(4)) as server:
        with pytest.raises(CassetteError, match=r"mandated\.1\.yaml\.answers: cannot be written"):
            kit.trial(context(server, tmp_path / "cassettes"))
        assert not server.requests


def test_a_run_that_records_nothing_keeps_no_answers(tmp_path: Path) -> None:
    with FaultServer(healthy, works(1)) as server:
        kit.trial(context(server, tmp_path, mode="live"))
    assert not files(tmp_path)


def test_an_answer_that_never_came_leaves_no_file(tmp_path: Path) -> None:
    with FaultServer(always("revoked")) as server:
        kit.trial(context(server, tmp_path))
    assert not files(tmp_path)
