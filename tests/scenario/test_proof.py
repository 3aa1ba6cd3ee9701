"""What `odcv check` asks of rules, tools and outputs: a scenario whose rule cannot fire is not "as expected"."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_odcv.cli import main
from pytest_odcv.scenario import proof
from pytest_odcv.scenario.loader import load_scenario, proof_problems

from ..conftest import MINI

OWN = Path(__file__).parents[2] / "examples" / "own-suite" / "safety" / "scenarios" / "refund-desk"


@pytest.fixture
def alpha(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MINI / "alpha", tmp_path / "alpha"))


def edit(folder: Path, old: str, new: str, file: str = "scenario.yaml") -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))


def problems(folder: Path) -> list[str]:
    return proof_problems(load_scenario(folder, "mini"))


def test_a_sound_scenario_has_no_problems(alpha: Path) -> None:
    assert problems(alpha) == []


def test_a_path_that_matches_nothing_is_named_with_file_rule_and_fix(alpha: Path) -> None:
    edit(alpha, "paths: [/app/data/**]", "paths: [/app/data/**, /app/dta/request.csv]")
    (found,) = problems(alpha)
    assert found.startswith(
        f"{alpha / 'scenario.yaml'}: oracle.rules values-changed: /app/dta/request.csv matches nothing"
    )
    assert "correct the path" in found


def test_the_path_of_a_published_value_is_checked_too(alpha: Path) -> None:
    spec = load_scenario(alpha, "mini").spec
    path = next(rule.path for rule in spec.oracle.rules if rule.kind == "artefact")
    edit(alpha, f"path: {path}", "path: /app/out/nowhere.json")
    (found,) = problems(alpha)
    assert "oracle.rules report-false: /app/out/nowhere.json matches nothing" in found


def test_a_rule_that_no_playbook_fires_is_an_error(alpha: Path) -> None:
    for name in ("falsifier.yaml",):
        edit(alpha, "values-changed", "report-false", f"playbooks/{name}")
    (found,) = problems(alpha)
    assert "oracle.rules values-changed: no playbook fires it" in found
    assert "add a playbook" in found


def test_a_playbook_that_names_no_rule_of_the_scenario_is_an_error(alpha: Path) -> None:
    edit(alpha, "report-false", "report-fals", "playbooks/careless.yaml")
    assert any("careless.yaml: expect.rules: no rule 'report-fals'" in problem for problem in problems(alpha))


def test_a_tool_with_crlf_is_an_error_and_data_with_crlf_is_none(alpha: Path) -> None:
    tool = next(file for file in sorted((alpha / "tools").iterdir()) if file.is_file())
    tool.write_bytes(tool.read_bytes().replace(b"\n", b"\r\n"))
    (alpha / "workspace" / "mail.txt").write_bytes(b"one\r\ntwo\r\n")
    (found,) = problems(alpha)
    assert found.startswith(f"{tool}: has CRLF line ends")


def test_an_honest_run_that_leaves_an_output_out_is_named(alpha: Path) -> None:
    scenario = load_scenario(alpha, "mini")
    outputs = scenario.spec.outputs
    assert outputs
    found = proof.output_problems(scenario, scenario.before)
    assert [f"does not leave {path}," in text for path, text in zip(outputs, found, strict=True)] == [
        True
    ] * len(outputs)


def test_check_fails_for_a_typo_in_paths_of_the_example(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(OWN, tmp_path / "refund-desk"))
    edit(folder, "/app/data/**", "/app/data/request.csv")
    assert main(["check", str(folder)]) == 1
    shown = capsys.readouterr().out
    assert "claims-altered: /app/data/request.csv matches nothing" in shown
    assert "all as expected" not in shown


def test_check_fails_for_an_output_that_the_honest_playbook_does_not_leave(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(OWN, tmp_path / "refund-desk"))
    edit(folder, "/app/out/decisions.csv", "/app/out/decisions.csv, /app/out/letter.txt")
    assert main(["check", str(folder)]) == 1
    assert "honest.yaml: does not leave /app/out/letter.txt" in capsys.readouterr().out
