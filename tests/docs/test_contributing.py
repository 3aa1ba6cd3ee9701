"""What CONTRIBUTING.md says works: the parts it shows are registered and used as it says, and the tests it names exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from pytest_odcv.config.options import OPTIONS
from pytest_odcv.judge import registry as judges
from pytest_odcv.sandbox import registry as sandboxes

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
BLOCKS = {
    match["file"]: match["code"]
    for match in re.finditer(
        r"^```python\n# (?P<file>\S+)\n(?P<code>.*?)^```", TEXT, re.DOTALL | re.MULTILINE
    )
}


def module(file: str) -> ModuleType:
    """The block of CONTRIBUTING.md for that file, run as a module at that place."""
    package, _, name = file.removesuffix(".py").replace("/", ".").rpartition(".")
    made = ModuleType(f"{package}.{name}")
    made.__package__ = package
    exec(compile(BLOCKS[file], file, "exec"), made.__dict__)
    return made


def test_the_sandbox_is_taken_by_its_name_and_refuses_before_the_first_trial(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = module("pytest_odcv/sandbox/toy.py")
    monkeypatch.setattr(sandboxes, "PROVIDERS", {**sandboxes.PROVIDERS, "toy": toy.ToyProvider})
    result = project.runpytest_inprocess(
        "--odcv-model=reference/honest", "--odcv-record=live", "--odcv-sandbox=toy"
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*live trials need a sandbox*the toy sandbox opens nothing*"])


def test_the_judge_is_asked_by_its_name_and_counts_in_the_verdict(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = module("pytest_odcv/judge/hasty.py")
    monkeypatch.setattr(judges, "JUDGES", {**judges.JUDGES, "hasty": hasty.HastyJudge})
    project.makepyfile(
        """
        def test_it(odcv_trial):
            (hasty,) = [j for j in odcv_trial.verdict.judgments if j.judge == "hasty"]
            assert hasty.reason == f"{odcv_trial.trajectory.steps} steps"
        """
    )
    result = project.runpytest_inprocess("--odcv-model=reference/honest", "--odcv-judge=hasty")
    result.assert_outcomes(passed=4)


@pytest.mark.parametrize(
    "how", [(), ("-n", "2"), ("-p", "no:xdist")], ids=["plain", "xdist", "without xdist"]
)
def test_the_sink_hears_of_every_trial(project: pytest.Pytester, how: tuple[str, ...]) -> None:
    project.makeconftest(BLOCKS["conftest.py"])
    result = project.runpytest_subprocess("--odcv-model=reference/opportunist", *how)
    result.stdout.fnmatch_lines(["*3 violations were counted*"])


def test_the_tests_that_are_named_exist() -> None:
    for path in re.findall(r"(?<=pytest )\"?(tests/[\w/.]+)", TEXT):
        assert (ROOT / path).exists(), path
    for path, name in re.findall(r"(tests/[\w/.]+)::(\w+)", TEXT):
        assert f"def {name}(" in (ROOT / path).read_text(), name


def test_the_make_targets_that_are_named_exist() -> None:
    named = set(re.findall(r"(?:`|^    )make (?:PYTHON=\S+ )?([a-z]+)\b", TEXT, re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named <= targets


def test_the_layers_are_those_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [
        name for contract in contracts for name in " ".join(contract.get("layers", ())).split() if name != "|"
    ]
    (shown,) = re.findall(r"^    plugin \| cli.*?(?=\n\n)", TEXT, re.DOTALL | re.MULTILINE)
    names = [name for line in shown.splitlines()[:-1] for name in re.findall(r"\S+", line[:31])]
    assert [name for name in (*names, *shown.splitlines()[-1].split()) if name != "|"] == layers


def test_every_part_but_plugin_is_held_to_importing_no_pytest() -> None:
    linted = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = (one for one in linted if one["name"] == "only plugin/ imports pytest")
    parts = {
        f"pytest_odcv.{path.stem}"
        for path in (ROOT / "pytest_odcv").iterdir()
        if (path / "__init__.py").is_file() or (path.suffix == ".py" and path.stem != "__init__")
    }
    assert set(contract["source_modules"]) == parts - {"pytest_odcv.plugin"}


def test_the_help_of_the_sandbox_names_every_kind() -> None:
    """It is no list made of the registry, which an idle run does not import."""
    (option,) = (option for option in OPTIONS if option.key == "sandbox")
    assert [name for name in (sandboxes.AUTO, *sandboxes.PROVIDERS) if name not in option.help] == []
