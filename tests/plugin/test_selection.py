"""What is collected: items as pytest users know them, the packaged function only where the project has none."""

from __future__ import annotations

import pytest

HONEST = "--odcv-model=reference/honest"
FOUR = [
    "odcv::test_odcv[alpha-mandated-reference/honest-e1]",
    "odcv::test_odcv[alpha-incentivized-reference/honest-e1]",
    "odcv::test_odcv[beta-mandated-reference/honest-e1]",
    "odcv::test_odcv[beta-incentivized-reference/honest-e1]",
]


def listed(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line and " " not in line]


def test_ids_say_scenario_variant_model_epoch_and_no_path(project: pytest.Pytester) -> None:
    result = project.runpytest("--collect-only", "-q", HONEST)
    assert listed(result) == FOUR
    assert result.ret == 0


def test_two_models_and_two_epochs_multiply(project: pytest.Pytester) -> None:
    result = project.runpytest(
        "--collect-only", "-q", HONEST, "--odcv-model=reference/gamer", "--odcv-epochs=2"
    )
    assert len(listed(result)) == 16
    assert "odcv::test_odcv[alpha-mandated-reference/gamer-e2]" in listed(result)


@pytest.mark.parametrize(
    ("args", "chosen"),
    [
        (("-k", "alpha"), [0, 1]),
        (("-k", "alpha and mandated"), [0]),
        (("-k", "reference/honest and not beta"), [0, 1]),
        (("-m", "healthcare"), [0, 1]),
        (("-m", "logistics and incentivized"), [3]),
        (("-m", "large"), [2, 3]),
        ((FOUR[2],), [2]),
        (("odcv",), [0, 1, 2, 3]),
        (("--deselect", FOUR[0]), [1, 2, 3]),
    ],
)
def test_pytests_own_selection_works(
    project: pytest.Pytester, args: tuple[str, ...], chosen: list[int]
) -> None:
    result = project.runpytest("--collect-only", "-q", "--strict-markers", HONEST, *args)
    assert listed(result) == [FOUR[index] for index in chosen]


def test_last_failed_runs_what_failed(project: pytest.Pytester) -> None:
    opportunist = "--odcv-model=reference/opportunist"
    assert project.runpytest(opportunist).parseoutcomes() == {"failed": 3, "passed": 1}
    result = project.runpytest(opportunist, "--lf")
    assert result.parseoutcomes() == {"failed": 3, "deselected": 1}


def test_exitfirst_stops_at_the_first_violation(project: pytest.Pytester) -> None:
    assert project.runpytest("--odcv-model=reference/opportunist", "-x").parseoutcomes() == {"failed": 1}


def test_a_project_with_a_test_of_its_own_gets_no_second_suite(
    project: pytest.Pytester, way: tuple[str, ...]
) -> None:
    project.makepyfile("def test_mine(odcv_trial):\n    assert odcv_trial.verdict <= 2\n")
    result = project.runpytest_subprocess("-v", HONEST, *way)
    result.assert_outcomes(passed=4)
    assert "odcv::test_odcv" not in result.stdout.str()


def test_a_project_with_other_tests_gets_the_packaged_function_besides(
    project: pytest.Pytester, way: tuple[str, ...]
) -> None:
    project.makepyfile("def test_other():\n    pass\n")
    project.runpytest_subprocess(HONEST, *way).assert_outcomes(passed=5)


def test_a_path_is_all_that_is_run(project: pytest.Pytester) -> None:
    path = project.makepyfile(
        test_mine="def test_mine(odcv_trial):\n    pass\n", test_more="def test_more(): pass\n"
    )
    assert path.name == "test_mine.py"
    project.runpytest("test_mine.py", HONEST).assert_outcomes(passed=4)


def test_markers_narrow_scenarios_variants_and_epochs(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        pytestmark = pytest.mark.odcv(scenarios=["alpha"], epochs=2)
        @pytest.mark.odcv(variants="mandated", epochs=1)
        def test_near(odcv_trial): pass
        def test_far(odcv_trial): pass
        """
    )
    result = project.runpytest("--collect-only", "-q", HONEST)
    ids = [line.partition("[")[2] for line in listed(result)]
    assert ids == [
        "alpha-mandated-reference/honest-e1]",
        "alpha-mandated-reference/honest-e1]",
        "alpha-mandated-reference/honest-e2]",
        "alpha-incentivized-reference/honest-e1]",
        "alpha-incentivized-reference/honest-e2]",
    ]


def test_markers_win_over_the_file_and_the_command_line_wins_over_both(project: pytest.Pytester) -> None:
    project.makepyprojecttoml('[tool.odcv]\nsuite = "mini"\nmodel = "reference/gamer"\nepochs = 3\n')
    result = project.runpytest("--collect-only", "-q", "odcv")
    assert len(listed(result)) == 12
    assert all("reference/gamer" in line for line in listed(result))
    project.makepyfile("import pytest\n@pytest.mark.odcv(epochs=2)\ndef test_it(odcv_trial): pass\n")
    assert len(listed(project.runpytest("--collect-only", "-q"))) == 8
    assert len(listed(project.runpytest("--collect-only", "-q", "--odcv-epochs=1"))) == 4


@pytest.mark.parametrize("args", [("-k", "nothing"), ("-m", "finance")])
def test_an_empty_selection_is_no_green_run(
    project: pytest.Pytester, args: tuple[str, ...], way: tuple[str, ...]
) -> None:
    assert project.runpytest_subprocess(HONEST, *args, *way).ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_model_without_any_trial_is_no_green_run(project: pytest.Pytester, way: tuple[str, ...]) -> None:
    project.makepyfile("def test_other(): pass\n")
    result = project.runpytest_subprocess(HONEST, "test_a_model_without_any_trial_is_no_green_run.py", *way)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["No odcv trial was run though options ask for one*"])


def test_without_the_plugin_in_use_a_run_knows_nothing_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\ndef test_it():\n    assert not {'pydantic', 'yaml', 'asyncio', 'pytest_odcv.plugin.session'} & set(sys.modules)\n"
    )
    result = pytester.runpytest_subprocess("-p", "no:syrupy", "-p", "no:xdist")
    result.assert_outcomes(passed=1)
    assert "odcv" not in result.stdout.str().replace("odcv-0", "")
