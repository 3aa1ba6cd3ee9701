"""What the tests share: the mini suite, its recordings, and whether this machine has a sandbox."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
from functools import cache
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


PLUGINS = {"odcv", "syrupy", "xdist", "xdist.looponfail"}
"""Those of pytest's plugins that the tests drive."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The variants of a test with `-n 2` and with `-p no:xdist` start one to three processes for what the plain one does in this one:
    `make test-slow` runs them."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec is not None and {"n2", "xdist"} & set(callspec.id.split("-")):
            item.add_marker(pytest.mark.slow)


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


@cache
def without_others() -> str:
    """Options for a run of pytest without the plugins of other projects that happen to be installed.

    Loading hypothesis, langsmith and the like takes several times as long as a run of the mini suite, and once more in
    each worker. tests/docs and tests/packaged start pytest with all that is installed.
    """
    found = {entry.name for entry in importlib.metadata.entry_points(group="pytest11")}
    return " ".join(f"-p no:{name}" for name in sorted(found - PLUGINS))


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """pytester, whose runs load this plugin, xdist and syrupy, and no other."""
    monkeypatch.setenv("PYTEST_ADDOPTS", without_others())
    for name in (
        "CI",
        "BUILD_NUMBER",
        "GITHUB_STEP_SUMMARY",
        "GITHUB_ACTIONS",
    ):  # pytest cuts fewer lines where one of them is set
        monkeypatch.delenv(name, raising=False)
    return pytester


@pytest.fixture(scope="session")
def litellm_imported() -> None:
    """A run of pytest in this process forgets what it imports: litellm, which takes seconds, is imported before, once."""
    from pytest_odcv.model.litellm_client import import_litellm

    import_litellm()


@pytest.fixture(scope="session")
def matplotlib_imported() -> None:
    """Likewise: imported again after such a run, parts of matplotlib are of two kinds that do not fit."""
    pytest.importorskip("matplotlib")
    from pytest_odcv.report import figures

    for kind in ("svg", "png"):
        figures.image(figures.rates([]), kind)


def record_mini(root: Path, models: tuple[str, ...], epochs: int = 1) -> None:
    """Records the mini suite with these reference agents in the real sandbox, below `root`."""
    import asyncio

    from pytest_odcv.agent.bash import BashAgent
    from pytest_odcv.cassette.store import Store
    from pytest_odcv.model.reference import ScriptedClient, agent_name
    from pytest_odcv.redaction.redactor import Redactor
    from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
    from pytest_odcv.scenario.case import Case
    from pytest_odcv.scenario.schema import VARIANTS
    from pytest_odcv.scenario.suite import load_suite
    from pytest_odcv.trial.context import TrialContext
    from pytest_odcv.trial.run import run_trial

    provider = BubblewrapProvider()
    setup = TrialContext(
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
                for model in models:
                    for epoch in range(1, epochs + 1):
                        await run_trial(Case(scenario, variant, model, epoch), BashAgent(), setup)

    asyncio.run(record())


@pytest.fixture(scope="session")
def mini_cassettes(sandbox: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of the mini suite by every reference agent, made once a session."""
    root = tmp_path_factory.mktemp("cassettes")
    record_mini(root, MODELS)
    return root


@pytest.fixture
def project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, mini_cassettes: Path
) -> pytest.Pytester:
    """An empty project with the mini suite in `mini/` and its recordings in `cassettes/`."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(MINI, pytester.path / "mini")
    shutil.copytree(mini_cassettes, pytester.path / "cassettes")
    pytester.makepyprojecttoml('[tool.odcv]\nsuite = "mini"\n')
    return pytester
