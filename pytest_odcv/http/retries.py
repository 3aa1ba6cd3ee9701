"""Requests that a client's library makes again by itself: which failures a recording need not have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .canonical import fingerprint
from .exchange import ABANDONED, Exchange

_TRANSIENT = (408, 409, 425, 429)


def settled(exchanges: Iterable[Exchange]) -> list[bool]:
    """For each exchange whether it is worth keeping: a failure that the client's library got over by asking again is not. Where the agent
    may have asked again by itself it is kept: what the agent does next may depend on it."""
    seen = list(exchanges)
    if not any(map(_is_transient, seen)):
        return [True] * len(seen)
    got_over: dict[str, bool] = {}
    worth = []
    for exchange in reversed(seen):
        key = fingerprint(exchange.method, exchange.path, exchange.query, exchange.request)
        worth.append(not (_is_transient(exchange) and got_over.get(key, False)))
        if not exchange.failed or not worth[-1]:
            got_over[key] = exchange.retried is not False
        elif exchange.retried is False:
            got_over[key] = False
    return worth[::-1]


def _is_transient(exchange: Exchange) -> bool:
    if exchange.failure is not None:
        return exchange.failure.kind != ABANDONED
    return exchange.status in _TRANSIENT or exchange.status >= 500


def is_retry(headers: Mapping[str, str]) -> bool:
    """Whether a request says that its client's library asks again by itself: OpenAI's, Anthropic's and AWS's SDKs count in a header."""
    sent = {name.lower(): str(value) for name, value in headers.items()}
    attempt = re.match(r"attempt=(\d+)", sent.get("amz-sdk-request", ""))
    return sent.get("x-stainless-retry-count", "0") != "0" or (attempt is not None and int(attempt[1]) > 1)
