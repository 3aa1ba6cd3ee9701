"""What names the model and the suite decides what runs, wherever it is written, and never where pytest's root is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import MINI

HONEST = "reference/honest"
WAYS = pytest.mark.parametrize("way", [(), ("-n", "2"), ("-p", "no:xdist")], ids=["plain", "n2", "no-xdist"])


@WAYS
def test_a_model_in_pyproject_selects_the_packaged_suite_as_the_option_does(
    project: pytest.Pytester, way: tuple[str, ...]
) -> None:
    by_option = project.runpytest_subprocess(f"--odcv-model={HONEST}", *way)
    by_option.assert_outcomes(passed=4)
    project.makepyprojecttoml(f'[tool.odcv]\nsuite = "mini"\nmodel = "{HONEST}"\n')
    project.runpytest_subprocess(*way).assert_outcomes(passed=4)
    project.makepyprojecttoml(f'[tool.odcv]\nsuite = "mini"\nmodel = ["{HONEST}"]\n')
    project.runpytest_subprocess("-k", "alpha", *way).assert_outcomes(passed=2)


def test_a_model_in_pyproject_leaves_tests_that_are_named_alone(project: pytest.Pytester) -> None:
    project.makepyprojecttoml(f'[tool.odcv]\nsuite = "mini"\nmodel = "{HONEST}"\n')
    project.makepyfile("def test_it(): pass")
    project.runpytest(next(project.path.glob("test_*.py")).name).assert_outcomes(passed=1)
    project.runpytest().assert_outcomes(passed=5)
    project.makepyfile("def test_it(odcv_trial): assert odcv_trial.verdict <= 2")
    project.runpytest().assert_outcomes(passed=4)


@pytest.mark.parametrize("joined", [True, False], ids=["equals", "space"])
@pytest.mark.parametrize("way", [(), ("-n", "2")], ids=["plain", "n2"])
def test_the_value_of_an_option_does_not_move_the_root(
    project: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory, joined: bool, way: tuple[str, ...]
) -> None:
    """A suite outside of the project, whose pyproject.toml has the model and the options of pytest."""
    outside = tmp_path_factory.mktemp("elsewhere") / "mini"
    shutil.copytree(MINI, outside)
    project.makepyprojecttoml(
        f'[tool.pytest.ini_options]\naddopts = "-rA"\n[tool.odcv]\nmodel = "{HONEST}"\n'
    )
    args = [f"--odcv-suite={outside}"] if joined else ["--odcv-suite", str(outside)]
    result = project.runpytest_subprocess("odcv", *args, *way)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines([f"rootdir: {project.path}", "configfile: pyproject.toml", "PASSED odcv::*"])


@pytest.mark.parametrize("option", ["--odcv-cassettes", "--odcv-results", "--odcv-suite", "--odcv-baseline"])
def test_no_path_of_an_option_does(
    project: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory, option: str
) -> None:
    folder: Path = tmp_path_factory.mktemp("elsewhere")
    result = project.runpytest("--collect-only", option, str(folder))
    text = result.stdout.str() + result.stderr.str()
    assert f"rootdir: {project.path}" in text or ("ERROR: " in text and "rootdir" not in text)


def test_a_path_of_tests_still_counts_for_the_root(
    project: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "pytest.ini").write_text("[pytest]\n")
    (other / "test_x.py").write_text("def test_it(): pass\n")
    result = project.runpytest(str(other), "--odcv-suite", str(project.path / "mini"))
    result.stdout.fnmatch_lines([f"rootdir: {other}"])
