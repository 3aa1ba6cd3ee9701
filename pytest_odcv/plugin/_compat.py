"""Everything of pytest's that has no public name. The workflow matrix runs it on the lowest and the newest pytest."""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from _pytest.config.findpaths import determine_setup


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
    module: ImportedModule = ImportedModule.from_parent(session, path=path, nodeid=nodeid)
    module.import_name = import_name
    return module
