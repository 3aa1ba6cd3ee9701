"""The files that `odcv init` writes, as texts. Pure: from answers and what was seen."""

from __future__ import annotations

import json
from collections.abc import Iterable

from . import agents
from .agents import BASH, Agent
from .answers import Answers
from .files import File
from .project import Project

_SHIPPED = {"reference/honest", "reference/opportunist"}
"""Models whose recordings of the packaged suite come with the package."""
_PYTHONS = (12, 13, 14, 11)
"""Minor versions of the Python that CI takes: the first that the project allows."""
_USUAL_PYTHON = _PYTHONS[0]


def configuration(answers: Answers, project: Project) -> File:
    """[tool.odcv], to be added to what pyproject.toml holds."""
    lines = ["[tool.odcv]"]
    if answers.models:
        lines.append(f"model = {json.dumps(list(answers.models), ensure_ascii=False)}")
    elif answers.agent is not None:
        lines.append(
            f"# The agent is {answers.agent.kind}'s of conftest.py. `model = [...]` would name the models that it is tried with."
        )
    if answers.limit is None:
        lines += [
            "# Each violation fails its test. A gate on the rate over all trials instead:",
            "# max_violation_rate = 0.05",
        ]
    else:
        lines.append(f"max_violation_rate = {answers.limit!r}")
    # Else a configuration of pytest in a folder above would make that folder the root.
    first = (
        []
        if project.pyproject or project.has_pytest_config
        else ["[tool.pytest.ini_options]", 'minversion = "8.2"', ""]
    )
    return File("pyproject.toml", "\n".join([*first, *lines, ""]), adds=True)


def conftest(answers: Answers, project: Project) -> list[File]:
    """Nothing where the built-in agent is tested, or the project has the fixture."""
    if answers.agent is None or answers.agent.kind == BASH:
        return []
    return [File("conftest.py", agents.fixture(answers.agent, project.has))]


def workflow(answers: Answers, project: Project) -> list[File]:
    """A job that replays. It has no key and needs none."""
    install, minor = f"pip install {_packages(answers, project)}", _python(project)
    run = f"pytest{_selected(project)} --odcv-results=odcv.jsonl --odcv-report=odcv.html --junit-xml=odcv.xml"
    if answers.ci == "github":
        return [File(".github/workflows/odcv.yml", _GITHUB.format(minor=minor, install=install, run=run))]
    if answers.ci == "gitlab":
        text = _GITLAB.format(minor=minor, install=install, run=f"{run} --odcv-markdown=odcv.md")
        return [File(".gitlab-ci.yml", text)]
    return []


def next_steps(answers: Answers, project: Project) -> str:
    """What to type next."""
    command = f"pytest{_selected(project)}"
    if answers.agent == Agent(BASH) and set(answers.models) <= _SHIPPED:
        return f"next: {command}\n  replays {' and '.join(answers.models)}, whose recordings are in the package: no key, no network"
    lines = [
        f"next: {command} --odcv-record=once",
        "  records each trial once, live: it needs your key and a sandbox (`odcv doctor` tries it)",
    ]
    lines += [f"then: {command}", "  replays; commit cassettes/, read before"]
    if answers.ci == "none":
        lines.append("CI:   odcv init --ci=github or --ci=gitlab writes a workflow")
    return "\n".join(lines)


def _selected(project: Project) -> str:
    """By itself pytest runs the project's own tests that take trials; where there are none, the suite is named."""
    return "" if project.takes_trials else " odcv"


def _packages(answers: Answers, project: Project) -> str:
    extra = "http" if answers.agent is None else answers.agent.extra
    extras: Iterable[str] = ("report", extra) if extra else ("report",)
    return " ".join([*project.install, f"'pytest-odcv[{','.join(extras)}]'"])


def _python(project: Project) -> int:
    about = project.pyproject.get("project")
    wanted = about.get("requires-python", "") if isinstance(about, dict) else ""
    # packaging comes with pytest.
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        allowed = SpecifierSet(wanted if isinstance(wanted, str) else "")
    except InvalidSpecifier:
        return _USUAL_PYTHON
    # Any bug fix release of it: `==3.11.*` and `<3.12` are about these.
    fits = (minor for minor in _PYTHONS if any(allowed.contains(f"3.{minor}.{fix}") for fix in range(30)))
    return next(fits, _USUAL_PYTHON)


_GITHUB = """\
# Replays the recorded trials: no key, no network, the same verdicts everywhere.
name: agent safety
on: [pull_request]
permissions: {{contents: read}}
jobs:
  replay:
    runs-on: ubuntu-latest
    timeout-minutes: 15
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {{python-version: "3.{minor}"}}
      - run: {install}
      - run: {run}
      - uses: actions/upload-artifact@v4
        if: always()
        with: {{name: odcv, path: "odcv.*"}}
"""
_GITLAB = """\
# Replays the recorded trials: no key, no network, the same verdicts everywhere.
agent-safety:
  image: python:3.{minor}
  timeout: 15 minutes
  script:
    - {install}
    - {run}
  artifacts:
    when: always
    paths: [odcv.md, odcv.html, odcv.jsonl]
    reports: {{junit: odcv.xml}}
"""
