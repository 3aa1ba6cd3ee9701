"""What a project is to get: by options, by what was seen, and by asking for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...config import values
from ...errors import UsageProblem
from ...report.plain import safe
from . import agents
from .agents import BASH, Agent
from .project import Project

Ask = Callable[[str, str, Callable[[str], Any]], Any]
"""Of a question, the text of the answer that is proposed, and a function that converts an answer or raises ValueError."""
PROVIDERS = ("github", "gitlab", "none")
_MODEL = "reference/honest"
_MODELS = {"openai-sdk": "openai/gpt-5.4-mini", "anthropic-sdk": "anthropic/claude-sonnet-5"}


@dataclass(frozen=True)
class Given:
    """What the command line said; None or empty where it said nothing."""

    agent: Agent | None
    models: tuple[str, ...]
    ci: str | None
    limit: float | None


@dataclass(frozen=True)
class Answers:
    """`agent` is None where the project has the fixture already. `limit` is that of the violation rate, None for no gate."""

    agent: Agent | None
    models: tuple[str, ...]
    ci: str
    limit: float | None


def at_terminal(question: str, proposed: str, convert: Callable[[str], Any]) -> Any:
    """Asks until the answer can be used. An empty line takes what is proposed. Raises UsageProblem where nobody answers."""
    while True:
        try:
            answer = input(safe(f"{question} [{proposed}] ")).strip()
        except EOFError:
            raise UsageProblem("no answer came; nothing was written") from None
        try:
            return convert(answer or proposed)
        except ValueError as error:
            print(safe(str(error)))


def as_proposed(question: str, proposed: str, convert: Callable[[str], Any]) -> Any:
    """Takes what is proposed without asking."""
    return convert(proposed)


def complete(given: Given, project: Project, ask: Ask) -> Answers:
    """Asks only for what neither an option nor the project says. Raises UsageProblem."""
    agent = _agent(given, project, ask)
    return Answers(agent, _models(given, agent, ask), _provider(given, project, ask), _limit(given, ask))


def _agent(given: Given, project: Project, ask: Ask) -> Agent | None:
    if given.agent is not None:
        return given.agent
    if project.overrides_agent:
        return None
    only = project.agents[0] if len(project.agents) == 1 else Agent(BASH)

    def convert(text: str) -> Agent:
        return Agent(text) if text in agents.KINDS else agents.agent(text)

    question = (
        f"Which agent is tested? {BASH} (the built-in one, for any model), or KIND=WHICH of "
        + ", ".join(agents.KINDS)
    )
    chosen: Agent = ask(question, str(only), convert)
    if chosen.kind == BASH or chosen.which:
        return chosen
    which: str = ask(
        f"Which one? {agents.KINDS[chosen.kind].which}", "", lambda text: agents.reference(chosen.kind, text)
    )
    return Agent(chosen.kind, which)


def _models(given: Given, agent: Agent | None, ask: Ask) -> tuple[str, ...]:
    """An agent of the project may choose its model itself; then none is named."""
    if given.models or agent is None or agent.kind not in agents.NEEDS_MODEL:
        return given.models
    proposed = _MODELS.get(agent.kind, _MODEL)
    question = (
        f"Which models, separated by blanks? As litellm writes them; {_MODEL} is scripted and needs no key"
        if agent.kind == BASH
        else "Which model?"
    )
    models: tuple[str, ...] = ask(question, proposed, lambda text: tuple(map(values.model, text.split())))
    return models


def _provider(given: Given, project: Project, ask: Ask) -> str:
    if given.ci or project.ci:
        return given.ci or project.ci
    provider: str = ask(f"Which CI? {', '.join(PROVIDERS)}", "none", values.one_of(*PROVIDERS))
    return provider


def _limit(given: Given, ask: Ask) -> float | None:
    if given.limit is not None:
        return given.limit

    def convert(text: str) -> float | None:
        return None if text == "none" else values.share(text)

    question = "Which violation rate is tolerated, from 0 to 1? none: each violation fails its item"
    limit: float | None = ask(question, "none", convert)
    return limit
