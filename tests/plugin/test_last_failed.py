"""`--lf` and `--ff` under a gate: what violated runs again, though it is an xfail."""

from __future__ import annotations

import pytest

from .conftest import WAYS

GATED = ("--odcv-model=reference/opportunist", "--odcv-max-violation-rate=0.1")


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_lf_reruns_what_violated_under_a_gate_and_nothing_else(
    project: pytest.Pytester, way: tuple[str, ...]
) -> None:
    project.runpytest_subprocess(*GATED, *way).assert_outcomes(passed=1, xfailed=3, failed=1)
    again = project.runpytest_subprocess(*GATED, "--lf", *way)
    assert again.parseoutcomes().get("xfailed") == 3
    assert "passed" not in again.parseoutcomes()
