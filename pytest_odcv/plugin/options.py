"""The options on pytest's command line, and what a run's command line and pyproject.toml come to.

Imported in every pytest run, so it imports nothing heavier than the table of options.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..config.options import OPTIONS, argparse_of
from ..errors import UsageProblem

if TYPE_CHECKING:
    from ..config.settings import Settings


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("odcv", "agent safety (pytest-odcv)")
    for option in OPTIONS:
        group.addoption(
            option.flag,
            dest=option.dest,
            default=None,
            help=option.help.replace("%", "%%"),
            **argparse_of(option),
        )


def given_keys(config: pytest.Config) -> frozenset[str]:
    """The keys that the command line (or addopts) named."""
    return frozenset(option.key for option in OPTIONS if config.getoption(option.dest, None) is not None)


def resolve(config: pytest.Config) -> Settings:
    """Command line over [tool.odcv] over defaults. Raises pytest.UsageError naming file, key, and what was expected."""
    given = {key: config.getoption(f"odcv_{key}") for key in given_keys(config)}
    from ..config.settings import merged

    try:
        return merged(_pyproject(config), given, config.invocation_params.dir, config.rootpath)
    except UsageProblem as problem:
        raise pytest.UsageError(str(problem)) from None


def _pyproject(config: pytest.Config) -> Path:
    inipath = config.inipath
    return (
        inipath
        if inipath is not None and inipath.name == "pyproject.toml"
        else config.rootpath / "pyproject.toml"
    )
