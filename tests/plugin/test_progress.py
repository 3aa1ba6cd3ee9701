"""How far a live run is: a line at the bottom of a terminal, plain lines in a log, nothing with -q."""

from __future__ import annotations

import io

import pytest

from pytest_odcv.plugin import progress as shown
from pytest_odcv.plugin._compat import Aside
from pytest_odcv.report.progress import State, line

RUN = (
    "odcv",
    "--odcv-record=live",
    "--odcv-model=reference/honest",
    "--odcv-epochs=3",
    "--odcv-concurrency=2",
)


def test_the_line_says_what_is_done_in_flight_wrong_paid_and_to_come() -> None:
    state = State(20, 80, 16, 3, 1, 12.34, 2, 1.5, 60.0)
    assert line(state) == (
        "odcv: 20 of 80 trials done, 16 in flight, 3 violations, 1 incomplete, 12.3 calls/s, 2 retries, cost $1.50, about 3 min to go"
    )


def test_nothing_is_projected_from_too_little_and_an_unknown_price_is_unknown() -> None:
    said = line(State(2, 0, 1, 0, 0, 0.0, 0, None, 60.0, waits=True))
    assert said.startswith("odcv: 2 trials done, ") and "to go" not in said
    assert "0 retries, waiting for the provider, cost unknown" in said


class _Writer:
    hasmarkup, fullwidth, width_of_current_line = True, 30, 5

    def __init__(self) -> None:
        self._file = io.StringIO()
        self._file.isatty = lambda: True  # type: ignore[method-assign]


def test_the_live_line_goes_away_before_anything_else_is_written_and_is_cut_to_the_terminal() -> None:
    writer = _Writer()
    file, live = writer._file, Aside(type("Reporter", (), {"_tw": writer}))
    assert live.live
    writer._file.write("tests")
    live.show("x" * 100)
    writer._file.write("..")
    live.show("y")
    live.line("a line")
    live.close()
    assert file.getvalue() == (
        f"tests\x1b[J\n{'x' * 29}\x1b[1A\r\x1b[5C\x1b[J..\x1b[J\ny\x1b[1A\r\x1b[5C\x1b[J\na line\n"
    )
    assert writer._file is file


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(("flags", "shows"), [((), True), (("-q",), False), (("--odcv-record=none",), False)])
def test_a_log_has_plain_lines_and_a_quiet_run_or_a_replay_none(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], shows: bool
) -> None:
    monkeypatch.setattr(shown, "IN_A_LOG", 0.05)
    project.makeconftest("import time\ndef pytest_runtest_teardown(): time.sleep(0.1)")
    result = project.runpytest(*RUN, *flags)
    lines = [text for text in result.outlines if text.startswith("odcv: ") and "trials done" in text]
    assert bool(lines) is shows, result.outlines
    if shows:
        assert " of 12 trials done, " in lines[-1] and "\x1b" not in "".join(lines)


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
def test_the_controller_of_xdist_shows_what_its_workers_do(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown, "IN_A_LOG", 0.3)
    project.makeconftest("import time\ndef pytest_runtest_teardown(): time.sleep(0.5)")
    result = project.runpytest(*RUN, "-n", "2")
    lines = [text for text in result.outlines if "trials done" in text]
    assert any(" of 12 trials done, " in text for text in lines), result.outlines


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
def test_what_is_told_while_a_test_runs_is_shown_at_once_and_not_kept_as_the_tests_output(
    project: pytest.Pytester,
) -> None:
    project.makeconftest(
        "import threading, time\n"
        "from pytest_odcv.plugin.state import session_of\n"
        "def pytest_runtest_teardown(item):\n"
        "    t = threading.Thread(target=session_of(item.config).resources.tell, args=('told beside',))\n"
        "    t.start()\n    t.join()\n"
    )
    result = project.runpytest_subprocess(*RUN, "-k", "alpha and mandated", "-rA")
    told = [text for text in result.outlines if text == "told beside"]
    assert len(told) == 3 and "Captured stdout" not in result.stdout.str(), result.outlines
