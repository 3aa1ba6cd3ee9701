"""Why a model gave no answer: who is at fault, whether asking again can help, and what to do. Pure; knows no client library.

Told apart are what the server said, what came of the connection, and what the client did before anything was sent. An answer
that came is judged by itself, whatever a library made of it.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ..evidence.ending import Ended
from .http_capture import Seen, sampling

_RETRIED = (408, 409, 425, 429, 500, 502, 503, 504, 529)
_BUSY = (429, 503, 529)
"""What a provider says that takes no more calls at the moment."""
_WORDS = 300


@dataclass(frozen=True, slots=True)
class Failure:
    """`text`: what happened and what to do, without the model's name. `wait`: seconds that the server asked for. `busy`: it takes no more
    calls at the moment. `slow`: another try costs as much time again. `free`: the provider said that it did not answer, so that nothing
    is paid."""

    text: str
    ending: Ended = Ended.ERROR
    retried: bool = False
    wait: float | None = None
    busy: bool = False
    slow: bool = False
    free: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What a text has to know of how the model is asked. `tries` counts this one. `temperature_advice` is what to do where a server refuses
    the parameter."""

    timeout: float
    tries: int
    base_flag: str
    temperature_advice: str


# --- answers that came ------------------------------------------------------------------------------------------------


def of_answer(seen: Seen, asked: Asked, problem: str = "") -> Failure:
    """Of an HTTP answer that is a failure, or none at all: `problem` is what could not be read in one that looks right."""
    status, error = _status_and_error(seen)
    if status < 400:
        came = f"HTTP {status} with something that is no answer of a model: {_shape(seen) or problem}"
        return Failure(f"{came}. Look at the server, or at what stands before it. {_said(seen, error)}")
    found = _by_words(status, error, seen, asked) or _by_status(status, asked)
    came = f"HTTP {status}" if status == seen.status else f"HTTP {seen.status} with an error {status} in it"
    return replace(
        found,
        text=f"{came}. {found.text} {_said(seen, error)}",
        wait=_wait(seen, error),
        busy=found.retried and status in _BUSY,
        free=seen.status is not None and seen.status >= 400,
    )


def _status_and_error(seen: Seen) -> tuple[int, dict[str, Any]]:
    """Gateways wrap the failure of a provider into an answer of HTTP 200: its own code counts."""
    error, status = error_of(seen.json), seen.status or 0
    code = str(error.get("code"))
    inner = int(code) if code.isascii() and code.isdigit() else 0
    return (inner if status < 400 <= inner < 600 else status), error


def error_of(body: Any) -> dict[str, Any]:
    """The error that a body states, in OpenAI's, Anthropic's or Google's way; empty where it states none."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return {}
    error = body.get("error")
    if isinstance(error, str):
        return {**body, "message": error}
    if isinstance(error, dict):
        return error
    said = next((body[name] for name in ("message", "detail") if isinstance(body.get(name), str)), None)
    return {**body, "message": said} if said and "choices" not in body and "content" not in body else {}


_QUOTA_CODES = (
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "credit_balance_too_low",
)
_QUOTA = re.compile(
    r"credit balance is too low|insufficient (balance|credits?|funds|quota)|PerDay", re.IGNORECASE
)
_TOO_LARGE = re.compile(r"request too large", re.IGNORECASE)
_OVERFLOW = re.compile(
    r"context[ _-]?(length|window|size)|(prompt|input|request|conversation) is too long|too many (input )?tokens"
    r"|token count .{0,60}exceeds|exceeds? the (model's )?(maximum|available) (context|number of tokens|input)|reduce the length of the messages",
    re.IGNORECASE,
)
_BLOCKED = re.compile(
    r"content[ _-]?filter|content management policy|content policy|content_policy_violation|ResponsibleAIPolicyViolation"
    r"|rejected .{0,30}safety system|data_inspection_failed|moderation_blocked",
    re.IGNORECASE,
)
_TEMPERATURE = re.compile(r"\btemperature\b", re.IGNORECASE)


def _by_words(status: int, error: dict[str, Any], seen: Seen, asked: Asked) -> Failure | None:
    """What the code or the words of an error say beyond its status."""
    message = str(error.get("message") or "")
    names = " ".join(str(error.get(name) or "") for name in ("code", "type", "status", "param"))
    details = str(error.get("details") or error.get("innererror") or "")
    if status == 402 or any(code in names for code in _QUOTA_CODES) or _QUOTA.search(f"{message} {details}"):
        return Failure(
            "The account's quota or credit is used up: that is no rate limit, and waiting does not help."
        )
    if status in (401, 403):
        return None
    if status == 429:
        too_large = "One request is over the limit of tokens per minute: waiting does not help."
        return Failure(too_large) if _TOO_LARGE.search(message) else None
    if _OVERFLOW.search(f"{names} {message}"):
        return Failure("The conversation outgrew the model's context window.", Ended.OVERFLOW)
    if status < 500 and _BLOCKED.search(f"{names} {message} {details}"):
        return Failure("A content filter refused the request.", Ended.BLOCKED)
    if (
        status in (400, 422)
        and _TEMPERATURE.search(f"{names} {message}")
        and "temperature" in sampling(seen.request)
    ):
        value = sampling(seen.request)["temperature"]
        return Failure(
            f"The server refuses the parameter temperature, which was {value:g}. {asked.temperature_advice}"
        )
    return None


def _by_status(status: int, asked: Asked) -> Failure:
    further = f"{asked.tries - 1} further {'try' if asked.tries == 2 else 'tries'}"
    limit = f"The provider's rate limit outlasted {further}: wait, or have fewer trials in flight (--odcv-concurrency)."
    known = {
        401: "The key was refused: check the provider's key variable.",
        403: "The key may not use this model.",
        404: f"The provider does not know this model or address: check the name after the slash and {asked.base_flag}.",
        429: limit,
    }
    other = (
        "The provider failed; nothing here can mend that."
        if status >= 500
        else "The provider refused the request."
    )
    return Failure(known.get(status, other), retried=status in _RETRIED)


def _shape(seen: Seen) -> str:
    """What is wrong with an answer of HTTP 200, in a few words; "" where nothing is, as far as OpenAI's API goes."""
    body = seen.json
    if body is None:
        kind = seen.headers.get("content-type", "").partition(";")[0] or "no content type"
        return "it is empty" if not seen.body.strip() else f"it is no whole JSON ({kind})"
    if not isinstance(body, dict):
        return "it is no JSON object"
    if "choices" not in body:
        return "" if _OTHER_APIS & body.keys() else "it has no choices"
    choices = body["choices"]
    if not isinstance(choices, list) or not choices:
        return "its list of choices is empty" if choices == [] else "its choices are no list"
    message = choices[0].get("message") if isinstance(choices[0], dict) else None
    if not isinstance(message, dict):
        return "its choice has no message"
    calls = message.get("tool_calls") or []
    whole = isinstance(calls, list) and all(
        isinstance(c, dict) and isinstance(c.get("function"), dict) for c in calls
    )
    return "" if whole else "it has a call without a function"


_OTHER_APIS = frozenset(("content", "candidates", "output", "message"))
"""Where Anthropic, Google, OpenAI's responses and Ollama have what they say."""


def _said(seen: Seen, error: dict[str, Any]) -> str:
    message = error.get("message")
    words = " ".join((message if isinstance(message, str) and message.strip() else _text(seen.body)).split())
    return f"It said: {words if len(words) <= _WORDS else words[: _WORDS - 3] + '...'}"


def _text(body: bytes) -> str:
    return body[: 4 * _WORDS].decode("utf-8", "replace") or "nothing"


# --- how long to wait -------------------------------------------------------------------------------------------------

_IN_WORDS = re.compile(r"(?:try again|retry) in (?:(\d+)m)?(?:(\d+(?:\.\d+)?)(ms|s))?\b", re.IGNORECASE)


def _wait(seen: Seen, error: dict[str, Any]) -> float | None:
    """Seconds that the server asked for, in a header, in JSON or in words; None where it did not, or nobody can tell."""
    by_header = (
        _seconds(seen.headers.get("retry-after-ms"), 1000),
        _retry_after(seen.headers.get("retry-after")),
    )
    return next((found for found in (*by_header, _wait_in(error)) if found is not None), None)


def _retry_after(value: str | None) -> float | None:
    """RFC 9110: seconds or a date. Some servers send fractions."""
    seconds = _seconds(value)
    if seconds is not None or not value:
        return seconds
    try:
        date = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max((date - datetime.now(UTC)).total_seconds(), 0.0)


def _wait_in(error: Mapping[str, Any]) -> float | None:
    found = _seconds(error.get("retry_after_ms"), 1000), _seconds(error.get("retry_after"))
    details = error.get("details")
    delays = (
        (d.get("retryDelay") for d in details if isinstance(d, dict)) if isinstance(details, list) else ()
    )
    google = (_seconds(delay.removesuffix("s")) for delay in delays if isinstance(delay, str))
    words = _IN_WORDS.search(str(error.get("message") or ""))
    told = None
    if words and (words[1] or words[2]):
        told = 60 * float(words[1] or 0) + float(words[2] or 0) / (1000 if words[3] == "ms" else 1)
    return next((seconds for seconds in (*found, *google, told) if seconds is not None), None)


def _seconds(value: Any, parts: int = 1) -> float | None:
    """A number that is none below 0 and no infinity."""
    try:
        number = float(value) / parts
    except (TypeError, ValueError):
        return None
    return number if 0 <= number < 1e9 else None


# --- answers that did not come ----------------------------------------------------------------------------------------

_TIMEOUTS = ("TimeoutException", "TimeoutError", "Timeout")
_UNSENDABLE = ("LocalProtocolError", "InvalidURL", "UnsupportedProtocol")
_UNREACHED = ("ConnectError", "gaierror", "ConnectionRefusedError", "ProxyError")
_WRAPPERS = ("litellm", "openai")
_BROKEN = ("NetworkError", "RemoteProtocolError", "ConnectionError", "IncompleteRead")


def of_exception(error: BaseException, seen: Seen, asked: Asked) -> Failure:
    """Of a call that ended without an HTTP answer: by the first exception in its chain that says what became of the connection."""
    chain = list(_chain(error))
    tls = next(
        (e for e in chain if isinstance(e, ssl.SSLError) or "CERTIFICATE_VERIFY_FAILED" in str(e)), None
    )
    if tls is not None:
        return Failure(f"its certificate was not accepted. {_TLS_ADVICE} It said: {_words(tls)}")
    if _find(chain, _TIMEOUTS):
        return timed_out(asked)
    if unsendable := _find(chain, _UNSENDABLE):
        return Failure(
            f"no request could be sent: {_words(unsendable)}. Check the key (its variable must hold nothing but the key) and the address "
            f"({asked.base_flag})"
        )
    if unreached := _find(chain, _UNREACHED):
        advice = f"Check the address ({asked.base_flag}) and that the server runs."
        return Failure(
            f"cannot be reached. {advice} It said: {_words(unreached)}", retried=True, slow=True, free=True
        )
    if broken := _find(chain, _BROKEN):
        return Failure(
            f"the connection broke off before the whole answer had come: {_words(broken)}", retried=True
        )
    return _of_library(chain, seen)


_TLS_ADVICE = "For an authority of your own name its file in SSL_CERT_FILE."


def timed_out(asked: Asked) -> Failure:
    times = f", {asked.tries} times" if asked.tries > 1 else ""
    text = f"no answer within {asked.timeout:g} s{times}. Raise --odcv-timeout, or look at the server"
    return Failure(text, Ended.CUT_OFF, retried=True, slow=True)


def _of_library(chain: list[BaseException], seen: Seen) -> Failure:
    """What no connection explains: neither the model nor its server is at fault."""
    sent = "after a request that got no answer" if seen.requests else "and no request was seen to be sent"
    first = next((e for e in chain if type(e).__module__.partition(".")[0] not in _WRAPPERS), chain[0])
    return Failure(
        f"the client library failed, {sent}: {type(first).__name__}: {_words(first).rstrip('.')}. It is not the model's fault nor its server's: look at "
        "the installed versions of litellm and of what it needs (pip check)"
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception, and those it was raised from or during, the outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _find(chain: list[BaseException], names: tuple[str, ...]) -> BaseException | None:
    """The first that is of a class of one of these names, or of a child of it: httpx's are not imported for it."""
    return next((e for e in chain if any(kind.__name__ in names for kind in type(e).__mro__)), None)


def _words(error: BaseException) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= _WORDS else said[: _WORDS - 3] + "..."
