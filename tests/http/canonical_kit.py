"""What the tests of canonical requests and of bodies share: values, requests, responses."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from pytest_odcv.cassette.exchanges import Reader, Writer
from pytest_odcv.http.canonical import Asked, Canonical, fingerprint
from pytest_odcv.http.exchange import Exchange, WireRequest, WireResponse
from pytest_odcv.redaction.redactor import Redactor

URL = "http://model.example/v1/chat/completions"
JSON = {"content-type": "application/json"}
SECRET = "Pl4nted-Zx81-S3cret"

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
keys = st.text("abcdefgh_-. äß", min_size=1, max_size=6)
texts = st.text(max_size=20)
scalars = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=15,
)
objects = st.dictionaries(keys, values, max_size=5)


def canonical(*ignore: str, redactor: Redactor | None = None) -> Canonical:
    return Canonical(redactor or Redactor(environ={}), ignore)


def request(content: Any, headers: dict[str, str] | None = None, url: str = URL) -> WireRequest:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return WireRequest("POST", url, JSON | (headers or {}), data)


def asked(content: Any, *ignore: str, **more: Any) -> Asked:
    return canonical(*ignore).asked(request(content, **more))


def response(content: Any, **headers: str) -> WireResponse:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    given = {name.replace("_", "-"): [value] for name, value in headers.items()}
    return WireResponse(200, "OK", {"content-type": ["application/json"]} | given, data)


def written(exchange: Exchange) -> str:
    return repr(exchange)


def from_file(exchange: Exchange) -> Exchange:
    return Reader().exchange(Writer().step(exchange))


def key(exchange: Exchange) -> str:
    return fingerprint(exchange.method, exchange.path, exchange.query, exchange.request)
