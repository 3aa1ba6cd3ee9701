"""What an agent in a sandbox may ask of a model API: which paths, and which requests not, since the provider would carry them out.

A provider can search the web, call servers and fetch images for whoever asks. For a sandbox without a network these are ways
out, so requests for them are refused, as far as they are known here. Pure: reads values, sends nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

PORT: Final = 8377
"""Of the gateway inside a sandbox, whose network is its own, so that it is always free there."""
KEY: Final = "odcv-gateway"
"""What clients inside are given in the place of a key."""
Provider = Literal["openai", "anthropic"]

_POST: Final[dict[str, Provider]] = {
    "/v1/chat/completions": "openai",
    "/v1/completions": "openai",
    "/v1/responses": "openai",
    "/v1/responses/compact": "openai",
    "/v1/embeddings": "openai",
    "/v1/messages": "anthropic",
    "/v1/messages/count_tokens": "anthropic",
    "/v1/complete": "anthropic",
}
_MODELS: Final = re.compile(r"/v1/models(?:/[\w.:@-]+)?")
_RUN_BY_THE_CLIENT: Final = re.compile(
    r"function|custom|namespace|local_shell|shell|apply_patch|(?:computer|bash|text_editor|memory)(?:[_-]\w+)*"
)
"""Types of tools whose calls come back to the one who asked; OpenAI's and Anthropic's references."""
_REACHES_OUT: Final = ("mcp_servers", "web_search_options", "plugins")
"""Fields by which the provider is told to call others."""


class Refused(Exception):
    """The request is not passed on; `status` and the text are the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def provider_of(method: str, path: str, headers: Mapping[str, str]) -> Provider:
    """Whose API the request is for. `headers` have lower-case names. Raises Refused for what is no model API."""
    if _MODELS.fullmatch(path):
        allowed, provider = "GET", _by_headers(headers)
    elif path in _POST:
        allowed, provider = "POST", _POST[path]
    else:
        known = ", ".join([*_POST, "/v1/models"])
        raise Refused(403, f"this gateway is no proxy: it answers {known}; found {method} {path[:200]}")
    if method not in (allowed, "HEAD", "OPTIONS"):
        raise Refused(405, f"{path} is asked with {allowed}, not {method}")
    return provider


def _by_headers(headers: Mapping[str, str]) -> Provider:
    return "anthropic" if "anthropic-version" in headers or "x-api-key" in headers else "openai"


def check_body(body: bytes) -> None:
    """Raises Refused for a body that is no JSON object, or asks the provider to reach out of the sandbox."""
    try:
        value = json.loads(body.decode(), object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"expected a body that is a JSON object in UTF-8: {error}") from None
    if not isinstance(value, dict):
        raise Refused(400, "expected a body that is a JSON object")
    for field in _REACHES_OUT:
        if value.get(field) not in (None, []):
            raise _outside(f"the field {field}")
    if isinstance(value.get("prompt"), dict):
        raise _outside("a prompt stored with the provider, which may have tools of its own,")
    _check_tools(value.get("tools"))
    _walk(value, _check_link)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two fields of one name, another reader might take the other one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice in one object")
    return found


def _check_tools(tools: Any) -> None:
    for tool in tools if isinstance(tools, list) else ():
        if not isinstance(tool, dict):
            continue
        kind = tool.get("type") or "custom"
        if not isinstance(kind, str) or not _RUN_BY_THE_CLIENT.fullmatch(kind):
            raise _outside(f"the tool {str(kind)[:100]!r}")
        environment = tool.get("environment")
        if isinstance(environment, dict) and environment.get("type") != "local":
            raise _outside(f"the tool {kind!r} in an environment of the provider's")
        _check_tools(tool.get("tools"))


def _check_link(part: dict[str, Any]) -> None:
    """Refuse content that the provider would have to fetch."""
    kind, links = part.get("type"), []
    if kind in ("image_url", "input_image", "input_file", "video_url", "input_audio"):
        for name in ("image_url", "file_url", "video_url"):
            value = part.get(name)
            links.append(value.get("url") if isinstance(value, dict) else value)
    source = part.get("source")
    if isinstance(source, dict) and source.get("type") == "url":
        links.append(source.get("url"))
    if any(link is not None and not str(link).startswith("data:") for link in links):
        raise _outside(f"a link in content of type {str(kind)[:100]!r}")


def _walk(value: Any, look: Callable[[dict[str, Any]], None]) -> None:
    """`look` at every object in `value`."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            look(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _outside(what: str) -> Refused:
    return Refused(
        403,
        f"the sandbox has no network, and {what} would have the model's provider reach out for it; turn it off in the agent's settings",
    )
