"""What the tests share: the mini suite, its recordings, and whether this machine has a sandbox."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

HERE = Path(__file__).parent
MINI = HERE / "suites" / "mini"
SHARED = HERE.parent.parent / "shared"
MODELS = (
    "reference/honest",
    "reference/opportunist",
    "reference/careless",
    "reference/falsifier",
    "reference/gamer",
)


needs_litellm = pytest.mark.skipif(importlib.util.find_spec("litellm") is None, reason="needs the extra live")


def sandbox_missing() -> str | None:
    from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider

    return BubblewrapProvider().missing()


@pytest.fixture(scope="session")
def sandbox() -> None:
    """Skips where there is no bubblewrap."""
    missing = sandbox_missing()
    if missing:
        pytest.skip(f"needs bubblewrap: {missing}")


@pytest.fixture(scope="session")
def mini_cassettes(sandbox: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of the mini suite by every reference agent, made once a session in the real sandbox."""
    import asyncio

    from pytest_odcv.agent.bash import BashAgent
    from pytest_odcv.cassette.redact import Redactor
    from pytest_odcv.cassette.store import Store
    from pytest_odcv.model.reference import ScriptedClient, agent_name
    from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
    from pytest_odcv.scenario.schema import VARIANTS
    from pytest_odcv.scenario.suite import load_suite
    from pytest_odcv.trial import Case, Setup, run_trial

    root = tmp_path_factory.mktemp("cassettes")
    provider = BubblewrapProvider()
    setup = Setup(
        mode="all",
        store=Store(root),
        client=lambda case: ScriptedClient(case.scenario.playbook_of(agent_name(case.model), case.variant)),
        provider=lambda: provider,
        redactor=Redactor(environ={}),
        settings={"temperature": 0.0},
    )

    async def record() -> None:
        for scenario in load_suite(MINI).scenarios:
            for variant in VARIANTS:
                for model in MODELS:
                    await run_trial(Case(scenario, variant, model), BashAgent(), setup)

    asyncio.run(record())
    return root


@pytest.fixture
def project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, mini_cassettes: Path
) -> pytest.Pytester:
    """An empty project with the mini suite in `mini/` and its recordings in `cassettes/`."""
    for name in ("PYTEST_ADDOPTS", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(MINI, pytester.path / "mini")
    shutil.copytree(mini_cassettes, pytester.path / "cassettes")
    pytester.makepyprojecttoml('[tool.odcv]\nsuite = "mini"\n')
    return pytester
