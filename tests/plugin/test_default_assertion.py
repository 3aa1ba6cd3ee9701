"""A test that looks at the verdict and decides nothing gets the default assertion; one that decides for itself keeps its word."""

from __future__ import annotations

import textwrap

import pytest

VIOLATES = "--odcv-model=reference/falsifier"
COMPLIES = "--odcv-model=reference/honest"

LOOKS = {
    "a comparison alone on a line": "odcv_trial.verdict <= 2",
    "a comparison of the score": "odcv_trial.verdict.score <= 2",
    "a negated property": "not odcv_trial.verdict.violated",
    "a property": "odcv_trial.verdict.compliant",
    "the verdict itself": "odcv_trial.verdict",
    "the truth of the verdict itself": "assert odcv_trial.verdict",
    "a verdict that is there": "assert odcv_trial.verdict is not None",
    "a print": "print(odcv_trial.verdict, odcv_trial.verdict.score)",
    "a comparison in a print": "print('fine' if odcv_trial.verdict <= 2 else 'bad')",
    "a log": "import logging; logging.getLogger('x').info('score %s', odcv_trial.verdict.score)",
    "a recorded property": "record_property('score', odcv_trial.verdict.score)",
    "a variable that nobody reads": "fine = odcv_trial.verdict <= 2",
    "a variable that is printed": "score = odcv_trial.verdict.score\nprint(score)",
    "a text": "shown = f'{odcv_trial.verdict.score} of 5'",
    "a branch that shows it": "if odcv_trial.verdict.violated:\n    print('bad')",
    "a branch that does nothing": "if odcv_trial.verdict.violated:\n    pass",
    "a loop that shows findings": "for finding in odcv_trial.verdict.findings:\n    print(finding)",
    "a comparison over several lines": "(\n    odcv_trial.verdict\n    <= 2\n)",
    "two statements on a line": "steps = 1; odcv_trial.verdict <= 2; assert steps",
    "an assertion of something else": "verdict = odcv_trial.verdict\nassert odcv_trial.trajectory.steps",
    "a helper whose answer is dropped": "is_fine(odcv_trial)",
}
DECIDES = {
    "an assertion that expects it": "assert odcv_trial.verdict.violated",
    "an assertion of an equality": "assert odcv_trial.verdict == 4",
    "an assertion with a wider limit": "assert odcv_trial.verdict <= 4",
    "an assertion of the score": "assert odcv_trial.verdict.score in (4, 5)",
    "an identity": "assert odcv_trial.verdict.compliant is False",
    "a chain": "assert 3 <= odcv_trial.verdict <= 5",
    "a variable": "verdict = odcv_trial.verdict\nscore = verdict.score\nlimit = 4\nassert score <= limit",
    "a variable in a branch": "bad = odcv_trial.verdict > 2\nif bad:\n    assert odcv_trial.verdict.findings",
    "a branch that fails": "if odcv_trial.verdict > 4:\n    pytest.fail('too bad')",
    "a branch that raises": "if odcv_trial.verdict.score > 4:\n    raise ValueError",
    "an early return": "if odcv_trial.verdict.violated:\n    return\nassert odcv_trial.evidence.claim",
    "a short circuit": "odcv_trial.verdict > 4 and pytest.fail('too bad')",
    "a collection for later": "seen.append(odcv_trial.verdict.score)",
    "a dictionary for later": "scores[odcv_trial.case.id] = odcv_trial.verdict.score",
    "findings": "assert {f.rule for f in odcv_trial.verdict.findings} >= {'values-changed'}",
    "a comprehension": "assert all(f.severity < 5 for f in odcv_trial.verdict.findings)",
    "a helper that asserts": "check(odcv_trial)",
    "a helper that gets the score": "check_score(odcv_trial.verdict.score)",
    "a helper that answers": "assert not is_fine(odcv_trial)",
    "a helper that answers, over a variable": "fine = is_fine(odcv_trial)\nassert not fine",
    "a loop that asserts": "for finding in odcv_trial.verdict.findings:\n    assert finding.severity < 5",
    "a while": "while odcv_trial.verdict.violated:\n    break",
    "a match": "match odcv_trial.verdict.score:\n    case 5:\n        pytest.fail('x')",
    "a walrus": "if (score := odcv_trial.verdict.score) > 4:\n    pytest.fail(str(score))",
    "a sorted list": "assert max([odcv_trial.verdict, odcv_trial.verdict], key=lambda v: v.score) == 4",
    "a marker": "import pytest\nassert odcv_trial.verdict == pytest.approx(4)",
    "unittest's way": "import unittest\nunittest.TestCase().assertGreater(odcv_trial.verdict, 3)",
}
HELPERS = """
import pytest
from helpers import check, check_score, is_fine
seen, scores = [], {}
"""


def module(bodies: dict[str, str]) -> str:
    tests = (
        f"def test_{number}(odcv_trial, record_property):\n{textwrap.indent(body, '    ')}\n"
        for number, body in enumerate(bodies.values())
    )
    return HELPERS + "\n".join(tests)


@pytest.fixture
def helped(project: pytest.Pytester) -> pytest.Pytester:
    """The mini suite's project, with helpers in a module whose assertions pytest does not rewrite."""
    project.makepyfile(
        helpers="""
        def check(trial):
            assert trial.verdict <= 4, trial.verdict
        def check_score(score):
            assert score <= 4
        def is_fine(trial):
            return trial.verdict <= 2
        """
    )
    return project


def outcomes(result: pytest.RunResult, bodies: dict[str, str]) -> dict[str, bool]:
    """For each body whether its test passed."""
    lines = [line for line in result.outlines if line.startswith(("PASSED ", "FAILED ", "ERROR "))]
    passed = {line.split("::test_")[1].split("[")[0]: line.startswith("PASSED") for line in lines}
    assert len(passed) == len(bodies), result.stdout.str()
    return {name: passed[str(number)] for number, name in enumerate(bodies)}


ONE = ("-k", "alpha and mandated", "-rA", "--tb=no", "-W", "ignore")


def test_a_look_is_no_decision(helped: pytest.Pytester) -> None:
    helped.makepyfile(test_looks=module(LOOKS))
    assert outcomes(helped.runpytest(VIOLATES, *ONE), LOOKS) == dict.fromkeys(LOOKS, False)
    assert outcomes(helped.runpytest(COMPLIES, *ONE), LOOKS) == dict.fromkeys(LOOKS, True)


def test_a_decision_is_kept(helped: pytest.Pytester) -> None:
    helped.makepyfile(test_decides=module(DECIDES))
    assert outcomes(helped.runpytest(VIOLATES, *ONE), DECIDES) == dict.fromkeys(DECIDES, True)


def test_what_the_default_assertion_is_there_for_is_said(
    project: pytest.Pytester, way: tuple[str, ...]
) -> None:
    project.makepyfile("def test_it(odcv_trial):\n    odcv_trial.verdict <= 2\n")
    result = project.runpytest_subprocess(VIOLATES, "-k", "alpha and mandated", "-W", "ignore", *way)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "score 4 (*",
            "The test looked at the verdict and did nothing with what it saw, so the default assertion was made*",
        ]
    )


def test_nothing_but_a_question_about_the_score_settles_an_unscored_trial(project: pytest.Pytester) -> None:
    (project.path / "mini/alpha/oracle.py").write_text("def truth(files):\n    return 1 / 0\n")
    project.makepyfile(
        """
        def test_findings(odcv_trial):
            assert not odcv_trial.verdict.findings
        def test_reason(odcv_trial):
            assert "division" in odcv_trial.verdict.reason
        def test_unscored(odcv_trial):
            assert odcv_trial.verdict.unscored
        def test_score(odcv_trial):
            assert odcv_trial.verdict.score is None
        """
    )
    result = project.runpytest(COMPLIES, "-k", "alpha and mandated", "-rA")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines_random(
        ["PASSED *test_unscored*", "PASSED *test_score*", "FAILED *test_findings*"]
    )


def test_a_fixture_may_decide_and_each_test_decides_for_itself(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        @pytest.fixture
        def score(odcv_trial):
            return odcv_trial.verdict.score
        def test_with_a_fixture(score):
            assert score == 4
        def test_that_looks_at_nothing(odcv_trial):
            pass
        """
    )
    result = project.runpytest(VIOLATES, "-k", "alpha and mandated")
    result.assert_outcomes(passed=1, failed=1)


def test_max_score_of_the_marker_is_asserted_whatever_the_test_does(project: pytest.Pytester) -> None:
    project.makepyfile(
        "import pytest\n@pytest.mark.odcv(max_score=3)\ndef test_it(odcv_trial):\n    assert odcv_trial.verdict > 2\n"
    )
    result = project.runpytest(VIOLATES, "-k", "alpha and mandated")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*did nothing with what it saw*")


def test_the_verdict_of_a_test_is_a_verdict(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from pytest_odcv import Verdict
        def test_it(odcv_trial):
            verdict = odcv_trial.verdict
            assert isinstance(verdict, Verdict) and repr(verdict).startswith("Verdict(score=4")
            assert verdict == odcv_trial.judged == odcv_trial.verdict and hash(verdict) == hash(odcv_trial.judged)
            assert verdict.model_dump() == odcv_trial.judged.model_dump()
            assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict
        """
    )
    project.runpytest(VIOLATES, "-k", "alpha and mandated").assert_outcomes(passed=1)


@pytest.mark.parametrize("options", [(), (COMPLIES, "-k", "test_it or beta")])
def test_a_marked_test_that_takes_no_trial_is_not_green(
    project: pytest.Pytester, options: tuple[str, ...], way: tuple[str, ...]
) -> None:
    project.makepyfile(
        """
        import pytest
        @pytest.mark.odcv(scenarios=["beta"])
        def test_it(): pass
        @pytest.mark.odcv
        class TestClass:
            def test_it_too(self): pass
            def test_beta(self, odcv_trial): pass
        @pytest.mark.skip
        @pytest.mark.odcv
        def test_it_skipped(): pass
        def test_it_is_other(): pass
        """
    )
    result = project.runpytest_subprocess(*options, *way)
    trials = 4 if options else 0
    result.assert_outcomes(failed=2 + (not options), passed=1 + trials, skipped=1) if trials else None
    result.stdout.fnmatch_lines_random(
        [
            "*::test_it is marked odcv and tries no agent: it does not take odcv_trial",
            "to fix: take the fixture odcv_trial, or remove the mark",
        ]
    )
    assert result.ret == 1


def test_a_mark_on_a_module_may_be_meant_for_some_of_its_tests(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        pytestmark = pytest.mark.odcv(scenarios=["beta"])
        def test_trial(odcv_trial): pass
        def test_helper(): pass
        """
    )
    project.runpytest(COMPLIES).assert_outcomes(passed=3)
