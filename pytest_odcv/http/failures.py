"""Exceptions of HTTP libraries as values, and made again from them, so that a request that failed fails the same way in a replay.

Only classes of HTTP libraries and of the standard library are made: a cassette is a file, and must not name any code to run.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from ..errors import CassetteError
from .exchange import Failure

_LIBRARIES: Final = frozenset((
    "aiohttp", "anyio", "asyncio", "boto3", "botocore", "builtins", "h11", "h2", "http", "httpcore", "httplib2", "httpx", "httpx2",
    "requests", "socket", "ssl", "tornado", "urllib", "urllib3",
))  # fmt: skip
_UNSET: Final = {"request_info": None, "history": (), "headers": None, "message": ""}
"""What classes such as aiohttp's ClientResponseError set only when they are made with all of their arguments."""
_NO_ERRORS: Final = (Exception, BaseException, object)


def failure_of(error: BaseException, url: str) -> Failure:
    """The exception as a value. `url` is what was asked for.

    Raises:
        CassetteError: where it could not be made again, so that a recording of it would never replay.
    """
    number = error.errno if isinstance(error, OSError) and isinstance(error.errno, int) else None
    text = (error.strerror or "") if number is not None and isinstance(error, OSError) else str(error)
    for kind in type(error).__mro__:
        if kind in _NO_ERRORS or not _is_known(kind.__module__):
            continue
        failure = Failure(f"{kind.__module__}.{kind.__qualname__}", text, number)
        if str(exception_of(failure, url)) == str(error):
            return failure
        return Failure(failure.kind, str(error))
    raise CassetteError(
        f"a request failed with {type(error).__module__}.{type(error).__qualname__}, which is no exception of a known HTTP library, and "
        "could not be replayed\n  to fix: let the client raise one of its library's exceptions"
    )


def exception_of(failure: Failure, url: str) -> Exception:
    """The exception again: of the same class, with the same text. Raises CassetteError for a class that is not known here."""
    kind = _class(failure.kind)
    error = _made(kind, failure, url)
    said = failure.text if failure.number is None else f"[Errno {failure.number}] {failure.text}"
    return error if error is not None and str(error) == said else _saying(kind, said)


def _is_known(module: str) -> bool:
    return module.partition(".")[0] in _LIBRARIES


def _class(name: str) -> type[Exception]:
    module, _, qualname = name.rpartition(".")
    found: Any = None
    if _is_known(module):
        for place in (module, module.partition(".")[0]):
            try:
                found = getattr(sys.modules.get(place) or import_module(place), qualname, None)
            except ImportError:
                continue
            if found is not None:
                break
    if isinstance(found, type) and issubclass(found, Exception):
        return found
    raise CassetteError(
        f"the recording has a request that failed with {name}, which is no exception that this installation has\n"
        "  to fix: install the library that the recording was made with, or record this trial again with --odcv-record=all"
    )


def _made(kind: type[Exception], failure: Failure, url: str) -> Exception | None:
    system = OSError(failure.number or 0, failure.text)
    ways: tuple[tuple[Any, ...], ...] = ((failure.text,), (b"",), (_connection_key(url), system))
    if failure.number is not None:
        ways = ((failure.number, failure.text), *ways)
    for arguments in ways:
        try:
            error = kind(*arguments)
            repr(error), str(error)
        except Exception:  # Each class wants its own arguments.
            continue
        return error
    return None


def _connection_key(url: str) -> Any:
    """What the connection errors of aiohttp are made with."""
    aiohttp = sys.modules.get("aiohttp.client_reqrep")
    if aiohttp is None:
        return None
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    values = {"host": parts.hostname, "port": parts.port, "is_ssl": secure, "ssl": True}
    names = (
        aiohttp.ConnectionKey.__dataclass_fields__
        if hasattr(aiohttp.ConnectionKey, "__dataclass_fields__")
        else ()
    )
    fields = names or getattr(aiohttp.ConnectionKey, "_fields", ())
    return aiohttp.ConnectionKey(*(values.get(name) for name in fields))


def _saying(kind: type[Exception], said: str) -> Exception:
    """One of this class that says just this, whatever the class would make of its arguments."""
    shown = f"{kind.__name__}({said!r})"
    status = re.match(r"([1-5]\d\d), message=", said)
    named = {
        "__str__": lambda error: said,
        "__repr__": lambda error: shown,
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        **{name: value for name, value in _UNSET.items() if not hasattr(kind, name)},
        **({"status": int(status[1])} if status else {}),
    }
    told: Any = type(kind.__name__, (kind,), named)
    error: Exception = told.__new__(told, said)
    error.args = (said,)
    return error
