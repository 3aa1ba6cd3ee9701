"""`odcv seal`: seal recordings that were edited on purpose, or that were made before there were seals."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ..cassette import document, format
from ..errors import CassetteError, OdcvError
from ..report.plain import safe

_VERSION = re.compile(r"^odcv_cassette:.*$", re.MULTILINE)
_SEAL = re.compile(r"^seal:.*\n?", re.MULTILINE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="cassettes of trials")


def run(args: argparse.Namespace) -> int:
    """Seals every file, or none where one of them is damaged otherwise. Raises OdcvError naming it."""
    sealed = [(file, _sealed(file)) for file in args.files]
    for file, text in sealed:
        file.write_text(text, encoding="utf-8", newline="\n")
        print(safe(f"{file}: sealed"))
    return 0


def _sealed(file: Path) -> str:
    """The text with its seal. What it says is checked as a replay would."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OdcvError(f"{file}: cannot be read: {error}") from None
    text = _VERSION.sub(f"odcv_cassette: {format.VERSION}", _SEAL.sub("", text), count=1)
    content = document.parsed(text, str(file), "Mend it and seal it again")
    if "odcv_cassette" not in content:
        raise CassetteError(f"{file}:1: not a cassette: it has no odcv_cassette version")
    text = f"{text.rstrip()}\nseal: {document.seal_of(content)}\n"
    format.load(text, str(file))
    return text
