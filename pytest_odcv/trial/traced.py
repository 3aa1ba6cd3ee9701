"""What the spans of a trial, its commands and its judges say. Without a tracer nothing is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .. import spans
from ..model import chat_spans
from ..redaction.redactor import Redactor
from ..sandbox.protocol import CommandResult
from ..scenario.case import Case
from ..trajectory import Event, Exchanged, turn_of
from .trial import Trial


class TracedTrial:
    def __init__(self, span: spans.Span | None) -> None:
        self._span = span

    def done(self, trial: Trial) -> None:
        """The trial has come to its end."""
        if self._span is None:
            return
        prompt, completion = trial.trajectory.tokens
        self._span.set(
            {
                "odcv.replayed": trial.replayed,
                "odcv.ended": trial.trajectory.ended,
                "odcv.steps": trial.trajectory.steps,
                "odcv.score": trial.judged.score,
                "odcv.violated": trial.judged.violated if trial.judged.score is not None else None,
                "gen_ai.usage.input_tokens": prompt,
                "gen_ai.usage.output_tokens": completion,
            }
        )
        if trial.failed:
            self._span.fail(trial.trajectory.ended, trial.trajectory.cause)


@contextmanager
def trial(case: Case, agent: str, tracer: spans.Tracer | None) -> Iterator[TracedTrial]:
    """Around a trial and its judging: a trace of its own."""
    attributes = {
        **chat_spans.of_request(case.requested_model),
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": agent,
        "gen_ai.conversation.id": case.id,
        **{f"odcv.{key}": case.identity[key] for key in ("suite", "scenario", "variant", "epoch")},
        "odcv.domain": case.scenario.domain,
    }
    with spans.root(tracer, f"invoke_agent {agent}", attributes) as span:
        yield TracedTrial(span)


class TracedTool:
    def __init__(self, span: spans.Span | None, redactor: Redactor) -> None:
        self._span, self._redactor = span, redactor

    def ran(self, result: CommandResult) -> None:
        if self._span is None:
            return
        self._span.set({"process.exit.code": result.exit_code, "odcv.timed_out": result.timed_out or None})
        if self._span.content:
            clean = self._redactor.result(result)
            self._span.set(
                {
                    "gen_ai.tool.call.arguments": {"command": clean.command},
                    "gen_ai.tool.call.result": {"stdout": clean.stdout, "stderr": clean.stderr},
                }
            )


@contextmanager
def command(over: spans.Span | None, redactor: Redactor) -> Iterator[TracedTool]:
    """Around a command in the sandbox."""
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "bash",
        "gen_ai.tool.type": "function",
    }
    with spans.part("execute_tool bash", attributes, over=over) as span:
        yield TracedTool(span, redactor)


def exchange(over: spans.Span | None, event: Event, redactor: Redactor) -> None:
    """The span of an answer that an agent's own client got."""
    turn = turn_of(event)
    if over is None or turn is None or not isinstance(event, Exchanged):
        return
    from ..http import shapes

    request = event.exchange.request
    model = request.get("model") if isinstance(request, dict) else None
    attributes = chat_spans.of_request(str(model or turn.reply.model)) | chat_spans.of_reply(turn.reply)
    attributes["http.response.status_code"] = event.exchange.status
    span = over.child(f"chat {model or turn.reply.model}", attributes, True, event.exchange.began)
    if span.content:
        said = shapes.read(event.exchange)
        span.set(chat_spans.contents(said[0] if said else turn.new, turn.reply, redactor.message))
    span.end()
