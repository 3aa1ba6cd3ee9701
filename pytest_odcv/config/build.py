"""From settings to what trials are run with: the store, the clients, the judges. Runs nothing, and knows pytest only by the
name of its settings; the session and `odcv judge` both come here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cassette.store import Store
from ..errors import UsageProblem
from ..judge.evaluator import Evaluator
from ..judge.median import FAMILIES, Rule
from ..model.budget import Budget
from ..model.imported import PREFIX as IMPORTED
from ..model.imported import is_imported
from ..model.prices import own_price
from ..model.reference import PREFIX, ScriptedClient, agent_name, is_scripted
from ..model.traffic import Traffic
from ..model.types import ModelClient
from ..redaction.redactor import Redactor
from ..results.waivers import Waivers
from ..results.waivers import read as read_waivers
from ..sandbox.protocol import SandboxProvider
from ..sandbox.registry import no_clock
from ..scenario import registry
from ..scenario.case import Case
from ..scenario.column import model_of
from ..scenario.schema import VARIANTS
from ..scenario.suite import PACKAGED, Suite, packaged_root, packaged_suite
from ..spans import Tracer
from ..trial.context import TrialContext
from .settings import Settings

if TYPE_CHECKING:
    from ..judge.llm import JudgeMode, LlmJudge
    from ..model.litellm_client import LiveSettings


def suite_of(settings: Settings) -> Suite:
    """The suite that the settings name, or the packaged one, at the clock that they name. Raises ScenarioError and UsageProblem."""
    suite = packaged_suite() if settings.suite is None else registry.load(settings.suite)
    return suite.at(settings.clock)


def store_of(settings: Settings, suite: Suite) -> Store:
    """The project's cassettes, and behind them those that the package ships for its own suite."""
    root = settings.root / settings.cassettes
    packaged = packaged_root() / "cassettes"
    fallbacks = (packaged,) if suite.name == PACKAGED and packaged.resolve() != root.resolve() else ()
    return Store(root, fallbacks)


def waivers_of(settings: Settings, suite: Suite) -> Waivers:
    """The project's waivers as they stand today (UTC). Raises UsageProblem."""
    if settings.waivers is None:
        return Waivers()
    items = [f"{scenario.id}-{variant}" for scenario in suite.scenarios for variant in VARIANTS]
    return read_waivers(Path(settings.waivers), items, datetime.now(UTC).date())


def context_of(
    settings: Settings,
    suite: Suite,
    provider: Callable[[], SandboxProvider],
    redactor: Redactor,
    tell: Callable[[str], None] | None = None,
    budget: Budget | None = None,
    tracer: Tracer | None = None,
) -> TrialContext:
    """What a session gives every trial. Raises UsageProblem for options that cannot go together."""
    traffic = Traffic(tell, budget)
    store = store_of(settings, suite)
    made = TrialContext(
        mode=settings.record,  # type: ignore[arg-type]
        store=store,
        client=lambda case: _agent_client(case, settings, traffic),
        provider=provider,
        redactor=redactor,
        evaluator=evaluator_of(settings, store, redactor, settings.record, traffic),  # type: ignore[arg-type]
        step_limit=settings.step_limit,
        settings=_sampling(settings),
        api_base=settings.api_base,
        http_ignore=settings.http_ignore,
        http_headers=settings.http_headers,
        max_age=settings.max_age,
        tell=tell,
        traffic=traffic,
        trial_timeout=settings.trial_timeout,
        trial_tokens=settings.trial_tokens,
        tracer=tracer,
    )
    if settings.http_ignore or settings.http_headers:
        made.canonical()
    return made


def _sampling(settings: Settings) -> dict[str, Any]:
    """What is hashed of how a model is asked. What is left to the provider is not in it."""
    asked: dict[str, Any] = {"temperature": settings.temperature}
    return asked if settings.max_tokens is None else {**asked, "max_tokens": settings.max_tokens}


def _agent_client(case: Case, settings: Settings, traffic: Traffic) -> ModelClient:
    if not case.requested_model:
        raise UsageProblem(
            f"agent {case.agent} asks the item's model (env.complete), and none was named: give --odcv-model=MODEL"
        )
    if is_imported(case.requested_model):
        raise UsageProblem(
            f"--odcv-model={case.requested_model}: an imported run is read as it is; agent {case.agent} has nobody to ask"
        )
    if is_scripted(case.requested_model):
        return ScriptedClient(case.scenario.playbook_of(agent_name(case.requested_model), case.variant))
    return _client(case.requested_model, agent_settings(settings, case.requested_model), traffic)


def _client(model: str, settings: LiveSettings, traffic: Traffic) -> ModelClient:
    from ..model.litellm_client import LiveClient

    return LiveClient(model, settings, traffic)


def agent_settings(settings: Settings, model: str) -> LiveSettings:
    """How a model under test is asked."""
    from ..model.litellm_client import LiveSettings

    temperature = None if isinstance(settings.temperature, str) else settings.temperature
    return LiveSettings(
        settings.api_base,
        settings.timeout,
        temperature,
        max_tokens=settings.max_tokens,
        price=own_price(settings.prices, model),
    )


def judge_settings(settings: Settings, model: str, own: bool = False) -> LiveSettings:
    """How a judge is asked: at temperature 0; the model under test, as judge of itself, at its own address."""
    from ..model.litellm_client import LiveSettings

    return LiveSettings(
        settings.api_base if own else settings.judge_api_base,
        settings.timeout,
        temperature=0.0,
        price=own_price(settings.prices, model),
        base_flag="--odcv-api-base" if own else "--odcv-judge-api-base",
        temperature_advice="Judges are asked at temperature 0: choose another judge.",
    )


def evaluator_of(
    settings: Settings, store: Store, redactor: Redactor, mode: JudgeMode, traffic: Traffic | None = None
) -> Evaluator:
    """The judges and how they decide. `traffic` is what they share with the agents. Raises UsageProblem for what cannot work, before
    anything is paid for."""
    _check(settings)
    shared = traffic or Traffic()
    if not (settings.judge or settings.self_judge or settings.rubric):
        return Evaluator(policy=settings.policy)  # type: ignore[arg-type]
    from ..judge import prompt, rubric
    from ..judge import registry as judges
    from ..judge.llm import JudgeConfig, LlmJudge

    chosen = rubric.load(None if settings.rubric is None else Path(settings.rubric))
    prompt.room(chosen, settings.judge_budget)
    asking = JudgeConfig(chosen, mode, store, redactor, settings.judge_budget)

    def ask_model(model: str) -> LlmJudge:
        return LlmJudge(model, model, lambda: _client(model, judge_settings(settings, model), shared), asking)

    @cache
    def own(column: str) -> LlmJudge | None:
        model = model_of(column)  # The agent is not asked, only its model.
        if is_scripted(model):
            return None
        return LlmJudge(
            "self",
            model,
            lambda: _client(model, judge_settings(settings, model, True), shared),
            asking,
            kind="self",
        )

    return Evaluator(
        panel=tuple(judges.panel_judge(name, ask_model) for name in settings.judge),
        policy=settings.policy,  # type: ignore[arg-type]
        rule=rule_of(settings),
        self_judge=own if settings.self_judge else None,
        about={"rubric": chosen.digest, "prompt": prompt.VERSION, "budget": settings.judge_budget},
    )


def rule_of(settings: Settings) -> Rule:
    """How the panel is counted."""
    return Rule(families=(*settings.families, *FAMILIES), quorum=settings.quorum)


def _check(settings: Settings) -> None:
    judges = settings.judge
    twice = [judge for judge in dict.fromkeys(judges) if judges.count(judge) > 1]
    if twice:
        raise UsageProblem(f"--odcv-judge={twice[0]} is given twice: a judge has one voice")
    if settings.policy in ("panel", "max") and not judges:
        raise UsageProblem(
            f"--odcv-policy={settings.policy} needs LLM judges: give --odcv-judge=MODEL, best three"
        )
    if settings.quorum is not None and settings.quorum > len(judges):
        raise UsageProblem(
            f"--odcv-quorum={settings.quorum} is more than the {len(judges)} LLM judges there are: every trial would be unscored"
        )


def check_models(models: Sequence[str], suite: Suite, store: Store) -> None:
    """Raises UsageProblem for a model that is given twice, and for a scripted agent that nothing is known of."""
    doubled = next((model for model in models if models.count(model) > 1), None)
    if doubled is not None:
        raise UsageProblem(
            f"--odcv-model={doubled} is given twice: each of its trials would be counted twice"
        )
    absent = next((m for m in models if is_imported(m) and m not in store.models(suite.name)), None)
    if absent is not None:
        known_here = [model for model in store.models(suite.name) if is_imported(model)]
        raise UsageProblem(
            f"--odcv-model={absent}: no imported run of it for suite {suite.name} below {store.root}; there are: "
            f"{', '.join(known_here) or 'none'}. Import runs with odcv import PATH --out DIR, and name DIR with --odcv-cassettes; {IMPORTED} "
            "goes before the model's published name"
        )
    unrecorded = [model for model in models if is_scripted(model) and model not in store.models(suite.name)]
    for model in unrecorded:
        known = {name for s in suite.scenarios for name in (*s.playbooks, *s.spec.reference)}
        if agent_name(model) not in known:
            near = difflib.get_close_matches(agent_name(model), known, 1)
            hint = f". Did you mean {PREFIX}{near[0]}?" if near else ""
            raise UsageProblem(
                f"--odcv-model={model}: suite {suite.name} has no reference agent {agent_name(model)!r}; "
                f"it has: {', '.join(sorted(known)) or 'none'}{hint}"
            )


def check_live(
    settings: Settings, made: TrialContext, cases: Sequence[Case], own: Sequence[Case] = ()
) -> None:
    """What the trials and judges that will run live need: names, keys, a sandbox. `own` are cases that an agent of the project's own
    takes: what it needs is its business, and what is recorded of it is known only by its name. Raises UsageProblem and ScenarioError."""
    if made.mode == "none":
        return
    cases = [case for case in cases if not is_imported(case.model)]
    live = [case for case in cases if made.mode != "once" or made.store.find(case.cassette) is None]
    check_agents(settings, live)
    fresh = {case.id for case in live}
    surely = list(own) if made.mode != "once" else []
    judged = [(case, case.id not in fresh) for case in cases] + [(case, False) for case in surely]
    check_judges(settings, made.evaluator, judged)
    if (live or surely) and made.mode != "live":
        made.store.check_writable()
    missing = made.provider().missing() if live or surely else None
    if missing:
        raise UsageProblem(f"live trials need a sandbox, and there is none: {missing}")
    timed = next((case for case in (*live, *surely) if case.scenario.clock is not None), None)
    problem = None if timed is None else no_clock(made.provider())
    if timed is not None and problem:
        raise UsageProblem(
            f"{timed.scenario.place}: its clock is to stand at {timed.scenario.spec.clock}: {problem}"
        )


def check_agents(settings: Settings, cases: Iterable[Case]) -> None:
    """Playbooks, names and keys of the agents that will run live. Raises UsageProblem and ScenarioError."""
    models = set()
    for case in cases:
        if is_scripted(case.model):
            case.scenario.playbook_of(agent_name(case.model), case.variant)
        else:
            models.add(case.model)
    for model in sorted(models):
        from ..model.litellm_client import check_model, highest_price

        asked = agent_settings(settings, model)
        check_model(model, asked)
        if settings.max_cost is not None:
            highest_price(model, asked)


def check_judges(settings: Settings, evaluator: Evaluator, cases: Iterable[tuple[Case, bool]]) -> None:
    """Names and keys of the judges that will be asked live. `cases` are those to be judged, with whether their recordings of
    judges may be used. Raises UsageProblem."""
    if not evaluator.panel and evaluator.self_judge is None:
        return
    from ..judge.llm import LlmJudge

    wanted: set[tuple[str, bool]] = set()
    for case, recorded in cases:
        judges = [(judge, False) for judge in evaluator.of(case.model)[0]] + [
            (evaluator.own(case.model), True)
        ]
        for judge, own in judges:
            if isinstance(judge, LlmJudge) and not (recorded and judge.is_recorded(case.cassette)):
                wanted.add((judge.model, own))
    for model, own in sorted(wanted):
        from ..model.litellm_client import check_model, highest_price

        asked = judge_settings(settings, model, own)
        flag = "--odcv-model" if own else "--odcv-judge"
        check_model(model, asked, flag, asked.base_flag)
        if settings.max_cost is not None:
            highest_price(model, asked, flag)
