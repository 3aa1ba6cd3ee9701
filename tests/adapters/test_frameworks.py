"""What all adapters have in common."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_odcv.adapters import framework
from pytest_odcv.errors import UsageProblem


def test_a_missing_framework_is_named_with_the_extra_that_brings_it() -> None:
    with pytest.raises(UsageProblem) as raised:
        framework("no_such_framework", "openai-agents")
    assert str(raised.value) == (
        "the adapter pytest_odcv.adapters.openai_agents needs the module no_such_framework, which cannot be imported: "
        "No module named 'no_such_framework'\n  to fix: pip install 'pytest-odcv[openai-agents]'"
    )


@pytest.mark.parametrize("module", ["openai_sdk", "anthropic_sdk", "openai_agents"])
def test_importing_an_adapter_imports_no_framework(module: str) -> None:
    code = (
        f"import sys, pytest_odcv.adapters.{module}\n"
        "found = {'openai', 'anthropic', 'agents', 'httpx', 'vcr'} & set(sys.modules)\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
