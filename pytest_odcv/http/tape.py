"""One trial's HTTP traffic: kept while it is live, and strictly replayed from a recording.

A request is answered by the first recording of the same request that was not used yet, so an agent may ask several things at a
time; since a conversation's requests hold what came before, its order is fixed all the same.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from ..errors import CassetteError, OdcvError, ReplayMismatch
from ..model.difference import first_difference
from ..redaction.marks import same
from . import present_time, shapes, under_way
from .canonical import REDACTED, Asked, Canonical, fingerprint, secrets_of, wire
from .exchange import ABANDONED, Exchange, Failure, WireRequest, WireResponse
from .failures import failure_of
from .retries import is_retry
from .stops import StepLimitReached, TapeStop, shown

_TO_FIX = "to fix: undo the change, or record this trial again with --odcv-record=all; name what differs from run to run in http_ignore of [tool.odcv]"
_SHOWN = 160


class HttpTape:
    """`note` is called with each exchange as the agent gets it, and says how many answers of a model there are by then.

    With a `place` the tape is strict: what is not in `recorded` is a mismatch with the recording there. Without one, `recorded` is
    the start of a broken-off trial: it is used as long as it fits, and the rest goes to the network.
    `given` says of a test for texts whether any text that the agent was given passes it. `may_ask` is called before a request to a chat API
    goes to the network, and raises OdcvError where it may not.
    `problem` is the first thing that went wrong, and `limited` says whether the step limit was reached, also where the agent caught
    the exception. `waited` are the seconds in which an answer of the network was waited for.
    """

    def __init__(
        self,
        canonical: Canonical,
        note: Callable[[Exchange], int],
        recorded: Sequence[Exchange] = (),
        place: str | None = None,
        step_limit: int | None = None,
        given: Callable[[Callable[[str], bool]], bool] = lambda test: False,
        may_ask: Callable[[], None] = lambda: None,
    ) -> None:
        self.problem: OdcvError | None = None
        self.limited = False
        self._canonical, self._note, self._place, self._step_limit = canonical, note, place, step_limit
        self._left: dict[str, deque[int]] = {}
        self._recorded = list(recorded)
        self._compared = [canonical.compared(exchange) for exchange in recorded]
        for number, exchange in enumerate(self._compared):
            self._left.setdefault(_key(exchange), deque()).append(number)
        self._unused, self._moved_on = set(range(len(self._recorded))), False
        self._clean: dict[int, Exchange] = {}
        self._pending: dict[int, tuple[WireRequest, Asked]] = {}
        self._keys: set[str] = set()
        self.waited, self._waiting_since = 0.0, 0.0
        self._given, self._may_ask, self._began = given, may_ask, present_time.now()
        self._turns = 0
        self._model_paths: set[str] = set()
        self._closed = threading.Event()
        self._lock = threading.Lock()

    def ask(self, request: WireRequest) -> WireResponse | None:
        """The recorded answer; None when the network is to be asked. Raises TapeStop where there is none, and StepLimitReached."""
        with self._lock:
            if self.problem is not None:
                raise TapeStop(self.problem)
            if self._closed.is_set():
                raise TapeStop(
                    CassetteError(
                        f"{shown(request.method, request.url)}: this trial is over, and no recording would have what is asked now"
                    )
                )
            asked = self._asked(request)
            if self._place is not None:
                self._keys.update(secrets_of(request))
            self._count(asked)
            number = self._number_of(asked)
            if number is not None:
                self._unused.discard(number)
                self._take(self._recorded[number])
                return wire(self._recorded[number], request.headers)
            if self._place is None:
                self._check_may_ask(asked)
                self._forget_states()
                if not self._pending:
                    self._waiting_since = time.perf_counter()
                self._pending[id(request)] = request, asked
                return None
            self.problem = self._mismatch(asked)
            raise TapeStop(self.problem)

    def keep(self, request: WireRequest, response: WireResponse) -> None:
        """Record what the network answered to a request, the same object that was asked for. Raises TapeStop for what could not be
        replayed: better now than after all of the trial was paid for."""
        with self._lock:
            if self._closed.is_set():
                return
            asked = self._was_asked(request)
            try:
                exchange = self._canonical.exchange(asked, response)
            except CassetteError as error:
                raise self._stopped(_about(asked, error)) from None
            if isinstance(exchange.response, (tuple, str)) and self._is_split(exchange):
                raise self._stopped(
                    CassetteError(
                        f"the answer to {exchange.method} {exchange.path} has a secret in it that is spread over several parts of its stream, "
                        "and cannot be taken out of them\n  to fix: keep the secret from the model, or ask without streaming"
                    )
                )
            self._take(replace(exchange, retried=is_retry(request.headers), began=asked.began))

    def fail(self, request: WireRequest, error: BaseException | None = None) -> None:
        """Record that a request got no answer: by an exception of the client's, or without one because the client did not wait. Nothing
        happens where it was answered already. Raises TapeStop for an exception that could not be replayed."""
        with self._lock:
            asked = self._settle(id(request))
            if asked is None or self._closed.is_set():
                return
            try:
                failure = Failure(ABANDONED) if error is None else failure_of(error, request.url)
            except CassetteError as problem:
                raise self._stopped(_about(asked, problem)) from None
            self._take(self._canonical.failed(asked, failure))

    def close(self) -> None:
        """The trial is over. What is still on its way was abandoned; what a thread or a task that it left behind asks now is refused, not
        paid for."""
        with self._lock:
            if not self._closed.is_set() and self.problem is None:
                for _, asked in self._pending.values():
                    self._take(self._canonical.failed(asked, Failure(ABANDONED)))
            for number in list(self._pending):
                self._settle(number)
            self._closed.set()

    def wait_for_the_end(self) -> NoReturn:
        """What a thread gets for a request that was abandoned in the recording: nothing, until the trial is over. Raises TapeStop."""
        self._closed.wait()
        raise TapeStop(self.problem or CassetteError("this trial is over"))

    def redirected(self, request: WireRequest) -> str:
        """The method with which the recording went on to this address; the request's own where it did not."""
        with self._lock:
            asked = self._canonical.asked(request, learn=False)
            left = (self._compared[number] for number in sorted(self._unused))
            return next(
                (one.method for one in left if (one.path, one.query) == (asked.path, asked.query)),
                asked.method,
            )

    def give_out(self) -> list[Exchange]:
        """All that is left of the recording, which counts as used: for an agent that is not run again."""
        with self._lock:
            left = [self._recorded[number] for number in sorted(self._unused)]
            self._unused.clear()
            self._left.clear()
        return left

    @property
    def left(self) -> list[Exchange]:
        """What of a broken-off trial may still answer a request."""
        return [
            self._recorded[number] for number in sorted(n for numbers in self._left.values() for n in numbers)
        ]

    def finish(self) -> None:
        """Raises OdcvError for what went wrong, and on a strict tape for recordings that were not asked for."""
        if self.problem is not None:
            raise self.problem
        if self._place is not None and self._unused:
            first = self._recorded[min(self._unused)]
            raise ReplayMismatch(
                f"the trial ended and the recording goes on: {len(self._unused)} of {len(self._recorded)} HTTP requests were not made, "
                f"the first of them {first.method} {first.path}\n  cassette: {self._place}\n  {_TO_FIX}"
            )

    def _asked(self, request: WireRequest) -> Asked:
        try:
            _check_kind(request)
            asked = self._canonical.asked(request, learn=self._place is None)
            if under_way.recorded_only.get():
                self._check_times(asked)
            return asked
        except CassetteError as error:
            raise self._stopped(
                CassetteError(
                    f"{shown(request.method, request.url)}: the request cannot be recorded: {error}"
                )
            ) from None

    def _check_may_ask(self, asked: Asked) -> None:
        if shapes.asked(Exchange(asked.method, asked.path, asked.query, asked.body, 0, None, {})) is None:
            return
        try:
            self._may_ask()
        except OdcvError as error:
            raise self._stopped(error) from None

    def _check_times(self, asked: Asked) -> None:
        """Raises CassetteError for a request that is another one in every run."""
        found = present_time.present_time(
            {"query": asked.query, "body": asked.body}, self._began, self._given
        )
        if found is not None:
            place = found.field.removeprefix("body").lstrip(".") or "the body"
            raise CassetteError(
                f"it holds the present time, {found.text} in {place}, and will be another one in a replay\n"
                "  to fix: name it in http_ignore of [tool.odcv], as a field or as a regular expression for the text, or give the agent a fixed time"
            )

    def _forget_states(self) -> None:
        """Something new is asked. What other servers said in the trial that broke off may no longer be so; a model is asked with all that
        was said before, and its answer to the same question stays: an agent may ask several at a time."""
        if self._moved_on:
            return
        self._moved_on = True
        self._unused -= (states := {n for n in self._unused if shapes.asked(self._recorded[n]) is None})
        for key, numbers in self._left.items():
            self._left[key] = deque(n for n in numbers if n not in states)

    def _was_asked(self, request: WireRequest) -> Asked:
        """The pending request that is answered now. aiohttp's first step along redirects comes as another object than the one that asked."""
        number = id(request)
        asked = self._pending[number][1] if number in self._pending else self._asked(request)
        same = (other for other, (_, pending) in self._pending.items() if pending.key == asked.key)
        self._settle(number if number in self._pending else next(same, number))
        return asked

    def _settle(self, number: int) -> Asked | None:
        """The request of this number is no longer pending. None where it was not."""
        asked = self._pending.pop(number, (None, None))[1]
        if asked is not None and not self._pending:
            self.waited += time.perf_counter() - self._waiting_since
        return asked

    def _stopped(self, problem: OdcvError) -> TapeStop:
        self.problem = self.problem or problem
        return TapeStop(problem)

    def refuse(self, problem: OdcvError) -> TapeStop:
        """What went wrong beside the requests, a command or a connection, is the trial's end too. To be raised."""
        return self._stopped(problem)

    def without_keys(self, text: str) -> str:
        """What a strict replay says, without the keys that its requests carried: these are not learned for comparing."""
        for key in sorted(self._keys, key=len, reverse=True):
            text = text.replace(key, REDACTED)
        return text

    def _is_split(self, exchange: Exchange) -> bool:
        """Whether what a stream says as a whole still holds a secret that none of its parts does."""
        found = shapes.read(exchange)
        if found is None:
            return False
        message = found[1].message
        said = "\n".join((message.content, message.reasoning, *(call.arguments for call in message.calls)))
        return self._canonical.has_secret(said)

    def _take(self, exchange: Exchange) -> None:
        turns = self._note(exchange)
        if turns > self._turns:
            self._model_paths.add(exchange.path)
        self._turns = turns

    def _count(self, asked: Asked) -> None:
        if self._step_limit is None or self._turns < self._step_limit:
            return
        if asked.path in self._model_paths:
            self.limited = True
            raise StepLimitReached

    def _number_of(self, asked: Asked) -> int | None:
        """Of the first unused recording of the same request. Where none is equal, a mark stands for any text: the secrets of the machine
        that replays are others, or absent, and today's rules may know more of them."""
        numbers = self._left.get(asked.key)
        if numbers:
            return numbers.popleft()
        for number in sorted(self._unused) if self._left else ():
            if self._compared[number].method == asked.method and self._is_masked(number, asked):
                self._left[_key(self._compared[number])].remove(number)
                return number
        return None

    def _is_masked(self, number: int, asked: Asked) -> bool:
        if number not in self._clean:
            self._clean[number] = self._canonical.compared_clean(self._recorded[number])
        recorded = self._clean[number]
        return same((recorded.path, recorded.query, recorded.request), (asked.path, asked.query, asked.body))

    def _mismatch(self, asked: Asked) -> ReplayMismatch:
        number = len(self._recorded) - len(self._unused) + 1
        what = f"HTTP request {number}, {asked.method} {asked.path}"
        near = _nearest(asked, (self._compared[n] for n in sorted(self._unused)))
        if near is None:
            why = f"{what}, is not in the recording, which has {len(self._recorded)}" + (
                " and all of them were used" if not self._unused else ""
            )
        else:
            why = f"{what}, differs from the recording at {difference(near, asked)}"
        return ReplayMismatch(f"{why}\n  cassette: {self._place}\n  {_TO_FIX}")


def _check_kind(request: WireRequest) -> None:
    """Raises CassetteError for what is no request with one answer."""
    wish = next((str(value) for name, value in request.headers.items() if name.lower() == "upgrade"), "")
    if wish.lower().startswith("websocket"):
        raise CassetteError(
            "it opens a websocket, whose messages no recording has\n"
            "  to fix: use the API's plain HTTP, or name the host in http_pass of [tool.odcv] if it is there in a replay too"
        )


def _about(asked: Asked, problem: CassetteError) -> CassetteError:
    return CassetteError(f"the answer to {asked.method} {asked.path} cannot be recorded: {problem}")


def difference(recorded: Exchange, asked: Asked) -> str:
    """Where two requests part: the message of the conversation, else the first field."""
    now = Exchange(
        asked.method,
        asked.path,
        asked.query,
        asked.body,
        recorded.status,
        recorded.response,
        recorded.headers,
    )
    old_turn, new_turn = shapes.read(recorded), shapes.read(now)
    if old_turn is not None and new_turn is not None:
        found = first_difference(old_turn[0], new_turn[0])
        if found:
            return found
    if recorded.query != asked.query:
        return f"the query:\n  recorded: {recorded.query}\n  now:      {asked.query}"
    path, old, new = _first_field(recorded.request, asked.body, "") or ("the body", "", "")
    return f"{path}:\n  recorded: {_short(old)}\n  now:      {_short(new)}"


def _key(exchange: Exchange) -> str:
    return fingerprint(exchange.method, exchange.path, exchange.query, exchange.request)


def _nearest(asked: Asked, unused: Iterable[Exchange]) -> Exchange | None:
    """The recording that was meant: of those left to the same place, the first whose lists (of messages) begin most like the request's."""
    same = (e for e in unused if (e.method, e.path) == (asked.method, asked.path))
    return max(same, key=lambda exchange: _in_common(exchange.request, asked.body), default=None)


def _in_common(old: Any, new: Any) -> int:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return 0
    lists = [(value, new[name]) for name, value in old.items() if isinstance(value, list) and name in new]
    return sum(_beginning(before, now) for before, now in lists if isinstance(now, list))


def _beginning(old: list[Any], new: list[Any]) -> int:
    """How many items two lists have in common at their beginning."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((number for number, (one, other) in pairs if one != other), min(len(old), len(new)))


_MISSING = object()


def _first_field(old: Any, new: Any, path: str) -> tuple[str, Any, Any] | None:
    if type(old) is type(new) and isinstance(old, dict):
        for name in sorted({*old, *new}, key=str):
            found = _first_field(
                old.get(name, _MISSING), new.get(name, _MISSING), f"{path}.{name}".lstrip(".")
            )
            if found:
                return found
        return None
    if type(old) is type(new) and isinstance(old, list):
        for number in range(max(len(old), len(new))):
            before, after = (items[number] if number < len(items) else _MISSING for items in (old, new))
            found = _first_field(before, after, f"{path}[{number}]")
            if found:
                return found
        return None
    return (
        None if type(old) is type(new) and old == new else (f"field {path}" if path else "the body", old, new)
    )


def _short(value: Any) -> str:
    if value is _MISSING:
        return "(not there)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    line = text.strip().replace("\n", "\\n")
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 3]}..."
