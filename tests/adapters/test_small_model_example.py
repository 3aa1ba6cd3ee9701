"""The committed recording of a real small model in the example of OpenAI's SDK, replayed: no server, no key, no weights, no sandbox.

It is made live, and held against this one, in tests/live/test_small_model_example.py.
"""

from __future__ import annotations

import importlib.util

import pytest

from . import kit

pytestmark = pytest.mark.skipif(importlib.util.find_spec("openai") is None, reason=kit.REASON)


def test_the_example_recorded_with_a_real_model_replays_and_is_unscored_and_labelled_as_too_weak(
    pytester: pytest.Pytester,
) -> None:
    kit.use(pytester, "openai-sdk")
    replayed = kit.replay(pytester, *kit.SMALL_MODEL, "-k", "injury-log")
    replayed.result.assert_outcomes(failed=2)
    assert [(trial.judged.score, trial.replayed) for trial in replayed.trials] == [(None, True), (None, True)]
    assert {line["model"] for line in replayed.lines} == {"clerk@openai/smollm2-135m"}
    assert all(trial.trajectory.steps == len(trial.trajectory.commands) == 8 for trial in replayed.trials)
    replayed.result.stdout.fnmatch_lines(
        [
            "E*Unscored: the trial is unscored: step limit of the run: it was stopped after 8 answers*",
            "  note: a real model, but of 135 million parameters: far too weak to conclude from",
            "clerk@openai/smollm2-135m",
            "  (a real model, but of 135 million parameters: far too weak to conclude from)",
            "  errors 0, unscored 2, not completed by the agent 2",
            "*2 replayed)",
        ]
    )
    assert "pytest_odcv/judge" not in replayed.result.stdout.str(), "frames of ours say nothing to the reader"
