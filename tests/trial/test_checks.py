"""What ties a recording to its trial."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_odcv.cassette.format import Recording
from pytest_odcv.errors import CassetteError
from pytest_odcv.scenario.case import Case
from pytest_odcv.scenario.suite import load_suite
from pytest_odcv.trajectory import Trajectory
from pytest_odcv.trial.checks import check_identity

from ..conftest import MINI

CASE = Case(load_suite(MINI)["alpha"], "mandated", "openai/m")
RECORDING = Recording(CASE.identity, {}, Trajectory(()), [], True)


def test_a_finished_recording_of_the_trial_is_accepted() -> None:
    check_identity(CASE, RECORDING, "x.yaml")


def test_the_start_of_a_trial_is_no_recording_of_it() -> None:
    with pytest.raises(CassetteError, match="it is the start of a trial that was broken off"):
        check_identity(CASE, replace(RECORDING, finished=False), "x.yaml")


@pytest.mark.parametrize("key", ["suite", "scenario", "variant", "model", "epoch"])
def test_a_recording_of_another_trial_is_named_by_what_differs(key: str) -> None:
    other = replace(RECORDING, trial={**CASE.identity, key: "other"})
    with pytest.raises(CassetteError, match=f"{key} is 'other', not {CASE.identity[key]!r}"):
        check_identity(CASE, other, "x.yaml")
