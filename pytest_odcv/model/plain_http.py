"""The short way to a server of one's own: OpenAI's chat API over plain HTTP, for a model that litellm knows nothing of.

There litellm has nothing to translate, to look up or to price, and takes two seconds at import and most of a call's CPU. Whatever is
out of the ordinary, in the settings, the request or the answer, goes the long way through litellm: what is sent and read is the same on
both, which a test compares.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import getproxies

from .http_capture import Seen
from .types import Message

_PROVIDER = "openai/"
_SETTINGS = ("OPENAI_", "LITELLM_", "SSL_", "DISABLE_AIOHTTP_TRANSPORT")
"""Beginnings of variables by which requests of litellm and openai are set up."""
_HARMLESS = {
    "OPENAI_API_KEY": None,
    "SSL_CERT_FILE": None,
    "SSL_CERT_DIR": None,
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "DISABLE_AIOHTTP_TRANSPORT": "True",
    "LITELLM_RUST": "0",
}
"""Variables that change nothing here, those with a value as long as they have it."""


def serves(model: str, api_base: str | None) -> bool:
    """Whether requests to the model may go the short way."""
    return (
        model.startswith(_PROVIDER)
        and (api_base or "").startswith("http://")
        and not set("?#@") & set(api_base or "")
        and not _is_set_up()
        and not is_known(model.removeprefix(_PROVIDER))
        and find_spec("httpx") is not None
    )


ours = False
"""Whether it was `litellm_client` that imported litellm: the project, which does it in its own way, may have set it up."""


def _is_set_up() -> bool:
    """Whether something tells litellm or its HTTP client how to send, or may have done so."""
    if "litellm" in sys.modules and not ours:
        return True
    found = {name: value for name, value in os.environ.items() if name.startswith(_SETTINGS)}
    changed = (name not in _HARMLESS or _HARMLESS[name] not in (None, value) for name, value in found.items())
    key = os.environ.get("OPENAI_API_KEY", "")
    return any(changed) or bool(getproxies()) or not (key.isascii() and key.isprintable())


@lru_cache(maxsize=256)
def is_known(name: str) -> bool:
    """Whether litellm has a price or a rule for a model of that name, or where nobody can tell: by its file, which needs no import."""
    if re.search(r"gpt|davinci|codex|^(responses/|ft:|o\d)", name, re.IGNORECASE):
        return True
    text = _price_list()
    if text is None or any(f'{before}{name.lower()}"' in text.lower() for before in '"/'):
        return True
    try:
        return any(re.search(pattern, name, re.IGNORECASE) for pattern in _patterns(text))
    except (ValueError, TypeError, KeyError, re.error):
        return True


@cache
def _price_list() -> str | None:
    spec = find_spec("litellm")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        try:
            return Path(folder, "model_prices_and_context_window_backup.json").read_text(encoding="utf-8")
        except OSError:
            pass
    return None


@cache
def _patterns(text: str) -> tuple[str, ...]:
    """Of litellm's rules for names that its list does not have. Raises ValueError, TypeError and KeyError where they are written otherwise."""
    _, mark, rest = text.partition('"fallback_generalizations":')
    if not mark:
        return ()
    block, _ = json.JSONDecoder().raw_decode(rest.lstrip())
    return tuple(rule["pattern"] for rule in (block["rules"] if isinstance(block, dict) else block))


def is_plain(messages: Sequence[Message]) -> bool:
    """Whether nothing in the conversation is a provider's own."""
    return not any(message.native or any(call.native for call in message.calls) for message in messages)


class PlainHttp:
    """One server, by a connection of its own."""

    def __init__(self, api_base: str, timeout: float) -> None:
        import httpx

        self._url = f"{api_base.rstrip('/')}/chat/completions"
        # Only plain HTTP goes this way, and no redirection to another: no certificates are loaded.
        self._client = httpx.AsyncClient(timeout=timeout, verify=False, trust_env=False)

    async def ask(self, request: dict[str, Any], seen: Seen) -> Any:
        """Send litellm's `request` as litellm would, and note in `seen` what came. The answer is httpx's; it is read. Raises httpx's errors."""
        body = {name: value for name, value in request.items() if name in _SENT}
        body["model"] = request["model"].removeprefix(_PROVIDER)
        key = request.get("api_key") or os.environ.get("OPENAI_API_KEY", "")
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        seen.requests, seen.request = 1, body
        headers = {
            "Authorization": f"Bearer {key}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        answer = await self._client.post(self._url, content=data, headers=headers)
        seen.status, seen.body = answer.status_code, answer.content
        seen.headers = {name.lower(): value for name, value in answer.headers.items()}
        return answer

    async def close(self) -> None:
        await self._client.aclose()


_SENT = ("messages", "tools", "temperature", "max_tokens")


def reader(answer: Any) -> Any:
    """An openai client for litellm that gets this one answer, as often as it asks."""
    import httpx
    import openai

    def again(_: Any) -> Any:
        kept = {n: v for n, v in answer.headers.items() if n.lower() not in _OF_TRANSFER}
        return httpx.Response(answer.status_code, headers=kept, content=answer.content)

    http = httpx.AsyncClient(transport=httpx.MockTransport(again))
    return openai.AsyncOpenAI(api_key="none", base_url="http://read-again", http_client=http, max_retries=0)


_OF_TRANSFER = ("content-encoding", "content-length", "transfer-encoding")


# --- what is ordinary -------------------------------------------------------------------------------------------------

_STOPS = ("stop", "length", "content_filter")


def is_ordinary(body: Any) -> bool:
    """Whether an answer is in every point as OpenAI's API has it, so that there is one way to read it."""
    if not isinstance(body, dict) or body.get("error") is not None or not _of_unknown(body.get("model")):
        return False
    choices, usage = body.get("choices"), body.get("usage")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        return False
    choice = choices[0]
    message, calls = choice.get("message"), _calls(choice.get("message"))
    return (
        "error" not in choice
        and "stop_reason" not in body
        and isinstance(usage, dict)
        and _is_count(usage.get("prompt_tokens"))
        and _is_count(usage.get("completion_tokens"))
        and calls is not None
        and _is_said(message, bool(calls))
        and (choice.get("finish_reason") == "tool_calls" if calls else choice.get("finish_reason") in _STOPS)
    )


def _of_unknown(model: Any) -> bool:
    return model is None or (isinstance(model, str) and bool(model) and not is_known(model))


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_said(message: Any, beside_calls: bool) -> bool:
    """A text, which may be empty. One that begins with a tag may be a model's thinking."""
    content = message.get("content")
    said = isinstance(content, str) and not content.lstrip().startswith("<")
    return set(message) <= _FIELDS and message.get("role") == "assistant" and (said or content is None)


_FIELDS = {"role", "content", "tool_calls", "refusal", "annotations", "audio", "function_call"}
_CALL = {"id", "type", "function", "index"}


def _calls(message: Any) -> list[Any] | None:
    """The calls of a message; None where one of them is out of the ordinary."""
    if not isinstance(message, dict):
        return None
    if any(message.get(name) for name in ("refusal", "annotations", "audio", "function_call")):
        return None
    calls = message.get("tool_calls") or []
    return calls if isinstance(calls, list) and all(map(_is_call, calls)) else None


def _is_call(call: Any) -> bool:
    if not isinstance(call, dict) or not set(call) <= _CALL or call.get("type") != "function":
        return False
    function = call.get("function")
    return (
        isinstance(call.get("id"), str)
        and bool(call["id"])
        and isinstance(function, dict)
        and set(function) == {"name", "arguments"}
        and all(isinstance(value, str) and value for value in function.values())
    )
