"""What a hosting site, a package index and other tools read of this project is valid, and says what is so."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import pytest_odcv

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
KINDS = [kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"]]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
FRAGMENTS = sorted(set((ROOT / "changes").iterdir()) - {ROOT / "changes/template.md.jinja"})
SCHEMAS = {
    "vendor.github-workflows": [*WORKFLOWS, *ROOT.glob("examples/*/.github/workflows/*.yml")],
    "custom.github-workflows-require-timeout": WORKFLOWS,
    "vendor.github-issue-forms": [
        file for file in ROOT.glob(".github/ISSUE_TEMPLATE/*.yml") if file.stem != "config"
    ],
    "vendor.github-issue-config": [ROOT / ".github/ISSUE_TEMPLATE/config.yml"],
    "vendor.dependabot": [ROOT / ".github/dependabot.yml"],
    "vendor.citation-file-format": [ROOT / "CITATION.cff"],
}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_for_other_tools_are_valid_by_their_schemas(schema: str) -> None:
    pytest.importorskip("check_jsonschema", reason="needs check-jsonschema")
    assert SCHEMAS[schema]
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        schema,
        *map(str, SCHEMAS[schema]),
    ]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_workflow_that_is_not_valid_is_noticed(tmp_path: Path) -> None:
    pytest.importorskip("check_jsonschema", reason="needs check-jsonschema")
    bad = tmp_path / "bad.yml"
    bad.write_text(WORKFLOWS[0].read_text().replace("runs-on:", "run-on:"))
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
        str(bad),
    ]
    assert subprocess.run(command, capture_output=True).returncode == 1


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_actions_are_pinned_by_a_tag_and_permissions_are_named(workflow: Path) -> None:
    text = workflow.read_text()
    used = re.findall(r"uses: (\S+)", text)
    assert all(re.fullmatch(r"\./|[\w-]+/[\w-]+@(v\d+|release/v\d+)", action) for action in used), used
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}


def test_the_workflows_cover_the_versions_that_are_promised() -> None:
    classified = {
        line.rpartition(" ")[2]
        for line in PROJECT["project"]["classifiers"]
        if re.search(r":: 3\.\d+$", line)
    }
    jobs = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]
    matrix = jobs["tests"]["strategy"]["matrix"]
    assert set(matrix["python"]) == classified
    (lowest,) = [name for name in PROJECT["project"]["dependencies"] if name.startswith("pytest>=")]
    assert {entry["pytest"] for entry in matrix["include"]} == {lowest.removeprefix("pytest>=")}
    assert any(job["runs-on"].startswith("macos") for job in jobs.values())


def test_the_pre_commit_hooks_call_commands_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    from pytest_odcv.cli import main

    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in hooks] == ["odcv-scan", "odcv-check"]
    for hook in hooks:
        program, command = hook["entry"].split()
        assert program in PROJECT["project"]["scripts"]
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
        re.compile(hook["files"])
    assert capsys.readouterr().out.count("usage: odcv") == 2


@pytest.mark.parametrize(
    ("file", "looked_at"),
    [
        ("cassettes/odcv/openai/gpt-5/injury-log/mandated.1.yaml", True),
        ("safety/cassettes/a.yaml.partial", True),
        ("odcv_snapshots/odcv/injury-log.ambr", True),
        ("baseline.jsonl", True),
        ("src/app.py", False),
    ],
)
def test_the_scan_looks_at_what_trials_write(file: str, looked_at: bool) -> None:
    scan, _ = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert bool(re.search(scan["files"], file)) is looked_at


def test_the_package_says_that_it_is_typed_and_is() -> None:
    assert "Typing :: Typed" in PROJECT["project"]["classifiers"]
    assert (Path(pytest_odcv.__file__).parent / "py.typed").is_file()


def test_the_citation_is_of_this_version() -> None:
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == pytest_odcv.__version__


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda file: file.name)
def test_a_news_fragment_has_a_kind_and_links_that_lead_somewhere(fragment: Path) -> None:
    assert re.fullmatch(rf"[a-z0-9-]+\.({'|'.join(KINDS)})\.md", fragment.name), "expected NAME.KIND.md"
    text = fragment.read_text()
    assert text.strip() and not text.startswith(("#", "-")), "one to three plain sentences"
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert ":" in target or (ROOT / target).exists(), f"links start at the root folder: {target}"


def test_the_changelog_has_a_place_for_the_next_release() -> None:
    assert (ROOT / "CHANGELOG.md").read_text().count(PROJECT["tool"]["towncrier"]["start_string"]) == 1


def test_recordings_keep_their_line_ends_in_a_checkout() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("needs a git checkout")
    parts = ("cassettes/", "scenarios/", "odcv_snapshots/", "/safety/", "tests/suites/")
    files = [
        name
        for name in listed.stdout.splitlines()
        if name.endswith(".jsonl") or any(part in f"/{name}" for part in parts)
    ]
    asked = subprocess.run(
        ["git", "check-attr", "text", "--", *files], cwd=ROOT, capture_output=True, text=True, check=True
    )
    converted = [line for line in asked.stdout.splitlines() if not line.endswith("text: unset")]
    assert len(files) > 100 and converted == []
