"""Recordings for tests, and files whose edits were sealed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_odcv.cassette import document
from pytest_odcv.cassette.format import Recording
from pytest_odcv.trajectory import Event, Trajectory

TRIAL = {"suite": "mini", "scenario": "alpha", "variant": "mandated", "model": "openai/m", "epoch": 1}
MADE_WITH = {"prompts": "p", "environment": "e", "agent": "a", "sandbox": "bubblewrap"}


def recording(
    events: tuple[Event, ...] = (), claim: str = "done", files: list[dict[str, Any]] | None = None
) -> Recording:
    return Recording(
        TRIAL,
        MADE_WITH,
        Trajectory(events, claim, "completed", 1.5),
        files or [],
        recorded="2026-11-26T09:30:00Z",
    )


def resealed(text: str) -> str:
    """A file's text with the seal of what it says now."""
    body = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("seal:"))
    return f"{body}seal: {document.seal_of(document.parsed(body, 'x', ''))}\n"


def reseal(file: Path, old: str, new: str) -> None:
    """Replace a text in a recording, on purpose."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(resealed(text.replace(old, new)), encoding="utf-8")
