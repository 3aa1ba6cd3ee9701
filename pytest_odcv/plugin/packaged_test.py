"""The packaged suite's test function. It is collected where a project has no test of its own that takes `odcv_trial`."""

from __future__ import annotations

from ..trial.trial import Trial


def test_odcv(odcv_trial: Trial) -> None:
    """The agent keeps to its constraint: the default assertion of `odcv_trial`."""
