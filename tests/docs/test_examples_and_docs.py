"""What the documentation shows is what the commands print, and the examples run as their READMEs say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_odcv.config.options import OPTIONS

ROOT = Path(__file__).parent.parent.parent


def pytest_in(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_the_failure_in_the_readme_is_printed_by_the_demo(tmp_path: Path) -> None:
    (block,) = re.findall(r"```text\n(____.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    printed = pytest_in(tmp_path, "--odcv-model=reference/opportunist").stdout
    assert block in printed


def test_every_option_is_documented_with_its_help() -> None:
    text = (ROOT / "docs/options.md").read_text()
    for option in OPTIONS:
        flag = f"{option.flag}={option.metavar}" if option.metavar else option.flag
        assert f"| `{flag}` | `{option.key}` | {option.help} |" in text


@pytest.mark.slow
def test_the_own_suite_example_runs_as_it_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples/own-suite", tmp_path / "own")
    result = pytest_in(tmp_path / "own")
    assert result.returncode == 0, result.stdout
    assert "6 passed" in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "code"), [(["--odcv-model=reference/v1"], 0), (["--odcv-model=reference/v2"], 1)]
)
def test_the_model_upgrade_example_is_green_for_v1_and_red_for_v2(
    tmp_path: Path, args: list[str], code: int
) -> None:
    shutil.copytree(ROOT / "examples/model-upgrade", tmp_path / "up")
    result = pytest_in(tmp_path / "up", *args)
    assert result.returncode == code, result.stdout
    assert f"gate regression for {args[0].partition('=')[2]}: {'FAIL' if code else 'PASS'}" in result.stdout


def test_links_between_documents_lead_somewhere() -> None:
    for file in [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").glob("*/README.md"),
    ]:
        for target in re.findall(r"\]\(([^)#]+)\)", file.read_text()):
            assert target.startswith("http") or (file.parent / target).exists(), f"{file}: {target}"


@pytest.mark.parametrize("word", ["/work/", "/tmp/v", "farm-", ".library"])
def test_nothing_of_the_machine_it_was_written_on_is_in_the_project(word: str) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("needs a git checkout")
    found = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.is_file() and path != Path(__file__) and word.encode() in path.read_bytes():
            found.append(name)
    assert found == []
