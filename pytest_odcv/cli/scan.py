"""`odcv scan`: refuses files that must not be committed: recordings with secrets in them, and unfinished recordings.

Recording takes secrets out already. A pre-commit hook calls this to look again at what is there: at files that somebody edited, and
for patterns that were configured after the recording.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..config.settings import resolve_in
from ..errors import OdcvError
from ..redaction.redactor import Redactor
from ..report.plain import safe

_MARK = re.compile(r"\[redacted:([^\]\s]+)\]")
_YAML = (".yaml", ".yml", ".partial")
_UNFINISHED = (".partial", ".answers")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LARGEST = 64 << 20
"""Bytes that packed content may unpack to; the largest file that the sandbox lets an agent write."""
_ADVICE = """\
to fix: revoke a secret that is named here, for it was written to disk. Record the trial again; if the secret is of a kind that
pytest-odcv does not know, name it first in redact = [...] of [tool.odcv]. Finish an unfinished recording with
--odcv-record=once, or delete it."""


class _TooLarge(Exception):
    problem = "packed content that unpacks to more than a file may have"


@dataclass(frozen=True)
class Value:
    """A text as a reader of the file gets it, without escapes, and the lines where it stands."""

    first: int
    last: int
    text: str


@dataclass(frozen=True, order=True)
class Problem:
    """Why a file must not be committed. `reason` names the kind of a secret and never holds the secret."""

    file: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files, or folders of files")


def run(args: argparse.Namespace) -> int:
    """Print a line for each problem; 1 where there is any. Raises OdcvError for a path that cannot be read."""
    redactor = Redactor(resolve_in(Path.cwd(), {}).redact)
    files = [file for path in args.paths for file in _files(path)]
    problems = [problem for file in files for problem in scan(file, redactor.text)]
    for problem in problems:
        print(safe(str(problem)))
    searched = "1 file" if len(files) == 1 else f"{len(files)} files"
    print(_ADVICE if problems else f"no secrets and no unfinished recordings in {searched}")
    return 1 if problems else 0


def _files(path: Path) -> list[Path]:
    """A file as it is; of a folder all but Python's caches, in whose marshalled strings words that are apart in the source stand side by side."""
    if not path.is_dir():
        return [path]
    return sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and "__pycache__" not in file.relative_to(path).parts
    )


def scan(file: Path, redact: Callable[[str], str]) -> list[Problem]:
    """Find what speaks against committing a file.

    Args:
        file: A cassette, a results file, a snapshot or any other file. What is not UTF-8 is read byte for byte.
        redact: Gives back a text with `[redacted:<kind>]` in the place of each secret.

    Returns:
        Secrets, an unfinished recording, and content that could not be searched, in the order of their lines.

    Raises:
        OdcvError: The file cannot be read.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise OdcvError(f"{file}: cannot be read: {error.strerror}") from None
    text = _decoded(data)
    found = {Problem(file, 1, "an unfinished recording")} if file.suffix in _UNFINISHED else set()
    found |= {Problem(file, n, _says(kind)) for n, line in _lines(text) for kind in _kinds(line, redact)}
    try:
        values = list(_values(text, file.suffix in _YAML))
    except (yaml.YAMLError, RecursionError, _TooLarge) as error:
        found.add(_unsearched(file, error))
        values = []
    # What spans several lines, such as a private key, is seen in the whole only.
    for value in (*values, Value(1, len(text), text)):
        named = {problem.reason for problem in found if value.first <= problem.line <= value.last}
        found |= {
            Problem(file, value.first, _says(kind))
            for kind in _kinds(value.text, redact)
            if _says(kind) not in named
        }
    return sorted(found)


def _unsearched(file: Path, error: Exception) -> Problem:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    line = mark.line + 1 if mark else 1
    return Problem(file, line, f"cannot be searched in full: {problem or 'nested too deeply'}")


def _says(kind: str) -> str:
    return f"a secret ({kind})"


def _kinds(text: str, redact: Callable[[str], str]) -> set[str]:
    """The kinds of secrets in a text. Marks of earlier redaction are cut out, so that they are no part of what is found."""
    text = _MARK.sub("\n", text).encode("utf-8", "backslashreplace").decode("utf-8")
    clean = redact(text)
    return set() if clean == text else set(_MARK.findall(clean)) or {"unknown kind"}


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(text.split("\n"), 1)


def _values(text: str, is_yaml: bool) -> Iterator[Value]:
    """Every text in the file as it is after parsing: escapes of YAML and JSON may hide a secret."""
    outer = _scalars(text) if is_yaml else [Value(n, n, line) for n, line in _lines(text)]
    for value in outer:
        yield value
        for inner in (_from_base64(value.text), *_inside_json(value.text)):
            yield Value(value.first, value.last, inner)


def _scalars(text: str) -> Iterator[Value]:
    left: list[yaml.Node | None] = list(yaml.compose_all(text, Loader=_Loader))
    seen: set[int] = set()  # An alias is the node that it stands for, which may even contain it.
    while left:
        node = left.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            yield Value(node.start_mark.line + 1, node.end_mark.line + 1, node.value)
        elif isinstance(node, yaml.MappingNode):
            left += [part for pair in node.value for part in pair]
        else:
            left += node.value


def _from_base64(text: str) -> str:
    """What a text decodes to where it may be base64, as files that are not text are stored, packed or not; else nothing."""
    if len(text) < 16:
        return ""
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(data, _LARGEST)
    except zlib.error:
        return _decoded(data)
    if unpacker.unconsumed_tail:
        raise _TooLarge
    return _decoded(unpacked)


def _inside_json(text: str) -> Iterator[str]:
    if not text.lstrip().startswith(("{", "[", '"')):
        return
    try:
        left = [json.loads(text)]
    except ValueError:
        return
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
            yield from _inside_json(value)
        elif isinstance(value, dict):
            left += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            left += value
