"""The live client: any model that litellm can reach. The only module that imports litellm, and only when it asks.

Retries are ours, so that each try is bounded and no library repeats a paid call behind the recorder's back. What is retried, and
who is at fault otherwise, is decided in `failures`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ModelError, UsageProblem
from .failures import LONGEST_PAUSE, Asked, Failure, of_answer, of_exception, timed_out
from .http_capture import Seen, no_warning_is_an_error, sampling, watch
from .native import Unreadable, as_response, reply_of, wire
from .types import Message, Reply, ToolSpec

INSTALL = "asking a live model needs litellm: pip install 'pytest-odcv[live]'"
_OTHER_APIS = ("anthropic", "bedrock", "gemini", "vertex_ai")
"""Providers that litellm translates for, from OpenAI's API to one of their own."""
_PAUSES = (0.5, 2.0, 6.0)


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """How a model is asked. `timeout` is seconds for one whole answer; None leaves `temperature` and `max_tokens` to the provider.
    `base_flag` and `temperature_advice` are what errors advise."""

    api_base: str | None = None
    timeout: float = 120.0
    temperature: float | None = 0.0
    pauses: tuple[float, ...] = _PAUSES
    """Seconds to wait before each further try; what the server asks for goes before."""
    max_tokens: int | None = None
    base_flag: str = "--odcv-api-base"
    temperature_advice: str = "Leave the model its own with --odcv-temperature=default."

    @property
    def asked(self) -> Asked:
        return Asked(self.timeout, len(self.pauses), self.base_flag, self.temperature_advice)


def import_litellm() -> Any:
    """litellm, set up so that it fetches nothing, retries nothing and prints nothing. Raises UsageProblem when it is not installed."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("DISABLE_AIOHTTP_TRANSPORT", "True")
    os.environ.setdefault("LITELLM_RUST", "0")
    try:
        with no_warning_is_an_error():
            import litellm
    except ImportError as error:
        raise UsageProblem(f"{INSTALL} ({error})") from None
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.drop_params = True
    return litellm


def check_model(
    model: str, settings: LiveSettings, flag: str = "--odcv-model", base_flag: str = "--odcv-api-base"
) -> None:
    """Before anything is paid for: the model names a provider, and its key is there. Raises UsageProblem otherwise."""
    litellm = import_litellm()
    try:
        with no_warning_is_an_error():
            provider = litellm.get_llm_provider(model=model)[1]
            missing = litellm.validate_environment(model=model).get("missing_keys") or []
    except litellm.BadRequestError:
        raise UsageProblem(
            f"{flag}={model}: no provider of that name. Write PROVIDER/NAME as litellm does (openai/gpt-5.5, anthropic/claude-opus-4.7; "
            f"a server of your own: openai/NAME with {base_flag}), or reference/NAME for a scripted agent"
        ) from None
    except Exception as error:
        what = f"{type(error).__name__}: {_first_line(error)}"
        raise UsageProblem(f"{flag}={model}: litellm failed when it looked the model up: {what}") from None
    if settings.api_base:
        return
    keys = [key for key in missing if not key.endswith(("_BASE", "_URL"))] or _empty_keys(provider)
    if keys:
        raise UsageProblem(
            f"{flag}={model}: provider {provider} needs a key: set {' and '.join(keys)}, or give {base_flag} for a server that needs none"
        )


def _empty_keys(provider: str) -> list[str]:
    """A key that is set to nothing is none: litellm looks only whether the variable is there."""
    name = f"{provider.upper()}_API_KEY"
    return [name] if name in os.environ and not os.environ[name].strip() else []


class LiveClient:
    """One model over HTTP. `sent` are temperature, top_p and max_tokens as the last request really had them."""

    def __init__(self, model: str, settings: LiveSettings) -> None:
        self._model, self._settings = model, settings
        self.sent: dict[str, float] = {}

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        """Ask, with up to `len(pauses)` further tries where another one can succeed. Raises ModelError with reason and remedy."""
        litellm = import_litellm()
        request = self._request(messages, tools)
        for pause in (*self._settings.pauses, None):
            result = await self._try(litellm, request)
            if isinstance(result, Reply):
                return result
            wait = pause if result.wait is None else result.wait
            if pause is None or wait is None or not result.retried or wait > LONGEST_PAUSE:
                raise ModelError(self._text(result), result.ending.value)
            await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")

    async def close(self) -> None:
        return None

    async def _try(self, litellm: Any, request: dict[str, Any]) -> Reply | Failure:
        """One try, bounded as a whole: a server that sends a byte now and then keeps any timeout between two bytes waiting."""
        asked = self._settings.asked
        with watch() as seen:
            try:
                async with asyncio.timeout(self._settings.timeout):
                    response = await litellm.acompletion(**request)
            except TimeoutError:
                return timed_out(asked)
            except Exception as error:
                if seen.status is None:
                    return of_exception(error, seen, asked)
                response = as_response(seen.json) if seen.status < 300 else None
                if response is None:
                    return of_answer(
                        seen, asked, f"the client library could not read it: {_first_line(error)}"
                    )
            finally:
                self.sent = sampling(seen.request) or self.sent
        return _read(response, seen, asked)

    def _text(self, failure: Failure) -> str:
        where = f" at {self._settings.api_base}" if self._settings.api_base else ""
        long = failure.retried and failure.wait is not None and failure.wait > LONGEST_PAUSE
        wait = (
            f" It asks to wait {failure.wait:.0f} s; a trial waits {LONGEST_PAUSE:g} s at most."
            if long
            else ""
        )
        return f"{self._model}{where}: {failure.text}{wait}"

    def _request(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        settings = self._settings
        request: dict[str, Any] = {
            "model": self._model,
            "messages": [
                wire(message, self._model.partition("/")[0] not in _OTHER_APIS) for message in messages
            ],
            "timeout": settings.timeout,
            "max_retries": 0,
            "num_retries": 0,
        }
        if tools:
            request["tools"] = [tool.openai() for tool in tools]
        if settings.temperature is not None:
            request["temperature"] = settings.temperature
        if settings.max_tokens is not None:
            request["max_tokens"] = settings.max_tokens
        if settings.api_base:
            request["api_base"] = settings.api_base
            if self._model.startswith("openai/") and not os.environ.get("OPENAI_API_KEY", "").strip():
                request["api_key"] = "none"
        return request


def _read(response: Any, seen: Seen, asked: Asked) -> Reply | Failure:
    """What came, also where litellm took for an answer what is none. What it made of it is not believed where the server says otherwise."""
    try:
        return reply_of(response, seen.json)
    except (Unreadable, AttributeError, TypeError, ValueError) as error:
        return of_answer(seen, asked, _first_line(error))


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
