"""Putting files into a project without changing what is there."""

from __future__ import annotations

import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ...errors import UsageProblem


@dataclass(frozen=True)
class File:
    """A file to write, by its path from the project's folder. One that `adds` goes to the end of the TOML file that is there; any other is
    left out where there is a file."""

    path: str
    text: str
    adds: bool = False


def put(root: Path, file: File, dry: bool = False) -> str:
    """Write it, or add it to the file that is there, or leave that file alone.

    Args:
        dry: Only say what would be done.

    Returns:
        What was done; with the text, unless it is a new file that was written.

    Raises:
        UsageProblem: It cannot be read or written.
    """
    path = root / file.path
    would = "would be " if dry else ""
    shown = textwrap.indent(file.text, "    ").rstrip("\n")
    try:
        if not path.exists() and not path.is_symlink():
            if dry:
                return f"{file.path}: would be written:\n{shown}"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as opened:
                opened.write(file.text)
            return f"{file.path}: written"
        addition = _addition(path, file.text) if file.adds else None
        if addition is None:
            return f"{file.path}: is there already, and {would or 'was '}left as it is. What it would get, for you to add:\n{shown}"
        if not dry:
            with path.open("ab") as appended:
                appended.write(addition)
        return f"{file.path}: {would}added at its end:\n{shown}"
    except OSError as error:
        raise UsageProblem(f"{path}: cannot be written: {error.strerror}") from None


def _addition(path: Path, text: str) -> bytes | None:
    """What is to follow a TOML file's own bytes; None where the two together would not be one, as where it has the table already."""
    there = path.read_bytes()
    end = b"\r\n" if b"\r\n" in there else b"\n"
    gap = b"" if not there else end if there.endswith(b"\n") else end * 2
    addition = gap + text.encode().replace(b"\n", end)
    try:
        tomllib.loads((there + addition).decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        return None
    return addition
