"""Where a suite lies: a plain path, or a path after the kind of suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_odcv.config.settings import resolve_in
from pytest_odcv.scenario import registry

from ..conftest import MINI


@pytest.mark.parametrize("location", [str(MINI), f"folder:{MINI}"])
def test_a_folder_of_scenarios_is_a_suite_with_or_without_its_kind(location: str) -> None:
    assert registry.load(location).name == "mini"


def test_a_colon_of_a_path_is_no_kind() -> None:
    assert registry.split("C:/suites/mine") == ("folder", "C:/suites/mine")


def test_a_relative_path_after_a_kind_starts_where_pytest_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "LOADERS", {**registry.LOADERS, "other": registry.LOADERS["folder"]})
    assert resolve_in(tmp_path, {"suite": "other:suites/a"}).suite == f"other:{tmp_path / 'suites/a'}"
    assert resolve_in(tmp_path, {"suite": "suites/a"}).suite == str(tmp_path / "suites/a")
