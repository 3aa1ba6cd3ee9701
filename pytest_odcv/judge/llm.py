"""An LLM judge: asks a model for its verdict on a trial, records what it answered, replays it. Whatever goes wrong with the model
leaves the trial unscored with the reason; what is wrong with a recording is an error. Combining judges is `panel`'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..cassette import judging
from ..cassette.judging import Answered, JudgeRecording
from ..cassette.store import Store
from ..errors import CassetteError, ModelError, ReplayMismatch
from ..model import chat_spans
from ..model.types import Message, ModelClient, Reply
from ..redaction.redactor import Redactor
from ..scenario.schema import VIOLATION
from . import answer, prompt
from .oracle import judge_evidence
from .prompt import Prompt
from .rubric import Rubric
from .transcript import of_view
from .verdict import JudgeKind, Judgment

if TYPE_CHECKING:
    from .view import TrialView

JudgeMode = Literal["none", "once", "all", "live", "renew"]
"""The record modes of trials, and `renew`: like `once`, but a recording of something else is replaced and not an error."""
DEFAULT_BUDGET = 24_000
MOST_COMPLAINTS = 2
"""An answer that does not hold is sent back this many times."""
_REASON = 2_000
"""Characters of a judge's reasoning that go into results; all of it stays in the recording."""


@dataclass(frozen=True)
class JudgeConfig:
    """How all LLM judges of a session ask. `budget` is in tokens, for the whole prompt."""

    rubric: Rubric
    mode: JudgeMode
    store: Store
    redactor: Redactor
    budget: int = DEFAULT_BUDGET


@dataclass
class LlmJudge:
    """One judge. `name` is the model's, or `self`; `client` is called once for each trial that is judged live. `paid`
    collects what live trials cost, None where the price is unknown; what is replayed costs nothing."""

    name: str
    model: str
    client: Callable[[], ModelClient]
    asking: JudgeConfig = field(repr=False)
    paid: list[float | None] = field(default_factory=list, repr=False)
    kind: JudgeKind = "panel"

    @property
    def digest(self) -> str:
        """The name: rubric, prompt and budget are shared by all LLM judges and stand in `Evaluator.about`."""
        return self.name

    async def judge(self, view: TrialView) -> Judgment:
        """Replays or asks, as the mode says. Raises CassetteError when a recording is missing, damaged or of something else."""
        asked = self._prompt(view)
        recording = self._recorded(view, asked)
        if recording is not None:
            return self._replay(asked, recording, view)
        if self.asking.mode == "none":
            raise CassetteError(self._missing(view))
        return await self._ask(view, asked)

    def _prompt(self, view: TrialView) -> Prompt:
        rubric, budget = self.asking.rubric, self.asking.budget
        findings = (
            judge_evidence(view.case.scenario, view.evidence).findings if rubric.oracle_findings else None
        )
        return prompt.build(of_view(view), rubric, budget, findings)

    def is_recorded(self, path: Path) -> bool:
        """Whether there is a recording for the trial whose cassette lies at `path`, whatever it holds."""
        return self.asking.store.find(judging.path_of(path, self.name)) is not None

    def _recorded(self, view: TrialView, asked: Prompt) -> JudgeRecording | None:
        """The recording to replay, if the mode allows one and there is one. Raises as `judge`."""
        if self.asking.mode in ("all", "live"):
            return None
        renew = self.asking.mode == "renew" or not view.replayed
        try:
            recording = judging.load(self.asking.store, judging.path_of(view.case.cassette, self.name))
            if recording is not None:
                self._check(recording, view, asked)
        except CassetteError:
            if renew:
                return None
            raise
        return recording

    def _check(self, recording: JudgeRecording, view: TrialView, asked: Prompt) -> None:
        if (dict(recording.trial), recording.judge, recording.model) != (
            view.case.identity,
            self.name,
            self.model,
        ):
            raise self._mismatch(
                view,
                f"it is the recording of {recording.judge} ({recording.model}) on {dict(recording.trial)}",
            )
        if recording.request != asked.digest:
            raise self._mismatch(
                view,
                f"the judge would be asked something else now: {_difference(recording.parts, asked.parts)}",
            )

    # --- asking ------------------------------------------------------------------------------------------------------

    async def _ask(self, view: TrialView, asked: Prompt) -> Judgment:
        path, asking = judging.path_of(view.case.cassette, self.name), self.asking
        answers: list[Answered] = []
        client: ModelClient | None = None
        kept = judging.AnswersOfJudge(asking.store, path, asked.digest) if asking.mode != "live" else None
        earlier = kept.begin(asking.mode in ("once", "renew")) if kept else []
        before = len(earlier)
        try:
            client = self.client()
            await self._converse(client, asked, answers, earlier, kept)
        except ModelError as error:
            return self._unscored(answers, str(error))
        finally:
            self.paid += [answered.reply.cost for answered in answers[before:]]
            if kept is not None:
                kept.close()
            if client is not None:
                await client.close()
        if asking.mode != "live":
            judging.save(asking.store, path, self._recording(view, asked, answers))
        return self._judgment(asked, answers)

    async def _converse(
        self,
        client: ModelClient,
        asked: Prompt,
        answers: list[Answered],
        earlier: list[Reply],
        kept: judging.AnswersOfJudge | None,
    ) -> None:
        """The answers of a run that was killed go before those that are paid for now."""
        messages = list(asked.messages)
        while True:
            if earlier:
                reply = earlier.pop(0)
            else:
                mask = self.asking.redactor.message
                with chat_spans.call(self.model, None, mask) as call:
                    reply = self.asking.redactor.reply(await client.complete(messages, asked.tools))
                    call.answered(messages, reply)
                if kept is not None:
                    kept.add(reply)
            complaint = (
                "" if len(answers) >= MOST_COMPLAINTS else _complaint(reply, self.asking.rubric, asked)
            )
            answers.append(Answered(reply, complaint))
            if not complaint:
                return
            messages += [reply.message, *_objections(reply, complaint)]

    def _recording(self, view: TrialView, asked: Prompt, answers: Sequence[Answered]) -> JudgeRecording:
        made_with = {"rubric": self.asking.rubric.digest, "prompt": prompt.VERSION}
        return JudgeRecording(
            view.case.identity, self.name, self.model, made_with, asked.digest, asked.parts, tuple(answers)
        )

    # --- replaying ---------------------------------------------------------------------------------------------------

    def _replay(self, asked: Prompt, recording: JudgeRecording, view: TrialView) -> Judgment:
        """The recorded answers, read again; they must go as far as today's reading asks."""
        for number, answered in enumerate(recording.answers, 1):
            last = number == len(recording.answers)
            complaint = (
                "" if number > MOST_COMPLAINTS else _complaint(answered.reply, self.asking.rubric, asked)
            )
            if complaint != answered.complaint or (not complaint) != last:
                raise self._mismatch(
                    view, f"answer {number} would be answered with {complaint or 'nothing'!r} now"
                )
        if not recording.answers:
            raise self._mismatch(view, "it holds no answer")
        return self._judgment(asked, recording.answers)

    # --- results and errors ------------------------------------------------------------------------------------------

    def _judgment(self, asked: Prompt, answers: Sequence[Answered]) -> Judgment:
        reply = answers[-1].reply
        if answer.refused(reply):
            return self._unscored(answers, f"the model refused to judge ({reply.stop}): {_words(reply)}")
        try:
            found = answer.read(reply, self.asking.rubric, asked.steps)
        except answer.InvalidAnswer as complaint:
            return self._unscored(
                answers,
                f"no usable verdict in {len(answers)} answers; of the last: {complaint}. It said: {_words(reply)}",
            )
        if asked.missing and found.score < VIOLATION:
            return self._unscored(
                answers,
                f"{asked.missing}, so score {found.score} says nothing of the rest; raise --odcv-judge-budget ({self.asking.budget})",
            )
        return Judgment(
            judge=self.name,
            kind=self.kind,
            score=found.score,
            reason=_shortened(found.reasoning),
            category=found.category,
            steps=found.steps,
            asked=len(answers),
            cost=_cost(answers),
        )

    def _unscored(self, answers: Sequence[Answered], reason: str) -> Judgment:
        return Judgment(
            judge=self.name,
            kind=self.kind,
            score=None,
            reason=_shortened(reason),
            asked=len(answers),
            cost=_cost(answers),
        )

    def _mismatch(self, view: TrialView, what: str) -> ReplayMismatch:
        file = self.asking.store.find(judging.path_of(view.case.cassette, self.name))
        return ReplayMismatch(
            f"judge {self.name} on {view.case.id}: {what}\n  recording: {file}\n  to fix: undo the change, or {self._again}"
        )

    def _missing(self, view: TrialView) -> str:
        path = self.asking.store.root / judging.path_of(view.case.cassette, self.name)
        return (
            f"no recording of judge {self.name} on {view.case.id}\n  looked for: {path}\n"
            f"  to fix: run with --odcv-record=once, which asks only for what is missing, or {self._again}"
        )

    @property
    def _again(self) -> str:
        judge = "--self-judge" if self.kind == "self" else f"--judge {self.name}"
        return f"judge the recorded trials without running an agent: odcv judge CASSETTES {judge}"


def _complaint(reply: Reply, rubric: Rubric, asked: Prompt) -> str:
    """What to send back, empty for an answer that holds or a refusal."""
    if answer.refused(reply):
        return ""
    try:
        answer.read(reply, rubric, asked.steps)
    except answer.InvalidAnswer as complaint:
        return f"Your answer cannot be used: {complaint}. Answer again."
    return ""


def _objections(reply: Reply, complaint: str) -> list[Message]:
    """The complaint as the messages that may follow the reply: every call wants an answer."""
    if reply.message.calls:
        return [Message(role="tool", call_id=call.id, content=complaint) for call in reply.message.calls]
    return [Message(role="user", content=complaint)]


def _difference(recorded: Any, now: dict[str, str]) -> str:
    """The first part of the request that is not as recorded."""
    for name, digest in now.items():
        if name not in recorded:
            return f"{name} is not in the recording"
        if recorded[name] != digest:
            return f"{name} has changed"
    gone = [name for name in recorded if name not in now]
    return f"{gone[0]} is in the recording only" if gone else "the wording around the record has changed"


def _words(reply: Reply) -> str:
    text = " ".join((reply.message.content or " ".join(c.arguments for c in reply.message.calls)).split())
    return repr(text if len(text) <= 200 else text[:197] + "...")


def _shortened(text: str) -> str:
    return text if len(text) <= _REASON else f"{text[: _REASON - 60]} ... ({len(text):,} characters in all)"


def _cost(answers: Sequence[Answered]) -> float | None:
    costs = [answered.reply.cost for answered in answers]
    return None if None in costs else sum(cost or 0.0 for cost in costs)
