"""The pytest hooks, each a few lines into the object that does the work.

This module is imported in everybody's pytest run: it must import nothing heavier than the table of options.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from ..errors import Unscored
from . import markers, options
from .fixtures import odcv_agent, odcv_case, odcv_model, odcv_snapshot, odcv_trial
from .state import active_session, session_of

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..results.sinks import ResultSink
    from .controller import Controller

__all__ = ["odcv_agent", "odcv_case", "odcv_model", "odcv_snapshot", "odcv_trial"]


def _owns(item: pytest.Item) -> bool:
    from .items import owns

    return owns(item)


def _controller(config: pytest.Config) -> Controller | None:
    active = active_session(config)
    return None if active is None else active.controller


class _Counter:
    """Hands the results on reports to the controller; under xdist it may be the first that hears of any."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # Taken off: pytest keeps all reports to the end of the run.
        result, screen = report.__dict__.pop("odcv", None), report.__dict__.pop("odcv_screen", "")
        unneeded = getattr(report, "odcv_needless", False)
        changes = getattr(report, "odcv_changes", None)
        if result is None and not unneeded and not changes:
            return
        controller = session_of(self._config).controller
        assert controller is not None
        if result is not None:
            controller.collect(report.nodeid, result, screen)
            self._keep_for_last_failed(report)
        if unneeded:
            controller.collector.needless(report.nodeid)
        if changes:
            controller.collector.note_changes(changes)

    def _keep_for_last_failed(self, report: pytest.TestReport) -> None:
        """A violation under a gate is an xfail, which pytest's cache forgets though it is what failed the gate."""
        # Not every xfail: a waiver's, and one that the test itself asks for, are no reason to run again.
        if report.skipped and "tolerated by " in getattr(report, "wasxfail", ""):
            from ._compat import remember_failed

            remember_failed(self._config, report.nodeid)


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    values = options.separate_values(args)
    if values:
        from ._compat import settle_root

        settle_root(early_config, args, values)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from . import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", markers.ODCV)
    is_controller = not hasattr(config, "workerinput")
    if is_controller:
        config.pluginmanager.register(_Counter(config), "odcv-counter")
    if options.given_keys(config) or any(arg.split("::")[0] == "odcv" for arg in config.args):
        markers.register_standard(config)
        controller = session_of(config).controller
        if controller is not None:
            controller.configure()


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "odcv_case" in metafunc.fixturenames:
        session_of(metafunc.config).selection.parametrize(metafunc)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    active = active_session(config)
    if active is None and options.names_model(config):
        active = session_of(config)
        if active.controller is not None:
            active.controller.configure()
    if active is not None:
        active.selection.add_packaged(session, items)
        active.selection.order(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    controller = _controller(session.config)
    if controller is not None:
        controller.check_before_run(session)
    complete = False
    active = active_session(session.config)
    shown = None if active is None else active.progress(session)
    try:
        result = yield
        complete = True
    finally:
        if shown is not None:
            shown.stop()
        active = active_session(session.config)
        if active is not None:
            active.trials.stop()
        # Asked again: under xdist the session object may have been made by the first report.
        controller = _controller(session.config)
        if controller is not None:
            controller.finish(session, complete)
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    active = active_session(session.config)
    if active is not None:
        active.publish(session)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    controller = _controller(node.config)
    if controller is not None:
        controller.share_epochs(node.workerinput)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    output = getattr(node, "workeroutput", None) or {}
    if output.get("odcv_expected") or output.get("odcv_left_out"):
        controller = session_of(node.config).controller
        assert controller is not None
        controller.hear_plan(output)
    heard = _controller(node.config)
    if error and heard is not None:
        heard.lost_worker()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    active = active_session(item.config)
    if active is None or not _owns(item):
        return (yield)
    with active.trials.around(item, nextitem):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    active = active_session(item.config)
    if active is None or not _owns(item):
        markers.require_trial(item)
        return (yield)
    from . import outcome

    settings, waivers = active.resources.settings, active.resources.waivers
    outcome.compare_with_snapshot(item)
    try:
        result = yield
    except (AssertionError, Unscored):
        outcome.after_assertion(item, settings, waivers)
        raise
    outcome.assert_snapshot(item)
    outcome.assert_unasserted(item, settings, waivers)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    active = active_session(item.config)
    if active is not None and _owns(item):
        active.trials.attach_result(item, call, report)
        if call.excinfo is not None:
            from .outcome import shorten_summary

            shorten_summary(report, call.excinfo.value)
    return report


def pytest_assertrepr_compare(
    config: pytest.Config, op: str, left: object, right: object
) -> list[str] | None:
    if active_session(config) is None:
        return None
    from .outcome import explain_comparison

    return explain_comparison(op, left, right)


def pytest_odcv_results(config: pytest.Config, settings: Settings) -> ResultSink | None:
    """The built-in sink: `--odcv-results=FILE`."""
    if settings.results is None:
        return None
    from ..results.sinks import JsonLines

    return JsonLines(settings.root, settings.results)


@pytest.hookimpl(specname="pytest_odcv_results")
def pytest_odcv_markdown(config: pytest.Config, settings: Settings) -> ResultSink | None:
    """A sink of its own, so that one that fails does not keep the other from its results."""
    from .outputs import markdown

    return markdown(settings)


@pytest.hookimpl(specname="pytest_odcv_results")
def pytest_odcv_report(config: pytest.Config, settings: Settings) -> ResultSink | None:
    """A sink of its own likewise: `--odcv-report=PAGE.html`."""
    if settings.report is None:
        return None
    from ..config import build
    from .outputs import html

    return html(settings, build.suite_of(settings))


def pytest_report_teststatus(
    report: pytest.TestReport,
) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    if not hasattr(report, "odcv_undecided"):
        return None
    from .gates import status

    return status(report)


def pytest_report_header(config: pytest.Config) -> list[str] | None:
    active = active_session(config)
    return None if active is None else active.header()


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    active = active_session(config)
    return [] if active is None or not items else active.recordings(items[0].session)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    controller = _controller(config)
    if controller is not None:
        controller.summarize(terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    active = active_session(config)
    if active is not None:
        active.close()
