"""What a session loads at first use and shares among its roles: settings, suite, what trials run with, gates, an event loop."""

from __future__ import annotations

import asyncio
import importlib.util
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from ..config import build
from ..config.boards import board_of
from ..config.settings import Settings
from ..errors import UsageProblem
from ..gates.board import Board
from ..http import under_way
from ..model.budget import Budget
from ..redaction.redactor import Redactor
from ..report.plain import safe
from ..results.waivers import Waivers
from ..runner.runner import Runner
from ..sandbox import registry
from ..sandbox.protocol import SandboxProvider
from ..scenario.suite import Suite
from ..trial.context import TrialContext
from ..trial.trial import Trial
from ._compat import Aside
from .epochs import Epochs
from .options import resolve

if TYPE_CHECKING:
    from ..agent.protocol import Agent
    from ..config.otel import OtelTracer

T = TypeVar("T")
LIVE_CONCURRENCY = 16
EPOCHS = "odcv_epochs"
"""Key of a worker's input: the folder in which workers share their results."""


class Resources:
    """One per pytest config. Every property raises OdcvError or pytest.UsageError where the options cannot be used."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.is_worker = hasattr(config, "workerinput")
        self._runner: asyncio.Runner | None = None
        self._trials_runner: Runner[Trial] | None = None
        self.aside: Aside | None = None
        """The terminal, while trials run."""
        self.in_flight = 0
        """Trials that run now."""

    @cached_property
    def settings(self) -> Settings:
        return resolve(self.config)

    @cached_property
    def suite(self) -> Suite:
        return build.suite_of(self.settings)

    @cached_property
    def redactor(self) -> Redactor:
        hook = self.config.hook.pytest_odcv_redact

        def redact(text: str) -> str | None:
            found: str | None = hook(text=text) if hook.get_hookimpls() else None
            return found

        return Redactor(self.settings.redact, hooks=(redact,))

    @cached_property
    def context(self) -> TrialContext:
        """What every trial is run with."""
        return build.context_of(
            self.settings,
            self.suite,
            lambda: self.provider,
            self.redactor,
            self.tell,
            self._budget(),
            self.tracer,
        )

    @cached_property
    def tracer(self) -> OtelTracer | None:
        """Raises UsageProblem where OpenTelemetry or its exporter is not installed."""
        if not self.settings.trace:
            return None
        from ..config.otel import OtelTracer

        return OtelTracer(self.redactor.text)

    def _budget(self) -> Budget | None:
        """The run's money, which xdist's workers share."""
        most, folder = self.settings.max_cost, self.worker_folder
        if most is None or self.settings.record == "none":
            return None
        if self.is_worker and folder is None:
            raise UsageProblem(
                "--odcv-max-cost: xdist's workers on other machines cannot share it; run without --tx"
            )
        return Budget(most, None if folder is None else folder / "money.json")

    def tell(self, line: str) -> None:
        """Show a line in the terminal at once, where there is one."""
        if self.aside is not None:
            self.aside.line(safe(line))
            return
        reporter: Any = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(safe(line))

    @cached_property
    def provider(self) -> SandboxProvider:
        return registry.provider(self.settings.sandbox, self.settings.container_image)

    def built_in_agent(self) -> Agent:
        """The agent of the protocol that was chosen."""
        from ..agent.invoke import PROTOCOLS

        return PROTOCOLS[self.settings.protocol]()

    @cached_property
    def board(self) -> Board:
        return board_of(self.settings, self.suite, self.waivers, self.wait)

    @cached_property
    def waivers(self) -> Waivers:
        return build.waivers_of(self.settings, self.suite)

    @property
    def has_auto_epochs(self) -> bool:
        return self.settings.epochs == "auto"

    @cached_property
    def epochs(self) -> Epochs:
        shared = self.config.workerinput.get(EPOCHS) if self.is_worker else None  # type: ignore[attr-defined]
        return Epochs(self.board, None if shared is None else Path(shared))

    @cached_property
    def shared_folder(self) -> tempfile.TemporaryDirectory[str]:
        """On a controller: where the workers tell each other which trials have ended."""
        return tempfile.TemporaryDirectory(prefix="odcv-epochs-")

    @property
    def worker_folder(self) -> Path | None:
        """Where the workers of one run of xdist meet; None in a run of one process. Each has its temporary folder in the run's, which pytest
        removes in time."""
        own: str | None = self.config.option.basetemp if self.is_worker else None
        return None if own is None else Path(own).parent / "odcv-agents"

    @cached_property
    def concurrency(self) -> int:
        """How many trials may be in flight. A debugger needs the test's own thread."""
        option = self.config.option
        if getattr(option, "usepdb", False) or getattr(option, "trace", False):
            return 1
        if getattr(option, "dist", "no") == "worksteal" and self.settings.record in ("all", "live"):
            return 1  # What another worker steals would be run and paid twice; with `once` it finds the recording.
        return self.settings.concurrency or (1 if self.settings.record == "none" else LIVE_CONCURRENCY)

    @property
    def runner(self) -> Runner[Trial]:
        """The thread that trials in flight run in, made at first use."""
        if self._trials_runner is None:
            with _sockets_needed():
                loop = asyncio.new_event_loop()
            # Undone at the end: pytest may run within a test of another pytest.
            self._beside = under_way.beside.set(under_way.TEST)
            self._trials_runner = Runner(self.concurrency, loop)
        return self._trials_runner

    def stop_trials(self) -> None:
        """Stop what runs ahead of its item."""
        if self._trials_runner is not None:
            self._trials_runner.stop()

    def check_distribution(self) -> None:
        """Raises UsageProblem for live trials on xdist's workers by group: after the loss of a worker such a run never ends (xdist 3.8)."""
        option = self.config.option
        if (
            getattr(option, "dist", "no") == "loadgroup"
            and getattr(option, "tx", None)
            and self.settings.record != "none"
        ):
            raise UsageProblem(
                f"--dist=loadgroup with --odcv-record={self.settings.record}: if a trial ends its worker, xdist waits forever\n"
                "  to fix: take --dist=worksteal or --dist=load; for replays loadgroup is fine"
            )

    def check_models(self) -> None:
        """Raises UsageProblem for models that cannot be tried, and for snapshots without the library that keeps them."""
        build.check_models(self.settings.model, self.suite, self.context.store)
        if self.settings.snapshot and importlib.util.find_spec("syrupy") is None:
            raise UsageProblem("--odcv-snapshot needs syrupy 7 or later: pip install 'pytest-odcv[snapshot]'")

    def check_judges(self) -> None:
        """Raises UsageProblem where no verdict can come about on the trials of a model."""
        for model in self.settings.model:
            self.context.evaluator.check(model)

    def check_gates(self) -> None:
        """Raises OdcvError for gates that cannot be decided and for a baseline that cannot be compared with."""
        self.board.check(self.suite, self.context.evaluator.digest, self.settings.model)

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run to its end in the session's loop, or in a thread of its own where this thread's loop is running."""
        if _in_running_loop():
            with ThreadPoolExecutor(1) as thread:
                return thread.submit(asyncio.run, coroutine).result()
        self._runner = self._runner or asyncio.Runner()
        try:
            with _sockets_needed():
                self._runner.get_loop()
        except UsageProblem:
            coroutine.close()
            raise
        return self._runner.run(coroutine)

    def export(self) -> None:
        """Export the spans that are left, and say where some were lost."""
        tracer = self.__dict__.get("tracer")
        if tracer is not None and tracer.close():
            self.tell(
                f"odcv: {tracer.lost} spans could not be exported: the collector did not take them; see the variables OTEL_EXPORTER_OTLP_*"
            )

    def close(self) -> None:
        self.export()
        if self._trials_runner is not None:
            self._trials_runner.close()
            under_way.beside.reset(self._beside)
        if self._runner is not None:
            self._runner.close()
        if "shared_folder" in self.__dict__:
            self.shared_folder.cleanup()


@contextmanager
def _sockets_needed() -> Iterator[None]:
    """Around the making of an event loop. Raises UsageProblem where pytest-socket forbids it."""
    try:
        yield
    except RuntimeError as error:
        if type(error).__module__ != "pytest_socket":
            raise
        raise UsageProblem(
            f"pytest-socket keeps trials from running ({error}): asyncio needs a pair of sockets for its loop\n"
            "  to fix: add --allow-unix-socket to --disable-socket; a live trial also needs --allow-hosts=127.0.0.1,HOST with its model's host"
        ) from None


def _in_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
