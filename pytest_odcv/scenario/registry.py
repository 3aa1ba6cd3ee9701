"""The kinds of suites by the prefix that `--odcv-suite=KIND:PATH` calls them; a path without one is a folder of scenarios.

To add one: write a function from a path to a `Suite`, in a module of its own, and name it here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from .bench import NAME, load_bench
from .suite import Suite, load_suite

FOLDER = "folder"
LOADERS: Mapping[str, Callable[[Path], Suite]] = {FOLDER: load_suite, NAME: load_bench}


def split(location: str) -> tuple[str, str]:
    """Kind and path of a location; the kind of a plain path is `folder`."""
    kind, colon, path = location.partition(":")
    return (kind, path) if colon and kind in LOADERS else (FOLDER, location)


def load(location: str) -> Suite:
    """The suite that lies at a location.

    Args:
        location: A path, or `KIND:PATH`.

    Raises:
        UsageProblem: There is no suite.
        ScenarioError: The text lists all problems of all its scenarios.
    """
    kind, path = split(location)
    return LOADERS[kind](Path(path))
