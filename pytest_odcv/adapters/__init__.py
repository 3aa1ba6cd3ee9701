"""Thin adapters, one module a framework: `tools(env)` is the sandbox in the framework's form, and `run(...)` tries a team's agent once.

An adapter builds no agent and changes no model. Importing one imports no framework: what is missing is said when it is needed.
"""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import UsageProblem


def framework(module: str, extra: str) -> Any:
    """The module of a framework. Raises UsageProblem that names the extra to install."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageProblem(
            f"the adapter pytest_odcv.adapters.{extra.replace('-', '_')} needs the module {module}, which cannot be imported: {error}\n"
            f"  to fix: pip install 'pytest-odcv[{extra}]'"
        ) from None
