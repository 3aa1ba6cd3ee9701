"""The cassette file: a recording of one trial as YAML that a person can review. Where files lie is the store's.

Each message and each command result stands once, in the order they happened, so a file grows linearly in steps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..agent.bash_tool import render
from ..errors import CassetteError
from ..evidence.calls import MadeCall
from ..model.types import Message, Reply, ToolCall
from ..sandbox.protocol import CommandResult, Moment, Tree
from ..trajectory import Called, Event, Exchanged, Ran, Trajectory, Turn, Unanswered, retold
from . import document, shape, timeline
from .document import Inline

if TYPE_CHECKING:
    from ..http.exchange import Exchange
    from .exchanges import Reader, Writer

VERSION = 3
"""What is written. 1 and 2 are read as well; they differ in that 2 has HTTP exchanges."""
SEALED = 3
"""The first version that ends with a seal."""
_NAMED = {"bash": "command", "task_complete": "reason"}
_RESULT_DEFAULTS = {
    name: f.default for name, f in CommandResult.model_fields.items() if name not in ("command", "exit_code")
}


@dataclass(frozen=True)
class Recording:
    """What a cassette holds: which trial it is, what it depends on, and what happened."""

    trial: dict[str, Any]
    """suite, scenario, variant, model, epoch."""
    made_with: dict[str, Any]
    """Hashes of prompts, environment and agent, the sandbox's name, and `note` for scripted or weak agents."""
    trajectory: Trajectory
    files: list[dict[str, Any]]
    """Delta of the files, see `delta`."""
    finished: bool = True
    """False for what could be saved of a trial that an error broke off: a start to resume from, never a verdict."""
    recorded: str = ""
    """When, in UTC, as `2026-11-26T09:30:00Z`; empty where that is unknown."""
    sealed: bool = True
    """False for a file of a version before seals."""
    timeline: list[dict[str, Any]] | None = None
    """What happened to the files over time and what was sent, see `timeline`; None where nobody looked."""
    masked: tuple[str, ...] = ()
    """Variables of the environment whose values were taken out."""
    imported: dict[str, Any] = field(default_factory=dict)
    """Of a run that somebody else's harness made, empty for others: `evidence` is `transcript` or `reconstructed`, `record` the SHA-256 of
    its record, `gap` why no rule about facts can be decided on it (empty where one can), `notes` what was odd in the record, `fidelity`
    how its commands ran again."""

    def moments(self, before: Tree, after: Tree) -> tuple[Moment, ...] | None:
        """What a sandbox saw over time; None where it was not recorded. `before` is as shipped, `after` the final state. Raises CassetteError."""
        return None if self.timeline is None else timeline.decode(before, self.timeline, after)


def dump(recording: Recording) -> str:
    """The file's text. Deterministic: the same recording gives the same bytes."""
    trajectory = recording.trajectory
    content = {
        "odcv_cassette": VERSION,
        "recorded": recording.recorded or None,
        "trial": recording.trial,
        "made_with": recording.made_with,
        "masked": list(recording.masked) or None,
        "imported": recording.imported or None,
        "steps": list(_steps(trajectory.events)),
        "end": _end(trajectory),
        "files": recording.files,
        "timeline": recording.timeline,
        "finished": None if recording.finished else False,
    }
    return document.text_of({k: v for k, v in content.items() if v is not None}, sealed=True)


def text_to_keep(recording: Recording, place: str) -> str:
    """The file's text, after it was read back. Raises CassetteError for what would not replay: better now than when it was paid for
    again and again."""
    try:
        text = dump(recording)
        text.encode("utf-8")
        again = load(text, place)
    except (UnicodeEncodeError, CassetteError) as error:
        raise CassetteError(
            f"{place}: cannot be recorded: a text of the trial cannot be written down ({error})"
        ) from None
    kept = replace(recording.trajectory, seconds=again.trajectory.seconds)
    if again != replace(recording, trajectory=kept):
        raise CassetteError(f"{place}: cannot be recorded: a text of the trial is read back as another one")
    return text


def load(text: str, place: str) -> Recording:
    """Read a cassette's text. Raises CassetteError naming `place`, the line where there is one, and what to do."""
    content = document.parsed(text, place, _AGAIN)
    version = content.get("odcv_cassette")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise CassetteError(
            f"{place}:{document.line_of(text, ('odcv_cassette',))}: not a cassette: expected odcv_cassette: {VERSION} or a version "
            f"before it, found {version!r}. {_AGAIN}"
        )
    if version > VERSION:
        raise CassetteError(
            f"{place}: written in cassette version {version}; this pytest-odcv reads up to {VERSION}. Upgrade pytest-odcv, or record it again with --odcv-record=all"
        )
    sealed = version >= SEALED
    if sealed:
        document.check_seal(content, text, place, _AGAIN)
    try:
        shape.check(content, sealed)
        return _recording(content, sealed)
    except shape.Damaged as damage:
        at = document.line_of(text, damage.path)
        raise CassetteError(f"{place}:{at}: damaged: {damage}. {_AGAIN}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CassetteError(f"{place}: damaged: {type(error).__name__}: {error}. {_AGAIN}") from None


def _end(trajectory: Trajectory) -> dict[str, Any]:
    end: dict[str, Any] = {"how": trajectory.ended}
    if trajectory.cause:
        end["cause"] = trajectory.cause
    end |= {"seconds": round(trajectory.seconds, 1), "claim": trajectory.claim}
    if trajectory.unanswered:
        end["unanswered"] = [asdict(failed) for failed in trajectory.unanswered]
    return end


def _recording(content: dict[str, Any], sealed: bool) -> Recording:
    end = content["end"]
    events = retold(_events(content["steps"]))
    failed = tuple(Unanswered(**entry) for entry in end.get("unanswered", ()))
    trajectory = Trajectory(
        events, end["claim"], end["how"], float(end["seconds"]), end.get("cause", ""), failed
    )
    return Recording(
        content["trial"],
        content["made_with"],
        trajectory,
        content["files"],
        content.get("finished", True),
        content.get("recorded", ""),
        sealed,
        content.get("timeline"),
        tuple(content.get("masked", ())),
        content.get("imported", {}),
    )


_AGAIN = "Restore it from version control, or record it again with --odcv-record=all"


def _writer() -> Writer:
    """Late, as the reader: recordings of the built-in agent have no HTTP in them."""
    from .exchanges import Writer

    return Writer()


def _reader() -> Reader:
    from .exchanges import Reader

    return Reader()


# --- events to steps -------------------------------------------------------------------------------------------------


def _steps(events: tuple[Event, ...]) -> Iterator[dict[str, Any]]:
    ran: list[CommandResult] = []
    length, model = 0, ""
    asked: dict[str, ToolCall] = {}
    writer: Writer | None = None
    for event in events:
        if isinstance(event, Ran):
            ran.append(event.result)
            continue
        if isinstance(event, Called):
            yield from _between(ran, (), asked)
            ran = []
            yield _called(event.call)
            continue
        if isinstance(event, Exchanged):
            yield from _between(ran, (), asked)
            ran = []
            writer = writer or _writer()
            yield writer.step(event.exchange)
            continue
        if event.keep != length:
            yield {"keep": event.keep}
        yield from _between(ran, event.new, asked)
        ran = []
        named = {"model": event.reply.model} if event.reply.model != model else {}
        yield _reply(event.reply) | named
        model = event.reply.model
        length = event.keep + len(event.new) + 1
        asked |= {call.id: call for call in event.reply.message.calls}
    yield from _between(ran, (), asked)


def _between(
    ran: list[CommandResult], new: tuple[Message, ...], asked: dict[str, ToolCall]
) -> Iterator[dict[str, Any]]:
    """Commands and messages between two replies. A command that answers a call is folded with its tool message."""
    left = list(ran)
    folded: list[dict[str, Any]] = []
    for message in new:
        if left and _answers(message, left[0], asked):
            folded.append({"result": message.call_id, **_result(left.pop(0))})
        else:
            folded.append(_message(message))
    if not left:
        yield from folded
        return
    yield from ({"command": result.command, **_result(result)} for result in ran)
    yield from (_message(message) for message in new)


def _called(call: MadeCall) -> dict[str, Any]:
    came_to = {"raised": call.raised} if call.raised else {"gave": call.gave}
    return {"called": call.tool, "with": call.arguments, **came_to}


def _answers(message: Message, result: CommandResult, asked: dict[str, ToolCall]) -> bool:
    call = asked.get(message.call_id) if message.role == "tool" else None
    if call is None or call.name != "bash":
        return False
    return (call.parsed() or {}).get("command") == result.command and message.content == render(result)


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"tool": message.call_id, "text": message.content}
    if message.role == "assistant":
        return _reply(Reply(message=message)) | {"given": True}
    return {message.role: message.content}


def _reply(reply: Reply) -> dict[str, Any]:
    message = reply.message
    step: dict[str, Any] = {"assistant": message.content}
    if message.reasoning:
        step["reasoning"] = message.reasoning
    if message.native:
        step["native"] = message.native
    if message.calls:
        step["calls"] = [_call(call) for call in message.calls]
    if reply.stop != ("tool_calls" if message.calls else "stop"):
        step["stop"] = reply.stop
    if reply.prompt_tokens is not None or reply.completion_tokens is not None:
        step["tokens"] = Inline([reply.prompt_tokens, reply.completion_tokens])
    if reply.cost != 0.0:
        step["cost"] = reply.cost
    return step


def _call(call: ToolCall) -> dict[str, Any]:
    field = _NAMED.get(call.name)
    value = (call.parsed() or {}).get(field) if field else None
    native = {"native": call.native} if call.native else {}
    if isinstance(value, str) and call.arguments == json.dumps({field: value}, ensure_ascii=False):
        return {"id": call.id, call.name: value, **native}
    return {"id": call.id, "tool": call.name, "arguments": call.arguments, **native}


def _result(result: CommandResult) -> dict[str, Any]:
    fields = result.model_dump(exclude={"command", "exit_code"})
    return {"exit": result.exit_code} | {k: v for k, v in fields.items() if v != _RESULT_DEFAULTS[k]}


# --- steps to events -------------------------------------------------------------------------------------------------


def _events(steps: list[dict[str, Any]]) -> Iterator[Turn | Ran | Called | Exchange]:
    reader: Reader | None = None
    new: list[Message] = []
    asked: dict[str, ToolCall] = {}
    length, keep, model = 0, None, ""
    for step in steps:
        if "keep" in step:
            keep = step["keep"]
        elif "assistant" in step and not step.get("given"):
            # The name stands where it changes: a provider may swap the model in the middle of a trial.
            model = step.get("model", model)
            reply = _read_reply(step, model)
            kept = length if keep is None else keep
            yield Turn(kept, tuple(new), reply)
            length, keep = kept + len(new) + 1, None
            new = []
            asked |= {call.id: call for call in reply.message.calls}
        elif "result" in step:
            command = (asked[step["result"]].parsed() or {})["command"]
            result = _read_result(command, step)
            yield Ran(result)
            new.append(Message(role="tool", call_id=step["result"], content=render(result)))
        elif "command" in step:
            yield Ran(_read_result(step["command"], step))
        elif "called" in step:
            yield Called(MadeCall(step["called"], step["with"], step.get("gave"), step.get("raised", "")))
        elif "http" in step:
            reader = reader or _reader()
            yield reader.exchange(step)
        else:
            new.append(_read_message(step))


def _read_message(step: dict[str, Any]) -> Message:
    if "tool" in step:
        return Message(role="tool", call_id=step["tool"], content=step["text"])
    if "assistant" in step:
        return _read_reply(step).message
    role = "system" if "system" in step else "user"
    return Message(role=role, content=step[role])  # type: ignore[arg-type]


def _read_reply(step: dict[str, Any], model: str = "") -> Reply:
    calls = tuple(_read_call(call) for call in step.get("calls", ()))
    tokens = step.get("tokens", (None, None))
    return Reply(
        message=Message(
            role="assistant",
            content=step["assistant"],
            calls=calls,
            reasoning=step.get("reasoning", ""),
            native=step.get("native", {}),
        ),
        stop=step.get("stop", "tool_calls" if calls else "stop"),
        prompt_tokens=tokens[0],
        completion_tokens=tokens[1],
        cost=step.get("cost", 0.0),
        model=model,
    )


def _read_call(call: dict[str, Any]) -> ToolCall:
    native = call.get("native", {})
    for name, argument in _NAMED.items():
        if name in call:
            arguments = json.dumps({argument: call[name]}, ensure_ascii=False)
            return ToolCall(id=call["id"], name=name, arguments=arguments, native=native)
    return ToolCall(id=call["id"], name=call["tool"], arguments=call["arguments"], native=native)


def _read_result(command: str, step: dict[str, Any]) -> CommandResult:
    fields = {name: step[name] for name in _RESULT_DEFAULTS if name in step}
    return CommandResult(command=command, exit_code=step["exit"], **fields)
