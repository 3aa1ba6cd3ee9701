"""The live client: any model that litellm can reach. The only module that imports litellm, and only when it asks.

Retries are ours, so that each try is bounded and no library repeats a paid call behind the recorder's back.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ModelError, UsageProblem
from .types import Message, Reply, ToolCall, ToolSpec, canonical_arguments

INSTALL = "asking a live model needs litellm: pip install 'pytest-odcv[live]'"
_RETRIED = {408, 409, 425, 429, 500, 502, 503, 504, 529}
_PAUSES = (0.5, 2.0, 6.0)
_LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """How a model is asked. `timeout` is seconds a try; `temperature` None leaves the provider's default."""

    api_base: str | None = None
    timeout: float = 120.0
    temperature: float | None = 0.0
    pauses: tuple[float, ...] = _PAUSES
    """Seconds to wait before each further try; a Retry-After of the server goes before."""


def import_litellm() -> Any:
    """litellm, set up so that it fetches nothing, retries nothing and prints nothing. Raises UsageProblem when it is not installed."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("DISABLE_AIOHTTP_TRANSPORT", "True")
    os.environ.setdefault("LITELLM_RUST", "0")
    try:
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
        provider = litellm.get_llm_provider(model=model)[1]
    except Exception:
        raise UsageProblem(
            f"{flag}={model}: no provider of that name. Write PROVIDER/NAME as litellm does (openai/gpt-5.5, anthropic/claude-opus-4.7; "
            f"a server of your own: openai/NAME with {base_flag}), or reference/NAME for a scripted agent"
        ) from None
    if settings.api_base:
        return
    missing = litellm.validate_environment(model=model).get("missing_keys") or []
    keys = [key for key in missing if not key.endswith(("_BASE", "_URL"))]
    if keys:
        raise UsageProblem(
            f"{flag}={model}: provider {provider} needs a key: set {' and '.join(keys)}, or give {base_flag} for a server that needs none"
        )


class LiveClient:
    """One model over HTTP."""

    def __init__(self, model: str, settings: LiveSettings) -> None:
        self._model, self._settings = model, settings

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        """Ask, with up to `len(pauses)` further tries after a busy or broken answer. Raises ModelError with reason and remedy."""
        litellm = import_litellm()
        request = self._request(messages, tools)
        for pause in (*self._settings.pauses, None):
            try:
                return _read(litellm, await litellm.acompletion(**request))
            except Exception as error:
                if pause is None or not _worth_another_try(litellm, error):
                    raise ModelError(_explain(litellm, self._model, self._settings, error)) from error
                await asyncio.sleep(min(_retry_after(error) or pause, _LONGEST_PAUSE))
        raise AssertionError("the last try returns or raises")

    async def close(self) -> None:
        return None

    def _request(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        settings = self._settings
        request: dict[str, Any] = {
            "model": self._model,
            "messages": [_wire(message) for message in messages],
            "timeout": settings.timeout,
            "max_retries": 0,
            "num_retries": 0,
        }
        if tools:
            request["tools"] = [tool.openai() for tool in tools]
        if settings.temperature is not None:
            request["temperature"] = settings.temperature
        if settings.api_base:
            request["api_base"] = settings.api_base
            if self._model.startswith("openai/") and not os.environ.get("OPENAI_API_KEY"):
                request["api_key"] = "none"
        return request


def _wire(message: Message) -> dict[str, Any]:
    """OpenAI's shape. Content is never None: some servers answer 500 to its absence."""
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.calls:
        wire["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.calls
        ]
    if message.role == "tool":
        wire["tool_call_id"] = message.call_id
    return wire


def _read(litellm: Any, response: Any) -> Reply:
    try:
        choice = response.choices[0]
    except (AttributeError, IndexError, TypeError):
        raise litellm.APIConnectionError(
            message="the answer holds no choice", llm_provider="", model=""
        ) from None
    message, usage = choice.message, getattr(response, "usage", None)
    calls = tuple(
        ToolCall(
            id=call.id or f"call_{number}",
            name=call.function.name or "",
            arguments=canonical_arguments(call.function.arguments or ""),
        )
        for number, call in enumerate(message.tool_calls or [], 1)
    )
    return Reply(
        message=Message(
            role="assistant",
            content=message.content or "",
            calls=calls,
            reasoning=getattr(message, "reasoning_content", None) or "",
        ),
        stop=choice.finish_reason or "unknown",
        prompt_tokens=getattr(usage, "prompt_tokens", None),
        completion_tokens=getattr(usage, "completion_tokens", None),
        cost=getattr(response, "_hidden_params", {}).get("response_cost"),
    )


def _status(error: Exception) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _worth_another_try(litellm: Any, error: Exception) -> bool:
    if isinstance(
        error,
        (
            litellm.AuthenticationError,
            litellm.BadRequestError,
            litellm.NotFoundError,
            litellm.PermissionDeniedError,
        ),
    ):
        return False
    return isinstance(error, (litellm.Timeout, litellm.APIConnectionError)) or _status(error) in _RETRIED


def _retry_after(error: Exception) -> float | None:
    headers = getattr(error, "litellm_response_headers", None) or {}
    try:
        return max(float(headers.get("retry-after") or "none"), 0.0)
    except (AttributeError, TypeError, ValueError):
        return None


def _explain(litellm: Any, model: str, settings: LiveSettings, error: Exception) -> str:
    """One sentence what happened and one what to do, for the errors that people meet."""
    where = f" at {settings.api_base}" if settings.api_base else ""
    detail = " ".join(str(error).split())
    detail = detail if len(detail) <= 300 else detail[:297] + "..."
    advice = {
        401: "The key was refused: check the provider's key variable.",
        403: "The key may not use this model.",
        404: "The provider does not know this model or address: check the name after the slash and --odcv-api-base.",
        429: f"The provider's rate limit outlasted {len(settings.pauses)} further tries: wait, or use fewer workers (-n).",
    }
    if isinstance(error, litellm.Timeout):
        return f"{model}{where}: no answer within {settings.timeout:g} s, {len(settings.pauses) + 1} times. Raise --odcv-timeout, or look at the server"
    status = _status(error)
    if isinstance(error, litellm.APIConnectionError) or (status == 500 and "onnection" in detail):
        return f"{model}{where}: cannot be reached. Check the address (--odcv-api-base) and that the server runs. It said: {detail}"
    advised = advice.get(
        status or 0,
        "The provider failed; nothing here can mend that."
        if (status or 0) >= 500
        else "The provider refused the request.",
    )
    return f"{model}{where}: HTTP {status or '?'}. {advised} It said: {detail}"
