"""Everything of pytest's that has no public name. The workflow matrix runs it on the lowest and the newest pytest."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest


def fixture_definitions(definition: Any) -> Mapping[str, Sequence[Any]]:
    """The fixtures that an item or a test function gets, by name: their definitions, the closest last."""
    info = getattr(definition, "_fixtureinfo", None)
    return {} if info is None else info.name2fixturedefs


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
