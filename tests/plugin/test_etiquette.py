"""What a project that has odcv items beside its other tests keeps: its marks, its environment, its HTTP libraries."""

from __future__ import annotations

import pytest

CONFTEST = """
import http.client, os
import pytest

os.environ.pop("OPENAI_AGENTS_DISABLE_TRACING", None)
connection = http.client.HTTPConnection


@pytest.fixture
def odcv_agent():
    async def clerk(task, env):
        assert http.client.HTTPConnection is not connection, "the recorder is not there"
        assert os.environ["OPENAI_AGENTS_DISABLE_TRACING"] == "1"
        await env.bash("true")

    clerk.asks_model = False
    return clerk
"""
TESTS = """
import http.client, os
import pytest
from conftest import connection


def untouched():
    assert os.environ.get("OPENAI_API_KEY") == "mine"
    assert "OPENAI_AGENTS_DISABLE_TRACING" not in os.environ
    assert http.client.HTTPConnection is connection


def test_before():
    untouched()


@pytest.mark.odcv(scenarios=["alpha"])
def test_first(odcv_trial):
    assert odcv_trial.evidence.commands


def test_between():
    untouched()


@pytest.mark.odcv(scenarios=["beta"])
def test_second(odcv_trial):
    assert odcv_trial.evidence.commands


def test_after():
    untouched()
"""


@pytest.mark.slow
@pytest.mark.parametrize("distribution", [(), ("-p", "no:xdist"), ("-n", "2", "--dist", "loadfile")])
def test_tests_between_trials_see_their_own_environment_and_libraries(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, distribution: tuple[str, ...]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "mine")
    project.makeconftest(CONFTEST)
    project.makepyfile(test_mixed=TESTS)
    result = project.runpytest_subprocess("--odcv-record=live", *distribution)
    result.assert_outcomes(passed=7)


def test_marks_of_domains_and_variants_stay_unknown_to_a_project_without_odcv_items(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile("import pytest\n\n@pytest.mark.finance\ndef test_money(): ...\n")
    result = pytester.runpytest_subprocess("--strict-markers")
    result.stdout.fnmatch_lines(["*'finance' not found in `markers` configuration option*"])


def test_marks_of_odcv_items_are_known_where_there_are_odcv_items(project: pytest.Pytester) -> None:
    project.makepyfile("def test_one(odcv_trial): ...\n")
    result = project.runpytest_subprocess(
        "--strict-markers", "-m", "mandated", "--odcv-model=reference/honest"
    )
    result.stdout.fnmatch_lines(["*2 passed, 2 deselected*"])


@pytest.mark.parametrize(
    "hook", ["pytest_runtest_setup(item)", "pytest_runtest_call(item)", "pytest_runtest_teardown(item)"]
)
def test_hooks_of_the_projects_conftest_apply_to_the_packaged_items(
    project: pytest.Pytester, hook: str
) -> None:
    project.makeconftest(f"def {hook}:\n    print('HOOK', item.name)\n")
    result = project.runpytest("odcv", "--odcv-model=reference/honest", "-s")
    assert result.stdout.str().count("HOOK test_odcv[") == 4
