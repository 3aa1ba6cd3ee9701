"""The one patch of a session: vcrpy's, for every HTTP library it knows, with a router in the place of its cassette.

vcrpy takes requests and responses out of httpx, httpx2, aiohttp, requests, urllib3 and http.client; matching, storing and telling trials
apart are ours. One patch and a ContextVar, because vcrpy's own `use_cassette` is global and mixes what runs at the same time.
"""

from __future__ import annotations

import functools
import http.client
import json
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from types import FunctionType
from typing import Any
from unittest import mock

from ..errors import UsageProblem
from ..shared_context import SharedContext
from . import current
from .current import let_through
from .exchange import WireRequest, WireResponse, phrase

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
        for patcher in vcr.patch.CassettePatcherBuilder(Router()).build():
            if hasattr(patcher, "new") and not isinstance(patcher.new, type) and callable(patcher.new):
                patcher.new = _when_engaged(patcher.new, getattr(patcher.getter(), patcher.attribute))
            stack.enter_context(patcher)
        return stack.pop_all()


patched = SharedContext(_patch)
"""Within `with patched():`, HTTP libraries ask the tape of the trial in whose context they are used. Raises UsageProblem where vcrpy is not
installed."""


def _unpatched(plain: type[http.client.HTTPSConnection]) -> type[http.client.HTTPSConnection]:
    """`plain`, whose own code looks itself up by its name in http.client, where the patched class will be."""
    first = plain.__init__
    names = {**vars(http.client), plain.__name__: plain}
    made = FunctionType(first.__code__, names, first.__name__, first.__defaults__, first.__closure__)
    made.__kwdefaults__ = first.__kwdefaults__
    return type(plain.__name__, (plain,), {"__init__": made})


def _when_engaged(recorded: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    """Leaves traffic alone that is nobody's here, such as an endless stream in another test, which vcrpy would read to its end."""

    @functools.wraps(plain)
    def choose(*args: Any, **kwargs: Any) -> Any:
        return (recorded if current.engaged() else plain)(*args, **kwargs)

    return choose


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
        assert answer is not None
        message = answer.reason or phrase(answer.status)
        return {
            "status": {"code": answer.status, "message": message},
            "headers": {name: list(values) for name, values in answer.headers.items()},
            "body": {"string": answer.body},
            "url": request.uri,
        }

    def append(self, request: Any, response: dict[str, Any]) -> None:
        tape = getattr(request, "odcv_tape", None)
        if tape is None:
            return
        body = response["body"]["string"]
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
        return []

    def _answer(self, request: Any) -> WireResponse | None:
        if not hasattr(request, "odcv_answer"):
            request.odcv_tape = tape = self._tape(request)
            request.odcv_wire = _wire(request)
            request.odcv_answer = None if tape is None else tape.ask(request.odcv_wire)
        answer: WireResponse | None = request.odcv_answer
        return answer

    def _tape(self, request: Any) -> Any:
        """The tape that this request is for; None for traffic that is left alone."""
        if not current.engaged() or current.passes(request.host or "", request.port):
            return None
        tape = current.tape()
        if tape is None:
            raise current.stray(request.method, request.uri)
        return tape


def _wire(request: Any) -> WireRequest:
    headers = {str(name): _text(value) for name, value in request.headers.items()}
    return WireRequest(request.method, request.uri, headers, _bytes(request.body))


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _bytes(body: Any) -> bytes:
    """A request's body in whatever form its library holds it."""
    if body is None:
        return b""
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    if isinstance(body, str):
        return body.encode()
    if hasattr(body, "read"):
        return _bytes(body.read())
    if isinstance(body, (dict, list, tuple, int, float, bool)):
        return json.dumps(body).encode()
    try:
        return b"".join(_bytes(part) for part in body)
    except TypeError:
        return repr(body).encode()
