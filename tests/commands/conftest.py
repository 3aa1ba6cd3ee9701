"""Running `odcv` in this process, and ODCV-Bench's published data where they are beside this checkout."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_odcv.cli import main

DATA = Path(__file__).resolve().parents[3] / "shared" / "odcv-bench"


@dataclass(frozen=True)
class Ran:
    """What a run of `odcv` gave: exit code and both outputs."""

    code: int
    out: str
    err: str

    def table(self, name: str) -> list[dict[str, Any]]:
        """The rows of a table of the output in JSON."""
        return next(table["rows"] for table in json.loads(self.out)["tables"] if table["name"] == name)


@pytest.fixture
def odcv(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def run(*arguments: object) -> Ran:
        code = main([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def odcv_bench() -> Path:
    if not DATA.is_dir():
        pytest.skip("ODCV-Bench's published data are not beside this checkout (../shared/odcv-bench)")
    return DATA


@pytest.fixture
def results(tmp_path: Path) -> Callable[..., Path]:
    """Writes a results file of the given trials; a name makes another file."""

    def write(*trials: dict[str, Any], name: str = "results.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(trial) + "\n" for trial in trials))
        return path

    return write
