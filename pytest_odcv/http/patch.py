"""The one patch of a session: vcrpy's, for every HTTP library it knows, with a router in the place of its cassette.

vcrpy takes requests and responses out of httpx, httpx2, aiohttp, requests, urllib3 and http.client; matching, storing and telling trials
apart are ours. One patch and a ContextVar, because vcrpy's own `use_cassette` is global and mixes what runs at the same time.
"""

from __future__ import annotations

import asyncio
import functools
import http.client
import inspect
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from types import FunctionType
from typing import Any
from unittest import mock

from ..errors import CassetteError, UsageProblem
from ..shared_context import SharedContext
from . import current, under_way
from .current import let_through
from .exchange import ABANDONED, Failure, WireRequest, WireResponse
from .failures import exception_of
from .stops import bracketed, shown

__all__ = ["let_through", "patched"]


def _patch() -> ExitStack:
    try:
        import vcr.patch
        import vcr.stubs
    except ImportError:
        raise UsageProblem(
            "an agent of your own needs vcrpy, which records its HTTP traffic: pip install 'pytest-odcv[http]'"
        ) from None
    with ExitStack() as stack:
        # vcrpy takes its patches off and puts them back around each real request of http.client and urllib3, for all threads at once; what
        # another thread opens meanwhile would go unrecorded. The classes it wraps do not need that.
        stack.enter_context(mock.patch.object(vcr.patch, "force_reset", nullcontext))
        stack.enter_context(
            mock.patch.object(
                vcr.stubs.VCRHTTPSConnection, "_baseclass", _unpatched(http.client.HTTPSConnection)
            )
        )
        real_host = vcr.stubs.VCRConnection._real_host
        stack.enter_context(
            mock.patch.object(vcr.stubs.VCRConnection, "_real_host", lambda self: bracketed(real_host(self)))
        )
        for name in ("connect", "getresponse"):
            method = _with_failures(getattr(vcr.stubs.VCRConnection, name))
            stack.enter_context(mock.patch.object(vcr.stubs.VCRConnection, name, method))
        stack.enter_context(mock.patch.object(threading.Thread, "start", _starting(threading.Thread.start)))
        submit = _submitting(ThreadPoolExecutor.submit)
        stack.enter_context(mock.patch.object(ThreadPoolExecutor, "submit", submit))
        for patcher in vcr.patch.CassettePatcherBuilder(Router()).build():
            if hasattr(patcher, "new") and not isinstance(patcher.new, type) and callable(patcher.new):
                patcher.new = _when_engaged(patcher.new, getattr(patcher.getter(), patcher.attribute))
            stack.enter_context(patcher)
        return stack.pop_all()


patched = SharedContext(_patch)
"""Within `with patched():`, HTTP libraries ask the tape of the trial in whose context they are used. Raises UsageProblem where vcrpy is not
installed."""


def _starting(start: Callable[..., None]) -> Callable[..., None]:
    """`Thread.start` that notes which trial started the thread: requests made there are stopped, and the error is that trial's."""

    @functools.wraps(start)
    def noting(self: threading.Thread) -> None:
        tape = current.started_by()
        if tape is not None:
            self.run = functools.partial(current.run_for, tape, self.run)  # type: ignore[method-assign]
        start(self)

    return noting


def _submitting(submit: Callable[..., Any]) -> Callable[..., Any]:
    """The same for work that is handed to a pool, whose threads belong to whoever came first."""

    @functools.wraps(submit)
    def noting(self: Any, function: Callable[..., Any], /, *args: Any, **named: Any) -> Any:
        return submit(self, current.run_for, current.started_by(), function, *args, **named)

    return noting


def _unpatched(plain: type[http.client.HTTPSConnection]) -> type[http.client.HTTPSConnection]:
    """`plain`, whose own code looks itself up by its name in http.client, where the patched class will be."""
    first = plain.__init__
    names = {**vars(http.client), plain.__name__: plain}
    made = FunctionType(first.__code__, names, first.__name__, first.__defaults__, first.__closure__)
    made.__kwdefaults__ = first.__kwdefaults__
    return type(plain.__name__, (plain,), {"__init__": made})


def _when_engaged(recorded: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    """Leaves traffic alone that is nobody's here, such as an endless stream in another test, which vcrpy would read to its end."""
    recorded = _with_failures(recorded)

    @functools.wraps(plain)
    def choose(*args: Any, **kwargs: Any) -> Any:
        return (recorded if current.engaged() else plain)(*args, **kwargs)

    return choose


# --- requests that fail ----------------------------------------------------------------------------------------------


class _Abandoned(BaseException):
    """In the recording the client did not wait for the answer to this request, so none will come."""

    def __init__(self, tape: Any) -> None:
        super().__init__()
        self.tape = tape


def _with_failures(ask: Callable[..., Any]) -> Callable[..., Any]:
    """`ask`, a function of vcrpy's that makes a request or a coroutine that makes one; requests of it that fail are recorded, and those
    that were abandoned in the recording wait."""

    @functools.wraps(ask)
    def noting(*args: Any, **kwargs: Any) -> Any:
        try:
            with _noting():
                result = ask(*args, **kwargs)
        except _Abandoned as abandoned:
            abandoned.tape.wait_for_the_end()
        return _noted(result) if inspect.iscoroutine(result) else result

    return noting


async def _noted(asking: Awaitable[Any]) -> Any:
    try:
        with _noting():
            return await asking
    except _Abandoned:
        await asyncio.Event().wait()  # Until the client gives up, as it did.


@contextmanager
def _noting() -> Iterator[None]:
    before = under_way.requests.set(())
    try:
        yield
    except asyncio.CancelledError:
        for request in under_way.requests.get():
            request.odcv_tape.fail(request.odcv_wire)
        raise
    except Exception as error:
        for request in under_way.requests.get():
            request.odcv_tape.fail(request.odcv_wire, error)
        raise
    finally:
        under_way.requests.reset(before)


class Router:
    """What vcrpy's patches take for their cassette. The answer to a request is found once and noted on vcrpy's request object."""

    _path = "odcv"
    skip_patchers: tuple[str, ...] = ()
    custom_patches: tuple[Any, ...] = ()
    write_protected = False

    def can_play_response_for(self, request: Any) -> bool:
        """Raises TapeStop for what cannot be answered."""
        return self._answer(request) is not None

    def play_response(self, request: Any) -> dict[str, Any]:
        answer = self._answer(request)
        if answer is None:
            ended = CassetteError(
                "the recording that is resumed ends between a redirect and what it leads to"
            )
            raise request.odcv_tape.refuse(ended)
        return {
            "status": {"code": answer.status, "message": answer.reason},
            "headers": {name: list(values) for name, values in answer.headers.items()},
            "body": {"string": answer.body},
            "url": request.uri,
        }

    def append(self, request: Any, response: dict[str, Any]) -> None:
        if not hasattr(request, "odcv_tape"):
            # A step of aiohttp's on its way along redirects, which nobody asked for by itself.
            request.odcv_tape, request.odcv_wire = self._tape(request), _wire(request)
        tape = request.odcv_tape
        if tape is None:
            return
        body = response["body"].get("string")
        headers = {
            name: [values] if isinstance(values, str) else list(values)
            for name, values in response["headers"].items()
        }
        status = response["status"]
        data = body.encode() if isinstance(body, str) else bytes(body or b"")
        tape.keep(request.odcv_wire, WireResponse(status["code"], status["message"] or "", headers, data))

    def filter_request(self, request: Any) -> Any:
        return request

    def find_requests_with_most_matches(self, request: Any) -> list[Any]:
        """What aiohttp's stub asks for after a redirect, in place of the request that it makes up."""
        tape = self._tape(request)
        request.method = tape.redirected(_wire(request)) if tape is not None else request.method
        return [(request,)]

    def _answer(self, request: Any) -> WireResponse | None:
        if not hasattr(request, "odcv_answer"):
            request.odcv_tape = tape = self._tape(request)
            request.odcv_wire = None if tape is None else self._wire(request)
            request.odcv_answer = None if tape is None else tape.ask(request.odcv_wire)
        if request.odcv_tape is not None:
            under_way.requests.set((*under_way.requests.get(), request))
        answer: WireResponse | None = request.odcv_answer
        if answer is not None and answer.failure is not None:
            raise self._failure(request, answer.failure)
        return answer

    def _wire(self, request: Any) -> WireRequest:
        try:
            return _wire(request)
        except CassetteError as problem:
            told = f"{shown(request.method, request.uri)}: the request cannot be recorded: {problem}"
            raise request.odcv_tape.refuse(CassetteError(told)) from None

    def _failure(self, request: Any, failure: Failure) -> BaseException:
        if failure.kind == ABANDONED:
            return _Abandoned(request.odcv_tape)
        try:
            return exception_of(failure, request.uri)
        except CassetteError as problem:
            return request.odcv_tape.refuse(problem)  # type: ignore[no-any-return]

    def _tape(self, request: Any) -> Any:
        """The tape that this request is for; None for traffic that is left alone."""
        if not current.engaged():
            return None
        if current.passes(request.host or "", request.port):
            return None
        tape = current.tape()
        if tape is None:
            raise current.stray(request.method, request.uri)
        return tape


def _wire(request: Any) -> WireRequest:
    headers = {str(name): _text(value) for name, value in request.headers.items()}
    return WireRequest(request.method, request.uri, headers, _bytes(request.body))


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):  # As http.client's putheader gives them.
        return ", ".join(map(_text, value))
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _bytes(body: Any) -> bytes:
    """A request's body in whatever form its library holds it. Raises CassetteError for one that cannot be read without being sent."""
    if body is None:
        return b""
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (dict, list, tuple, int, float, bool)):
        return json.dumps(body, default=_plain).encode()
    for method in ("read", "decode"):  # A file; a payload of aiohttp's.
        if callable(getattr(body, method, None)):
            return _bytes(getattr(body, method)())
    try:
        return b"".join(_bytes(part) for part in body)
    except TypeError:
        raise _unreadable(body) from None


def _plain(value: Any) -> str:
    """A value that a project's own JSON writer knows, such as a date. Raises CassetteError for an object without a text of its own."""
    kind: Any = type(value)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        raise _unreadable(value)
    return str(value)


def _unreadable(body: Any) -> CassetteError:
    return CassetteError(
        f"its body is a {type(body).__module__}.{type(body).__qualname__}, which cannot be read before it is sent\n"
        "  to fix: send text, bytes, JSON or a file"
    )
