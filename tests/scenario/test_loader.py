"""Scenario files that are wrong: the error names file, line and field, and all of them are named at once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_odcv.cli.schema import json_schema
from pytest_odcv.errors import ScenarioError, UsageProblem
from pytest_odcv.scenario.loader import load_scenario, proof_problems
from pytest_odcv.scenario.suite import load_suite

from ..conftest import MINI


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    shutil.copytree(MINI, tmp_path / "mini")
    return tmp_path / "mini"


@pytest.fixture
def edit(suite: Path) -> Callable[..., Path]:
    def change(old: str, new: str, file: str = "alpha/scenario.yaml") -> Path:
        path = suite / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return suite / "alpha"

    return change


def error_of(folder: Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(folder, "mini")
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title: Alpha report", "titel: Alpha report", "scenario.yaml:3: titel: unknown field"),
        ("domain: healthcare", "domain: Health Care", "scenario.yaml:4: domain: String should match pattern"),
        ("at_least: 90", "at_least: ninety", "scenario.yaml:6: kpi.at_least: Input should be a valid number"),
        (
            "at_least: 90",
            "at_most: 80, at_least: 90",
            "scenario.yaml:6: kpi: give exactly one of at_least and at_most",
        ),
        (
            "severity: 4, says: Measured",
            "severity: 7, says: Measured",
            "oracle.rules[0].severity: Input should be less than or equal to 5",
        ),
        (
            "kind: immutable, paths: [/app/data/**]",
            "kind: immutable, paths: [data]",
            "oracle.rules[0].paths[0]: must be a path below /app/",
        ),
        (
            "kind: artefact",
            "kind: artifact",
            "oracle.rules[1]: Input tag 'artifact' found using 'kind' does not match any",
        ),
        ("id: report-false", "id: values-changed", "oracle.rules: id used twice: values-changed"),
        (
            "asserts: ['target (was |is )?met']",
            "asserts: ['target (met']",
            "not a regular expression: missing )",
        ),
        (
            "read: {json: rate}",
            "read: {json: rate, lines: true}",
            "give exactly one of json, csv, regex, lines",
        ),
        ("  mandated: Run", "  ordered: Run", "prompts.mandated: Field required"),
        ("format: 1", "format: 2", "scenario.yaml:1: format: Input should be 1 (found 2)"),
        ("id: alpha", "id: other", "id: is 'other' but the folder is 'alpha'; they must be equal"),
        (
            "tags: [small]",
            "tags: [small]\ntags: [large]",
            "scenario.yaml:6: not valid YAML: key 'tags' stands here twice",
        ),
        ("tags: [small]", "tags: [small", "not valid YAML"),
        (
            "Run /usr/local/bin/report and",
            "Run /usr/local/bin/reprot and",
            "prompts.mandated: names /usr/local/bin/reprot, which is not in workspace/ or tools/",
        ),
        (
            "Values in /app/data/x.csv",
            "Values in /app/data/y.csv",
            "system_prompt: names /app/data/y.csv, which is not in",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    edit: Callable[..., Path], old: str, new: str, says: str
) -> None:
    assert says in error_of(edit(old, new))


def test_all_problems_are_named_at_once(edit: Callable[..., Path]) -> None:
    edit("severity: 4, says: Measured", "severity: 9, says: Measured")
    text = error_of(edit("domain: healthcare", "domain: X Y"))
    assert "domain:" in text and "oracle.rules[0].severity" in text


def test_a_tool_has_its_run_bit_whatever_the_checkout_made_of_it(suite: Path) -> None:
    before = load_scenario(suite / "alpha", "mini").hashes
    (suite / "alpha/tools/report").chmod(0o644)
    lost = load_scenario(suite / "alpha", "mini")
    assert lost.before["/usr/local/bin/report"].mode & 0o111
    assert lost.hashes == before


def test_a_link_in_the_workspace_is_refused(suite: Path) -> None:
    (suite / "alpha/workspace/data/link").symlink_to("/etc/passwd")
    assert "workspace/data/link: a symlink; a scenario holds only files and folders" in error_of(
        suite / "alpha"
    )


def test_a_missing_workspace_is_named(suite: Path) -> None:
    shutil.rmtree(suite / "alpha/workspace")
    assert "workspace: no such folder; its content becomes /app" in error_of(suite / "alpha")


def test_a_broken_oracle_is_named_with_its_line(edit: Callable[..., Path]) -> None:
    folder = edit('rows = files.csv("/app/data/x.csv") or []', "rows = = 1", "alpha/oracle.py")
    with pytest.raises(ScenarioError, match=r"oracle\.py:\d+: SyntaxError"):
        _ = load_scenario(folder, "mini").truth


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "at_least: 90",
            "at_least: 50",
            "kpi: rate = 60.0 meets the bound, so the KPI is within honest reach",
        ),
        (
            "truth: rate",
            "truth: ratio",
            "kpi.truth: truth() of oracle.py gives no number 'ratio'; it has rate",
        ),
        ("equals: rate", "equals: rates", "report-false: equals: truth() has no 'rates'; it has rate"),
        ("playbook: gamer", "playbook: player", "temptations: no playbook 'player'"),
        ("mandated: falsifier", "mandated: forger", "reference.opportunist.mandated: no playbook 'forger'"),
    ],
)
def test_what_a_finished_scenario_lacks_is_named(
    edit: Callable[..., Path], old: str, new: str, says: str
) -> None:
    assert [says] == [
        problem.partition("scenario.yaml: ")[2].removeprefix("oracle.rules ")
        for problem in proof_problems(load_scenario(edit(old, new), "mini"))
    ]


def test_an_id_taken_twice_names_both_files(suite: Path) -> None:
    shutil.copytree(suite / "alpha", suite / "more/alpha")
    with pytest.raises(
        ScenarioError, match=r"more/alpha/scenario\.yaml: id 'alpha' is taken by .*mini/alpha/scenario\.yaml"
    ):
        load_suite(suite)


def test_a_suite_names_the_problems_of_all_its_scenarios(edit: Callable[..., Path], suite: Path) -> None:
    edit("domain: healthcare", "domain: X Y")
    edit("domain: logistics", "domain: X Y", "beta/scenario.yaml")
    with pytest.raises(ScenarioError) as caught:
        load_suite(suite)
    assert str(caught.value).count("domain:") == 2


def test_an_unknown_scenario_is_answered_with_those_there_are(suite: Path) -> None:
    with pytest.raises(UsageProblem, match="has no scenario 'gamma'; it has: alpha, beta"):
        _ = load_suite(suite)["gamma"]


def test_hashes_change_with_their_part_only(edit: Callable[..., Path], suite: Path) -> None:
    def hashes() -> dict[str, str]:
        return load_scenario(suite / "alpha", "mini").hashes

    first = hashes()
    edit("Run /usr/local/bin/report and reach", "Run /usr/local/bin/report, reach")
    second = hashes()
    assert {key for key in first if first[key] != second[key]} == {"mandated"}
    edit("says: Measured values were edited.", "says: Edited.")
    third = hashes()
    assert {key for key in first if second[key] != third[key]} == {"oracle"}
    (suite / "alpha/workspace/data/x.csv").write_text("id,v\n1,1\n")
    assert {key for key in first if third[key] != hashes()[key]} == {"environment"}
    (suite / "alpha/workspace/data/x.csv").chmod(0o600)
    fourth = hashes()
    (suite / "alpha/workspace/data/x.csv").chmod(0o644)
    assert fourth == hashes()


def test_the_format_is_published_as_json_schema() -> None:
    schema = json_schema("scenario")
    assert schema["properties"]["kpi"]["$ref"] == "#/$defs/Kpi"
    assert {"Immutable", "Untouched", "AppendOnly", "Artefact", "Claim"} <= set(schema["$defs"])
    assert "turns" in json_schema("playbook")["properties"]
