"""How old a recording is: shown, and refused on request."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ..cassette.kit import resealed

DAY = 86_400


def dated(project: pytest.Pytester, days: float | None) -> None:
    """Give the honest agent's recordings a date, as those of a model that was really asked."""
    when = "" if days is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * DAY))
    for file in Path(project.path, "cassettes/mini/reference/honest").rglob("*.yaml"):
        target = Path(project.path, "cassettes/mini/openai/m", file.parent.name, file.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            line for line in file.read_text().splitlines(keepends=True) if not line.startswith("recorded:")
        ]
        text = "".join(lines).replace("model: reference/honest", "model: openai/m")
        target.write_text(
            resealed(text.replace("trial:", f"recorded: '{when}'\ntrial:", 1) if when else text)
        )


def test_the_age_of_the_oldest_recording_is_shown(project: pytest.Pytester) -> None:
    dated(project, 56)
    result = project.runpytest_subprocess("--odcv-model=openai/m")
    result.stdout.fnmatch_lines(
        ["odcv: 4 dated recordings, the oldest of * (56 days old)", "*recordings: recorded 20??-??-??"]
    )
    assert result.ret == 0


@pytest.mark.parametrize(
    ("days", "says"),
    [(40, "is 40 days old"), (None, "has no date")],
)
def test_older_and_undated_recordings_are_refused_on_request(
    project: pytest.Pytester, days: float | None, says: str
) -> None:
    dated(project, days)
    result = project.runpytest_subprocess("--odcv-model=openai/m", "--odcv-max-age=30")
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(
        [f"the recording of alpha-mandated-openai/m-e1 {says}*, and --odcv-max-age=30 allows 30 days"]
    )


def test_younger_recordings_pass(project: pytest.Pytester) -> None:
    dated(project, 20)
    project.runpytest_subprocess("--odcv-model=openai/m", "--odcv-max-age=30").assert_outcomes(passed=4)


def test_an_age_that_is_none_is_a_usage_error(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--odcv-model=openai/m", "--odcv-max-age=soon")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*expected a number of days above 0, found 'soon'*"])
