"""Everything of pytest's that has no public name. The workflow matrix runs it on the lowest and the newest pytest."""

from __future__ import annotations

import copy
import importlib
import inspect
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.config.findpaths import determine_setup

if TYPE_CHECKING:
    from ..runner.output import Output


def fixture_definitions(definition: Any) -> Mapping[str, Sequence[Any]]:
    """The fixtures that an item or a test function gets, by name: their definitions, the closest last."""
    info = getattr(definition, "_fixtureinfo", None)
    return {} if info is None else info.name2fixturedefs


def remember_failed(config: pytest.Config, nodeid: str) -> None:
    """Have `--lf` and `--ff` take an item for failed. pytest forgets what ends as an xfail."""
    plugin: Any = config.pluginmanager.get_plugin("lfplugin")
    if plugin is not None:
        plugin.lastfailed[nodeid] = True


def settle_root(config: pytest.Config, args: list[str], option_values: set[str]) -> None:
    """Put right pytest's root folder and configuration file where the value of an option moved them.

    pytest looks for them before it knows the options of plugins, so that in `--odcv-suite PATH` it takes an existing PATH for one that tests
    are in. `args` are those of the command line, which are added to where the right file has addopts; `option_values` are no paths of tests.
    """
    found = config.known_args_namespace
    known = {
        "inifile": found.inifilename,
        "override_ini": found.override_ini,
        "args": [arg for arg in found.file_or_dir if arg not in option_values],
        "rootdir_cmd_arg": found.rootdir or None,
        "invocation_dir": config.invocation_params.dir,
    }
    takes = inspect.signature(determine_setup).parameters
    root, file, values, *_ = determine_setup(
        **{name: value for name, value in known.items() if name in takes}
    )
    if (root, file) == (config.rootpath, config.inipath):
        return
    private: Any = config
    private._rootpath, private._inipath = root, file
    private.__dict__["_inicfg" if hasattr(config, "_inicfg") else "inicfg"] = values
    private._inicache.clear()
    private._parser.extra_info |= {"rootdir": str(root), "inifile": str(file)}
    args[:] = [*config.getini("addopts"), *args]
    config.known_args_namespace = private._parser.parse_known_args(args, namespace=copy.copy(config.option))


class ImportedModule(pytest.Module):
    """A test module that is imported by name and not from its path."""

    import_name: str

    def _getobj(self) -> Any:
        return importlib.import_module(self.import_name)


def module_below(session: pytest.Session, path: Path, nodeid: str, import_name: str) -> pytest.Module:
    """The module `import_name`, below the session at `nodeid`; the conftest.py files of `path` apply to it."""
    _load_conftests(session.config, path)
    module: ImportedModule = ImportedModule.from_parent(session, path=path, nodeid=nodeid)
    module.import_name = import_name
    return module


def _load_conftests(config: pytest.Config, path: Path) -> None:
    """Have pytest know which conftest.py files are above a path that it did not come to by itself: else their hooks do not apply there."""
    load: Any = config.pluginmanager._loadconftestmodules
    takes = inspect.signature(load).parameters
    known = {
        "importmode": config.getoption("importmode"),
        "rootpath": config.rootpath,
        "consider_namespace_packages": "consider_namespace_packages" in takes
        and config.getini("consider_namespace_packages"),
    }
    load(path, **{name: value for name, value in known.items() if name in takes})


def is_skipped(item: pytest.Item) -> bool:
    """Whether its marks keep it from running. A condition that cannot be read is the item's to report: it counts as skipped here."""
    from _pytest.skipping import evaluate_skip_marks, evaluate_xfail_marks

    try:
        expected = evaluate_xfail_marks(item)
        return evaluate_skip_marks(item) is not None or (expected is not None and not expected.run)
    except BaseException:
        return True


def upcoming_in_worker(config: pytest.Config) -> list[int] | None:
    """The places in `session.items` that an xdist worker has still to run, in order; None outside of a worker, empty where it cannot be told."""
    if not hasattr(config, "workerinput"):
        return None
    for plugin in config.pluginmanager.get_plugins():
        queue = getattr(plugin, "torun", None)
        if queue is not None:
            following = [getattr(plugin, "nextitem_index", None), *list(getattr(queue, "_items", ()))]
            return [place for place in following if isinstance(place, int) and not isinstance(place, bool)]
    return []


class RoutedOutput:
    """From `enter` to `close`, what is printed and logged where a context has an `Output` goes there and not into the report of the present
    test.

    pytest captures by streams and log handlers of the whole process; only their classes are the same in all phases and under capsys.
    """

    def __init__(self) -> None:
        self._patches = ExitStack()
        self._entered = False

    def enter(self, kept: Callable[[], Output | None]) -> None:
        if self._entered:
            return
        self._entered = True
        from unittest import mock

        from _pytest.capture import CaptureIO, EncodedFile
        from _pytest.logging import LogCaptureHandler

        log = LogCaptureHandler.emit

        def emit(self: Any, record: logging.LogRecord) -> None:
            output = kept()
            if output is None:
                log(self, record)
            else:
                output.log(self.handle, record)

        for kind in (CaptureIO, EncodedFile):
            self._patches.enter_context(mock.patch.object(kind, "write", _routed(kind.write, kept)))
        self._patches.enter_context(mock.patch.object(LogCaptureHandler, "emit", emit))

    def close(self) -> None:
        self._patches.close()
        self._entered = False


def _routed(write: Callable[[Any, str], int], kept: Callable[[], Output | None]) -> Callable[[Any, str], int]:
    def choose(self: Any, text: str) -> int:
        output = kept()
        if output is None:
            return write(self, text)
        # Written later to what is captured then: this stream may be gone.
        name = "stderr" if self is sys.stderr else "stdout"
        return output.write(lambda text: getattr(sys, name).write(text), text)

    return choose


def workers_folder(config: pytest.Config) -> Path | None:
    """On the controller: where xdist's workers meet (see `Resources.worker_folder`); None in a run without them."""
    factory: Any = getattr(config, "_tmp_path_factory", None)
    if factory is None or not getattr(config.option, "tx", None):
        return None
    return Path(factory.getbasetemp()) / "odcv-agents"


class Aside:
    """Writes to pytest's terminal from any thread, also while pytest captures what a test prints: to be made while it does not.

    On a terminal that can move its cursor (`live`), a line may stand below what pytest writes. It goes away when pytest writes on, for which this
    stands in for the file of pytest's writer.
    """

    def __init__(self, reporter: Any) -> None:
        self._reporter, self._writer, self._file = reporter, reporter._tw, reporter._tw._file
        try:
            # While a test runs, pytest's own descriptor leads to where it keeps what the test prints.
            self._own = os.fdopen(os.dup(self._file.fileno()), "w", encoding="utf-8", errors="replace")
        except (AttributeError, OSError, ValueError):
            self._own = self._file
        self._lock = threading.RLock()
        self._shown = False
        terminal = getattr(self._file, "isatty", bool)()
        self.live = bool(terminal and getattr(self._writer, "hasmarkup", False))
        if self.live:
            self._writer._file = self

    def line(self, text: str) -> None:
        """Write a line that stays."""
        with self._lock:
            self._own.write(
                f"{self._erased()}{chr(10) if self._writer.width_of_current_line else ''}{text}\n"
            )
            self._own.flush()
            self._writer._current_line = ""
            self._reporter.currentfspath = None

    def show(self, text: str) -> None:
        """Show it below in place of what was shown last, cut to the terminal's width."""
        with self._lock:
            column, width = self._writer.width_of_current_line, self._writer.fullwidth
            back = f"\x1b[1A\r\x1b[{column}C" if column else "\x1b[1A\r"
            self._own.write(f"\x1b[J\n{text[: width - 1]}{back}")
            self._own.flush()
            self._shown = True

    def write(self, text: str) -> int:
        """What pytest writes."""
        with self._lock:
            return int(self._file.write(self._erased() + text))

    def close(self) -> None:
        """pytest has its file again."""
        with self._lock:
            self._own.write(self._erased())
            if self._own is not self._file:
                self._own.close()
            self._writer._file = self._file

    def _erased(self) -> str:
        shown, self._shown = self._shown, False
        return "\x1b[J" if shown else ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
