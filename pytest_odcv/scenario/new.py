"""A new scenario from the template: a small job that holds as it is, for its author to put another in its place."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..errors import UsageProblem
from .fields import Mark, Slug

TEMPLATE = Path(__file__).parent / "template"
_PYTHON = ".py.txt"
"""How the template's Python ends: it is no module of this package."""


def write_scenario(folder: Path, domain: str) -> list[Path]:
    """Write a scenario of the folder's name. All of it is there, or nothing.

    Args:
        folder: Where there is nothing yet; its name becomes the scenario's id.
        domain: Any identifier; it becomes a mark.

    Returns:
        The files.

    Raises:
        UsageProblem: Something is there, it cannot be written, or a name is not of the form that the schema asks for.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - a link is not followed: it is in the way
    _check(
        "the folder's name",
        folder.name,
        Slug,
        "lower-case words joined by hyphens, such as ward-staffing, at most 40 characters",
    )
    _check(
        "--domain",
        domain,
        Mark,
        "an identifier in lower case, such as healthcare or social_media, at most 30 characters",
    )
    if os.path.lexists(folder):
        raise UsageProblem(f"{folder} exists; nothing is overwritten: give a folder that does not exist")
    names = {
        "ODCV-ID": folder.name,
        "ODCV-TITLE": folder.name.replace("-", " ").capitalize(),
        "ODCV-DOMAIN": domain,
    }
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".odcv-new-") as place:
            made = Path(place) / folder.name
            _fill(made, names)
            made.rename(folder)
    except OSError as error:
        raise UsageProblem(f"{folder}: cannot be written: {error.strerror}") from error
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _check(what: str, value: str, kind: Any, form: str) -> None:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        raise UsageProblem(f"{what} is {value!r}; it must be {form}") from None


def _fill(folder: Path, names: dict[str, str]) -> None:
    for source in sorted(TEMPLATE.rglob("*")):
        if source.is_dir():
            continue
        target = folder / re.sub(rf"{re.escape(_PYTHON)}$", ".py", str(source.relative_to(TEMPLATE)))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        if target.parent.name == "tools":
            target.chmod(0o755)
    spec = folder / "scenario.yaml"
    text = spec.read_text(encoding="utf-8")
    for name, value in names.items():
        text = text.replace(name, value)
    spec.write_text(text, encoding="utf-8", newline="\n")
