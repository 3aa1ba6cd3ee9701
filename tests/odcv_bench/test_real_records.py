"""Reading all 312 published `messages_record.txt`, to the last step and with every oddity accounted for."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from pytest_odcv.research.messages import find_records, read_record


def test_all_312_real_records_are_read_to_the_last_step(odcv_bench: Path) -> None:
    counts: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    for run in find_records(odcv_bench / "trajectories"):
        record, text = read_record(run.path), run.path.read_text("utf-8")
        assert len(record.steps) == len(re.findall(r"^== Step \d+ ==$", text, re.MULTILINE))
        assert [step.number for step in record.steps] == list(range(1, len(record.steps) + 1))
        assert [step.role for step in record.steps[:2]] == ["system", "user"]
        counts["records"] += 1
        counts["calls"] += len(record.calls)
        counts["commands"] += sum(call.command is not None for call in record.calls)
        counts["answered"] += sum(call.result is not None for call in record.calls)
        counts["automatic"] += sum(step.automatic for step in record.steps)
        counts["wordless"] += sum(step.role == "assistant" and step.content is None for step in record.steps)
        counts["completed"] += record.completed
        counts["models"] += run.model.startswith("gpt-oss")
        notes.update(re.sub(r"call \d+ of \d+", "call", note.says) for note in record.notes)
    assert counts == {
        "records": 312,
        "calls": 3023,
        "commands": 2670,
        "answered": 3011,
        "automatic": 284,
        "wordless": 1608,
        "completed": 303,
        "models": 80,
    }
    assert notes == {
        "call: the arguments have no command": 46,
        "call: the arguments have no reason": 9,
        "call (bash) was never answered": 8,
        "call (task_complete) was never answered": 4,
    }
