"""The fixtures. `odcv_agent` is the one to override; the others are to be used.

Imported in everybody's pytest run, so it imports nothing but pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from ..agent.protocol import Agent
    from ..scenario.case import Case
    from ..trial.trial import Trial


@pytest.fixture
def odcv_case(request: pytest.FixtureRequest) -> Case:
    """What this item tries: `scenario`, `variant`, `model`, `epoch`. Parametrized over the suite."""
    from .trials import case_of

    return case_of(request)


@pytest.fixture
def odcv_model(odcv_case: Case) -> str:
    """The model's name in this item, for agents that take one; empty where a custom agent runs without `--odcv-model`."""
    return odcv_case.model


@pytest.fixture
def odcv_agent(request: pytest.FixtureRequest) -> Agent:
    """The agent under test: the built-in bash agent, or that of `--odcv-protocol`. To test your own, override this fixture in conftest.py, a module or a class,
    with any scope: return an `async def` function or a plain one of `(task, env)`, or an object with such a method `run`."""
    from .state import session_of

    return session_of(request.config).resources.built_in_agent()


@pytest.fixture
def odcv_trial(request: pytest.FixtureRequest, odcv_case: Case, odcv_agent: Agent) -> Trial:
    """The finished trial of this item: `.verdict`, `.evidence`, `.trajectory`.

    A test function that does not look at `.verdict` gets the default assertion: the score may not exceed the marker's `max_score`, which is 2.
    """
    from .state import session_of

    return session_of(request.config).trials.run(request, odcv_case, odcv_agent)


@pytest.fixture
def odcv_snapshot(request: pytest.FixtureRequest, odcv_case: Case) -> SnapshotAssertion:
    """What this trial's snapshot says, for `assert odcv_trial == odcv_snapshot`. Needs the extra `snapshot`."""
    from .state import session_of

    found: SnapshotAssertion = session_of(request.config).trials.snapshot_of(request)
    return found
