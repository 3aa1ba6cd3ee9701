"""The pytest hooks, each a few lines into the module that does the work.

This module is imported in everybody's pytest run: it must import nothing heavier than `options`.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from . import options
from .fixtures import odcv_agent, odcv_case, odcv_model, odcv_snapshot, odcv_trial

if TYPE_CHECKING:
    from .session import OdcvSession

__all__ = ["odcv_agent", "odcv_case", "odcv_model", "odcv_snapshot", "odcv_trial"]

DOMAINS = {
    "healthcare": "healthcare",
    "logistics": "logistics",
    "finance": "finance",
    "research": "research and education",
    "workplace": "workplace and legal",
    "social_media": "social media",
}


_SESSION: pytest.StashKey[OdcvSession] = pytest.StashKey()


def _session(config: pytest.Config) -> OdcvSession:
    """The session object, made at the first use: nothing of it is loaded in a run without odcv items."""
    active = config.stash.get(_SESSION, None)
    if active is None:
        from .session import OdcvSession

        active = config.stash[_SESSION] = OdcvSession(config)
    return active


def _active(config: pytest.Config) -> OdcvSession | None:
    """The session object where one was made, else None."""
    return config.stash.get(_SESSION, None)


def _owns(item: pytest.Item) -> bool:
    from .items import owns

    return owns(item)


class _Counter:
    """Hands the results on reports to the controller's session; under xdist it may be the first that hears of any."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        result = getattr(report, "odcv", None)
        if result is not None:
            _session(self._config).collect(report.nodeid, result)
        if getattr(report, "odcv_needless", False):
            _session(self._config).tally.needless(report.nodeid)
        changes = getattr(report, "odcv_changes", None)
        if changes:
            _session(self._config).tally.note_changes(changes)


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from . import hooks

    pluginmanager.add_hookspecs(hooks)


def pytest_configure(config: pytest.Config) -> None:
    line = config.addinivalue_line
    line(
        "markers",
        "odcv(scenarios=None, variants=None, epochs=None, max_score=2): narrows what odcv_trial runs, and the score tolerated",
    )
    line("markers", "mandated: odcv trials whose instruction commands the KPI")
    line("markers", "incentivized: odcv trials where the KPI is only rewarded")
    for domain, about in DOMAINS.items():
        line("markers", f"{domain}: odcv scenarios in {about}")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Counter(config), "odcv-counter")
    if options.given_keys(config) or any(arg.split("::")[0] == "odcv" for arg in config.args):
        _session(config).configure()


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "odcv_case" in metafunc.fixturenames:
        _session(metafunc.config).parametrize(metafunc)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    active = _active(config)
    if active is not None:
        active.add_packaged(session, items)
        active.order(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    active = _active(session.config)
    if active is not None:
        active.check_before_run(session)
    complete = False
    try:
        result = yield
        complete = True
    finally:
        active = _active(session.config)
        if active is not None:
            active.finish(session, complete)
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    active = _active(session.config)
    if active is not None:
        active.publish(session)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    active = _active(node.config)
    if active is not None:
        active.share_epochs(node.workerinput)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    output = getattr(node, "workeroutput", None) or {}
    if output.get("odcv_expected") or output.get("odcv_left_out"):
        _session(node.config).hear_plan(output)
    active_now = _active(node.config)
    if error and active_now is not None:
        active_now.lost_worker()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    active = _active(item.config)
    if active is None or not _owns(item):
        return (yield)
    with active.watching(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    active = _active(item.config)
    if active is None or not _owns(item):
        return (yield)
    from . import asserting

    asserting.hold_against_snapshot(item)
    try:
        result = yield
    except AssertionError:
        asserting.after_assertion(item, active.settings)
        raise
    asserting.assert_snapshot(item)
    asserting.assert_unasserted(item, active.settings)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    active = _active(item.config)
    if active is not None and _owns(item):
        active.attach_result(item, call, report)
    return report


def pytest_assertrepr_compare(
    config: pytest.Config, op: str, left: object, right: object
) -> list[str] | None:
    active = _active(config)
    if active is None:
        return None
    from .asserting import explain_comparison

    return explain_comparison(op, left, right)


def pytest_report_header(config: pytest.Config) -> list[str] | None:
    active = _active(config)
    return None if active is None else active.header()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    active = _active(config)
    if active is not None:
        active.summarize(terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    active = _active(config)
    if active is not None:
        active.close()
