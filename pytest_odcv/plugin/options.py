"""The options on pytest's command line, and what a run's command line and pyproject.toml come to.

Imported in every pytest run, so it imports nothing heavier than the table of options.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
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


def separate_values(args: Sequence[str]) -> set[str]:
    """What stands after one of our options as an argument of its own, as PATH does in `--odcv-suite PATH`."""
    takes = {option.flag for option in OPTIONS if option.metavar}
    return {value for flag, value in itertools.pairwise(args) if flag in takes and not value.startswith("-")}


def given_keys(config: pytest.Config) -> frozenset[str]:
    """The keys that the command line (or addopts) named."""
    return frozenset(option.key for option in OPTIONS if config.getoption(option.dest, None) is not None)


def names_model(config: pytest.Config) -> bool:
    """Whether [tool.odcv] of pyproject.toml names a model, which then selects the packaged suite as the option does. Looked at in every run of
    pytest: the file is parsed only where it has such a table."""
    try:
        text = _pyproject(config).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return "odcv" in text and "model" in text and bool(resolve(config).model)


def resolve(config: pytest.Config) -> Settings:
    """Command line over [tool.odcv] over defaults. Raises pytest.UsageError naming file, key, and what was expected."""
    given = {key: config.getoption(f"odcv_{key}") for key in given_keys(config)}
    from ..config.settings import merged

    try:
        return merged(_pyproject(config), given, config.invocation_params.dir, config.rootpath)
    except UsageProblem as problem:
        from ..report.plain import safe

        raise pytest.UsageError(safe(str(problem))) from None


def _pyproject(config: pytest.Config) -> Path:
    inipath = config.inipath
    return (
        inipath
        if inipath is not None and inipath.name == "pyproject.toml"
        else config.rootpath / "pyproject.toml"
    )
