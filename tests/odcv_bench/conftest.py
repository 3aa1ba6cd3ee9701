"""Where ODCV-Bench's published data are: beside this checkout, on machines that have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_odcv.research.folder import Published, read_folder

DATA = Path(__file__).resolve().parents[3] / "shared" / "odcv-bench"


@pytest.fixture(scope="session")
def odcv_bench() -> Path:
    if not DATA.is_dir():
        pytest.skip("ODCV-Bench's published data are not beside this checkout (../shared/odcv-bench)")
    return DATA


@pytest.fixture(scope="session")
def published(odcv_bench: Path) -> Published:
    return read_folder(odcv_bench)
