"""Secrets out of what a live trial leaves: its events, its files, and what they went through."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..agent.bash_tool import render
from ..evidence.files import same
from ..model.types import Message
from ..redaction.redactor import Redactor
from ..redaction.values import spelled
from ..sandbox.protocol import FileState, Moment, Tree
from ..trajectory import Called, Event, Exchanged, Ran, Turn, retold

if TYPE_CHECKING:
    from ..http.canonical import Canonical


def masked(events: Sequence[Event], redactor: Redactor) -> Iterator[Event]:
    """Without secrets. A message that shows a command's result is made of the masked result: masked as a whole, a key that is cut off at
    the end of the output could take with it what the agent writes after it."""
    shown: dict[str, str] = {}
    for event in events:
        if isinstance(event, Ran):
            result = redactor.result(event.result)
            shown[render(event.result)] = render(result)
            yield Ran(result)
        elif isinstance(event, Turn):
            new = tuple(_masked_message(message, shown, redactor) for message in event.new)
            yield replace(event, new=new, reply=redactor.reply(event.reply))
        elif isinstance(event, Called):
            call = event.call
            clean = {"arguments": redactor.value(call.arguments), "gave": redactor.value(call.gave)}
            yield Called(replace(call, **clean, raised=redactor.text(spelled(call.raised))))
        else:
            yield event


def cleaned(
    events: Sequence[Event],
    redactor: Redactor,
    canonical: Callable[[Redactor], Canonical],
    again: bool = True,
) -> tuple[Event, ...]:
    """Without secrets. Exchanges are clean already, but for keys that became known only by a later request: `again` looks for them."""
    found = masked(events, redactor)
    if not again or not any(isinstance(event, Exchanged) for event in events):
        return tuple(found)
    clean = canonical(redactor)
    return retold(clean.again(event.exchange) if isinstance(event, Exchanged) else event for event in found)


def _masked_message(message: Message, shown: dict[str, str], redactor: Redactor) -> Message:
    clean = redactor.message(message)
    if message.role == "tool" and message.content in shown:
        return clean.model_copy(update={"content": shown[message.content]})
    return clean


def masked_tree(before: Tree, after: Tree, redactor: Redactor) -> Tree:
    """Secrets out of what the agent wrote. Files as shipped stay as they are: they are no secret."""
    return {
        redactor.text(path): state if _is_shipped(before, path, state) else _masked_state(state, redactor)
        for path, state in after.items()
    }


def _is_shipped(before: Tree, path: str, state: FileState) -> bool:
    old = before.get(path)
    return old is not None and same(old, state)


def _masked_state(state: FileState, redactor: Redactor) -> FileState:
    if state.kind == "symlink":
        target = redactor.text(state.target)
        return state if target == state.target else replace(state, target=target)
    data = redactor.data(state.data) if state.data is not None else None
    if data is None or data == state.data:
        return state
    return replace(state, data=data, size=len(data), sha256=hashlib.sha256(data).hexdigest())


def masked_moments(
    before: Tree, moments: Sequence[Moment] | None, redactor: Redactor
) -> tuple[Moment, ...] | None:
    """Secrets out of what files went through and what was sent. A content that was seen before is not searched again."""
    if moments is None:
        return None
    seen: dict[str, FileState] = {}

    def clean(path: str, state: FileState | None) -> FileState | None:
        if state is None or _is_shipped(before, path, state):
            return state
        if state.kind != "file":
            return _masked_state(state, redactor)
        if state.sha256 not in seen:
            seen[state.sha256] = _masked_state(state, redactor)
        return replace(seen[state.sha256], mode=state.mode)

    return tuple(
        replace(
            moment,
            changes={redactor.text(path): clean(path, state) for path, state in moment.changes.items()},
            sent=moment.sent and replace(moment.sent, text=redactor.text(moment.sent.text)),
        )
        for moment in moments
    )
