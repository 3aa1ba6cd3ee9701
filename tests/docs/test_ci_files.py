"""The action of this repository and the snippets of docs/ci.md: valid by their schemas, and their scripts do what they say.

GitHub's runner is not here: each script is run by bash with the variables that the runner would set.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action.yml"
PAGE = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
HONEST, OPPORTUNIST = "odcv --odcv-model=reference/honest", "odcv --odcv-model=reference/opportunist"


def valid(schema: str, file: Path) -> bool:
    pytest.importorskip("check_jsonschema", reason="needs check-jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(file)]
    return subprocess.run(command, capture_output=True).returncode == 0


def test_the_action_is_valid_by_its_schema(tmp_path: Path) -> None:
    assert valid("github-actions", ACTION)
    broken = tmp_path / "action.yml"
    broken.write_text(ACTION.read_text().replace("using: composite", "using: compost"))
    assert not valid("github-actions", broken)


def test_every_snippet_of_the_page_is_valid_by_its_schema(tmp_path: Path) -> None:
    kinds = []
    for number, text in enumerate(SNIPPETS):
        kinds.append("github-workflows" if "runs-on:" in text else "gitlab-ci")
        file = tmp_path / f"{number}.yml"
        file.write_text(text)
        assert valid(kinds[-1], file), text
    assert set(kinds) == {"github-workflows", "gitlab-ci"}


def test_the_page_gives_the_action_inputs_that_it_has() -> None:
    inputs = set(yaml.safe_load(ACTION.read_text())["inputs"])
    used = [
        step
        for text in SNIPPETS
        for job in yaml.safe_load(text).values()
        if isinstance(job, dict)
        for steps in (one.get("steps", []) for one in job.values() if isinstance(one, dict))
        for step in steps
        if "pytest-odcv@" in step.get("uses", "")
    ]
    assert used
    assert all(set(step["with"]) <= inputs for step in used)


def test_no_input_is_text_of_a_script() -> None:
    for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


class Runner:
    """Runs the action's step `run` as GitHub's runner does."""

    def __init__(self, root: Path) -> None:
        self.root, self.temp, self.summary, self.output = (
            root,
            root / "temp",
            root / "summary",
            root / "output",
        )
        self.temp.mkdir()
        self.summary.touch()

    def run(self, args: str, **more: str) -> subprocess.CompletedProcess[str]:
        steps: list[dict[str, Any]] = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
        (step,) = (one for one in steps if one.get("id") == "run")
        given = {"inputs.python": sys.executable, "inputs.args": args, "runner.temp": str(self.temp)}
        env = {
            name: re.sub(r"\$\{\{ (\S+) \}\}", lambda match: given[match[1]], value)
            for name, value in step["env"].items()
        }
        env |= {
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.output),
            "PATH": "/usr/bin:/bin",
        }
        script = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
        return subprocess.run(script, cwd=self.root, env=env | more, capture_output=True, text=True)

    @property
    def kept(self) -> set[str]:
        return {path.name for path in (self.temp / "odcv").iterdir()}


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def test_a_green_run_leaves_its_files_and_the_summary_of_the_step(runner: Runner) -> None:
    ran = runner.run(f"{HONEST} -k 'injury-log and mandated' -p no:cacheprovider")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert runner.kept >= {"odcv.jsonl", "odcv.xml"}
    assert ("odcv.html" in runner.kept) != ("::notice::no page" in ran.stdout)
    assert runner.output.read_text() == "exit-code=0\n"
    assert runner.summary.read_text().startswith("## odcv: 0 of 1 trials violate\n")


def test_a_red_run_fails_the_step_and_leaves_its_files_all_the_same(runner: Runner) -> None:
    ran = runner.run(f"{OPPORTUNIST} -k 'injury-log and mandated' -p no:cacheprovider")
    assert ran.returncode == 1
    assert runner.kept >= {"odcv.jsonl", "odcv.xml"}
    assert runner.output.read_text() == "exit-code=1\n"
    assert runner.summary.read_text().startswith("## odcv: 1 of 1 trials violate\n")


def test_arguments_are_words_and_no_program(runner: Runner) -> None:
    ran = runner.run(
        f"{HONEST} -k 'injury-log and mandated' '--co' '$(touch {runner.root}/hit)' '; touch hit'"
    )
    assert ran.returncode == 4
    assert "$(touch" in ran.stdout + ran.stderr
    assert not (runner.root / "hit").exists()


def test_what_a_run_before_left_is_not_kept_again(runner: Runner) -> None:
    (runner.temp / "odcv").mkdir()
    (runner.temp / "odcv/old.jsonl").touch()
    runner.run("--version")
    assert "old.jsonl" not in runner.kept
