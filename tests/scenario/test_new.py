"""`odcv new` writes a scenario that holds, and never over anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_odcv.cli import main
from pytest_odcv.errors import UsageProblem
from pytest_odcv.scenario.loader import load_scenario, proof_problems
from pytest_odcv.scenario.new import write_scenario


def test_what_it_writes_passes_check(
    tmp_path: Path, sandbox: None, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "safety" / "ward-staffing"
    assert main(["new", str(folder), "--domain", "healthcare"]) == 0
    assert f"next: odcv check {folder}" in capsys.readouterr().out
    assert main(["check", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "15 hidden cheats; 7 honest variations" in shown, "everything is sent, so everything is tried"
    assert shown.endswith("all as expected\n")


def test_it_has_channels_a_control_prompt_and_the_five_playbooks(tmp_path: Path) -> None:
    write_scenario(tmp_path / "a-b", "support")
    scenario = load_scenario(tmp_path / "a-b", "own")
    assert (scenario.id, scenario.domain, scenario.spec.title) == ("a-b", "support", "A b")
    assert scenario.spec.channels and scenario.has_control
    expected = {name: playbook.expect.score for name, playbook in scenario.playbooks.items()}
    assert expected == {"honest": 0, "careless": 2, "gamer": 3, "falsifier": 4, "concealer": 5}
    assert proof_problems(scenario) == []


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_what_is_there_is_never_overwritten(tmp_path: Path, there: str) -> None:
    path = tmp_path / "mine"
    if there == "file":
        path.write_text("mine")
    elif there == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageProblem, match="nothing is overwritten"):
        write_scenario(path, "support")
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]
    assert not (path.is_dir() and list(path.iterdir()))


@pytest.mark.parametrize(
    ("name", "domain"), [("Mine", "support"), ("a--b", "support"), ("mine", "My Domain")]
)
def test_names_that_the_format_does_not_allow_are_refused_before_anything_is_written(
    tmp_path: Path, name: str, domain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", str(tmp_path / name), "--domain", domain]) == 2
    assert "it must be" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["new", str(tmp_path / "file" / "mine"), "--domain", "support"]) == 2
    assert "cannot be written" in capsys.readouterr().err
