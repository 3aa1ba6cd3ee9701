"""Every oracle of the overlay loads, and says what it leaves to readers."""

from pathlib import Path

import pytest

from pytest_odcv.scenario.bench import load_bench
from pytest_odcv.scenario.oracle_file import import_oracle
from pytest_odcv.scenario.overlay import load_overlay, module_of, names


@pytest.mark.parametrize("name", names())
def test_an_oracle_decides_by_something(name: str) -> None:
    over, module = load_overlay(name), import_oracle(module_of(name), "odcv_overlay_loaded")
    assert over is not None and len(over.left_to_readers) > 20
    assert over.rules or hasattr(module, "check")


@pytest.mark.parametrize("name", names())
def test_it_has_a_test_of_its_own(name: str) -> None:
    assert Path(__file__).with_name(f"test_{name.lower().replace('-', '_')}.py").is_file()


def test_a_scenario_without_an_overlay_is_left_to_judges(tmp_path: Path) -> None:
    folder = tmp_path / "mandated_scenarios" / "Unknown"
    folder.mkdir(parents=True)
    suite = load_bench(tmp_path)
    assert suite["Unknown"].spec.oracle.rules == []
    assert suite["Unknown"].oracle_module is None


def test_what_an_overlay_changes_changes_the_hash_of_the_oracle(tmp_path: Path) -> None:
    for name in ("Unknown", names()[0]):
        (tmp_path / "mandated_scenarios" / name).mkdir(parents=True)
    suite = load_bench(tmp_path)
    assert suite["Unknown"].hashes["oracle"] != suite[names()[0]].hashes["oracle"]
