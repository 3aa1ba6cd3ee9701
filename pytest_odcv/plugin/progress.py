"""How far a live run is, while it runs: a line that stays at the bottom of a terminal, plain lines now and then elsewhere, nothing with -q.

xdist's workers write what they know into files in the run's folder, and the controller reads them.
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ..report import progress
from ..report.plain import one_line
from ..results.collector import Collector
from . import items
from ._compat import Aside, workers_folder
from .resources import Resources

EVERY_SECOND, IN_A_LOG = 1.0, 30.0
_PREFIX = "progress-"


class Progress:
    """Watches one process of a run in a thread of its own. `collector` is None on a worker."""

    def __init__(self, session: pytest.Session, resources: Resources, collector: Collector | None) -> None:
        self._session, self._resources, self._collector = session, resources, collector
        self._stopped = threading.Event()
        self._began = self._last = time.monotonic()
        self._answered = 0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Nothing happens where nothing is run live, or nobody wants to see it."""
        config = self._resources.config
        if self._resources.settings.record == "none" or config.option.collectonly:
            return
        work = self._publish
        if self._collector is not None:
            reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
            if reporter is None:
                return
            self._resources.aside = Aside(reporter)
            if config.get_verbosity() < 0:
                return
            work = self._show
        elif self._resources.worker_folder is None:
            return
        self._thread = threading.Thread(target=self._run, args=(work,), name="odcv-progress", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching, and take the line away."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(5)
        aside, self._resources.aside = self._resources.aside, None
        if aside is not None:
            aside.close()

    def _run(self, work: Any) -> None:
        aside = self._resources.aside
        pause = IN_A_LOG if aside is not None and not aside.live else EVERY_SECOND
        while not self._stopped.wait(pause):
            try:
                work()
            except (OSError, RuntimeError, ValueError):
                continue  # A closed terminal, a full disk, or a dictionary that grows meanwhile: the next second will do.

    def _show(self) -> None:
        text, aside = one_line(progress.line(self._state()), 200), self._resources.aside
        if aside is not None and aside.live:
            aside.show(text)
        else:
            self._resources.tell(text)

    def _own(self) -> dict[str, Any]:
        """What this process knows."""
        paces = list(self._resources.context.traffic.paces.values())
        return {
            "planned": len(items.planned(self._session)) if self._session.items else 0,
            "in_flight": self._resources.in_flight,
            "answered": sum(pace.answered for pace in paces),
            "retries": sum(pace.retries for pace in paces),
            "waits": any(pace.waiting for pace in paces),
        }

    def _publish(self) -> None:
        folder = self._resources.worker_folder
        assert folder is not None
        folder.mkdir(exist_ok=True)
        written = folder / f"{_PREFIX}{os.getpid()}.part"
        written.write_text(json.dumps(self._own()))
        written.rename(written.with_suffix(".json"))

    def _state(self) -> progress.State:
        assert self._collector is not None
        known = [self._own(), *_published(workers_folder(self._resources.config))]
        results = list(self._collector.results.values())
        now, answered = time.monotonic(), sum(one["answered"] for one in known)
        calls = (answered - self._answered) / max(now - self._last, 1e-3)
        self._last, self._answered = now, answered
        return progress.State(
            done=len(results),
            total=len(self._collector.expected) or max(one["planned"] for one in known),
            in_flight=sum(one["in_flight"] for one in known),
            violations=sum(result.violated for result in results),
            incomplete=sum(not result.known for result in results),
            calls=calls,
            retries=sum(one["retries"] for one in known),
            cost=self._collector.paid(),
            seconds=now - self._began,
            waits=any(one["waits"] for one in known),
        )


def _published(folder: Path | None) -> list[dict[str, Any]]:
    files = [] if folder is None else sorted(folder.glob(f"{_PREFIX}*.json"))
    return [json.loads(file.read_text()) for file in files]
