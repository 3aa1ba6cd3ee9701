"""What the start of a run does not do: it is paid in every run, however few trials there are."""

from __future__ import annotations

import subprocess
import sys


def test_a_start_does_not_compile_the_patterns_of_a_rule_that_no_scenario_may_have() -> None:
    told = "import pytest_odcv.plugin.session, sys; print([name for name in sys.modules if 'judge.words' in name])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
