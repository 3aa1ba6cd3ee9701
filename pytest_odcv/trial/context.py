"""What a session gives every trial."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..agent.protocol import Task
from ..agent.tools import SPECS
from ..cassette.store import Store
from ..judge.evaluator import Evaluator
from ..model.traffic import Traffic
from ..model.types import ModelClient
from ..redaction.redactor import Redactor
from ..sandbox.protocol import SandboxProvider
from ..scenario.case import Case
from ..spans import Tracer

if TYPE_CHECKING:
    from ..http.canonical import Canonical
    from ..http.exchange import Exchange
    from ..http.tape import HttpTape

RecordMode = Literal["none", "once", "all", "live"]


@dataclass(frozen=True)
class TrialContext:
    """What a session gives every trial. `client` and `provider` are called only when a trial runs live."""

    mode: RecordMode
    store: Store
    client: Callable[[Case], ModelClient]
    provider: Callable[[], SandboxProvider]
    redactor: Redactor
    evaluator: Evaluator = field(default_factory=Evaluator)
    step_limit: int = 50
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the model client, e.g. temperature: hashed with the agent's own configuration."""
    api_base: str | None = None
    """Where an agent in a process of its own finds its models, in place of the provider's own address."""
    http_ignore: tuple[str, ...] = ()
    """What of HTTP requests changes from run to run, see `http.canonical`."""
    http_headers: tuple[str, ...] = ()
    """Headers of HTTP answers to record beside the usual ones, see `http.headers`."""

    tell: Callable[[str], None] | None = None
    """Shows one sentence to who waits in front of the run."""
    traffic: Traffic = field(default_factory=Traffic)
    """The calls of all live clients of the session."""
    trial_timeout: float | None = None
    """Seconds that a live trial may take; `trial_tokens` are the tokens of its prompts and answers together."""
    trial_tokens: int | None = None
    tracer: Tracer | None = None
    """Gets the spans of trials; None where nobody traces."""
    max_age: float | None = None
    """Days; older recordings, and those without a date, are refused."""

    def canonical(self, redactor: Redactor | None = None) -> Canonical:
        from ..http.canonical import Canonical

        return Canonical(redactor or self.redactor, self.http_ignore, self.http_headers)

    def tape(
        self,
        note: Callable[[Exchange], int],
        recorded: Sequence[Exchange],
        redactor: Redactor,
        place: str | None = None,
        given: Callable[[Callable[[str], bool]], bool] = lambda test: False,
        may_ask: Callable[[], None] = lambda: None,
    ) -> HttpTape:
        """See `HttpTape`. Imported late: the built-in agent has no use for it."""
        from ..http.tape import HttpTape

        return HttpTape(self.canonical(redactor), note, recorded, place, self.step_limit, given, may_ask)

    def task(self, case: Case) -> Task:
        spec, limits = case.scenario.spec, case.scenario.limits()
        return Task(
            spec.system_prompt,
            case.scenario.user_prompt(case.variant),
            self.step_limit,
            limits.command_seconds,
            limits.total_seconds,
            SPECS,
            case.requested_model,
        )
