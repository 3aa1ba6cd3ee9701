"""docs/public-api.md lists what can be imported from pytest_odcv, all of it and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_odcv

ROOT = Path(__file__).parents[2]
_, SECTION = (ROOT / "docs/public-api.md").read_text().split("## Names to import\n")
ROWS = re.findall(r"^\| (`[^|]*`) \|", SECTION.partition("\n## ")[0], re.MULTILINE)
NAMES = [name for row in ROWS for name in re.findall(r"`(\w+)`", row)]


@pytest.mark.parametrize("name", NAMES)
def test_a_listed_name_can_be_imported(name: str) -> None:
    assert getattr(pytest_odcv, name) is not None


def test_every_public_name_is_listed_once() -> None:
    assert sorted(NAMES) == sorted(set(pytest_odcv.__all__) - {"__version__"})


def test_importing_the_package_loads_none_of_them() -> None:
    code = "import sys, pytest_odcv; print(sorted(n for n in sys.modules if n.startswith('pytest_odcv')), 'pydantic' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "['pytest_odcv', 'pytest_odcv.version'] False\n"


@pytest.mark.parametrize(
    "file",
    [
        *(ROOT / "docs").rglob("*.md"),
        *ROOT.glob("*.md"),
        *(ROOT / "examples").rglob("*.py"),
        *(ROOT / "examples").rglob("*.md"),
    ],
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_documents_and_examples_import_public_names_only(file: Path) -> None:
    imported = re.findall(r"^\s*(?:from|import) (pytest_odcv[\w.]*)", file.read_text(), re.MULTILINE)
    deep = set(imported)
    assert deep <= {"pytest_odcv", "pytest_odcv.adapters"}
