"""The live client: any model that litellm can reach. The only module that imports litellm, and only when it asks: see `plain_http` for the
requests that need none.

Retries are ours, so that each try is bounded and no library repeats a paid call behind the recorder's back. What is retried, and
who is at fault otherwise, is decided in `failures`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import ModelError, UsageProblem
from . import plain_http
from .failures import Asked, Failure, of_answer, of_exception, timed_out
from .http_capture import Seen, no_warning_is_an_error, sampling, watch
from .native import Unreadable, as_response, reply_of, wire
from .prices import Price
from .traffic import PATIENT, Pace, Patience, Traffic
from .types import Message, Reply, ToolSpec

INSTALL = "asking a live model needs litellm: pip install 'pytest-odcv[live]'"
_OTHER_APIS = ("anthropic", "bedrock", "gemini", "vertex_ai")
"""Providers that litellm translates for, from OpenAI's API to one of their own."""
_ADDED = 2_000
"""Tokens that a provider may add to a prompt: for tools, and around messages."""


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """How a model is asked. `timeout` is seconds for one whole answer; None leaves `temperature` and `max_tokens` to the provider.
    `base_flag` and `temperature_advice` are what errors advise."""

    api_base: str | None = None
    timeout: float = 120.0
    temperature: float | None = 0.0
    patience: Patience = field(default_factory=lambda: PATIENT)
    max_tokens: int | None = None
    price: Price | None = None
    """The project's own; it goes before litellm's."""
    base_flag: str = "--odcv-api-base"
    temperature_advice: str = "Leave the model its own with --odcv-temperature=default."

    def asked(self, tries: int) -> Asked:
        return Asked(self.timeout, tries, self.base_flag, self.temperature_advice)


def import_litellm() -> Any:
    """litellm, set up so that it fetches nothing, retries nothing and prints nothing. Raises UsageProblem when it is not installed."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("DISABLE_AIOHTTP_TRANSPORT", "True")
    os.environ.setdefault("LITELLM_RUST", "0")
    plain_http.ours = plain_http.ours or "litellm" not in sys.modules
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
    if plain_http.serves(model, settings.api_base):
        return
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


def highest_price(model: str, settings: LiveSettings, flag: str = "--odcv-model") -> Price:
    """What a token and an answer of the model cost at most. Raises UsageProblem where nobody can tell."""
    found = settings.price or _listed_price(model)
    if found is None:
        raise UsageProblem(
            f"{flag}={model}: its price is unknown, so --odcv-max-cost cannot be kept\n"
            f'  to fix: give it, in US dollars for a million tokens: [tool.odcv.prices] "{model}" = {{ input = 2.5, output = 10 }}'
        )
    longest = settings.max_tokens or found.max_output
    if longest is None:
        raise UsageProblem(
            f"{flag}={model}: how long its answers may be is unknown, so --odcv-max-cost cannot be kept\n"
            f"  to fix: give --odcv-max-tokens, or max_output beside its price in [tool.odcv.prices]"
        )
    return Price(found.input, found.output, longest)


def _listed_price(model: str) -> Price | None:
    """litellm's, the highest where it has several. Tiers that nobody asks for here, batches and priority, take no part."""
    litellm = import_litellm()
    try:
        with no_warning_is_an_error():
            info = dict(litellm.get_model_info(model))
    except Exception:  # It raises plain Exceptions of several kinds for a name that it does not know.
        return None
    input = _highest(info, ("input_cost_per_token", "cache_creation_input_token_cost"))
    output = _highest(info, ("output_cost_per_token", "output_cost_per_reasoning_token"))
    if input is None or output is None or not (input or output):
        return None
    return Price(1e6 * input, 1e6 * output, info.get("max_output_tokens"))


_OTHER_TIERS = ("_batches", "_priority", "_flex")


def _highest(info: dict[str, Any], names: tuple[str, ...]) -> float | None:
    found = [
        float(value)
        for name, value in info.items()
        if name.startswith(names) and not name.endswith(_OTHER_TIERS) and isinstance(value, (int, float))
    ]
    return max(found, default=None)


def _empty_keys(provider: str) -> list[str]:
    """A key that is set to nothing is none: litellm looks only whether the variable is there."""
    name = f"{provider.upper()}_API_KEY"
    return [name] if name in os.environ and not os.environ[name].strip() else []


class LiveClient:
    """One model over HTTP. `sent` are temperature, top_p and max_tokens as the last request really had them; `held` the seconds in which
    calls waited for the provider's limits, and not for an answer."""

    def __init__(self, model: str, settings: LiveSettings, traffic: Traffic | None = None) -> None:
        self._model, self._settings = model, settings
        traffic = traffic or Traffic()
        self._pace: Pace = traffic.of(model, settings.api_base)
        self._budget = traffic.budget
        self._plain: plain_http.PlainHttp | None = None
        if plain_http.serves(model, settings.api_base):
            self._plain = plain_http.PlainHttp(settings.api_base or "", settings.timeout)
        self.sent: dict[str, float] = {}
        self.held = 0.0

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        """Ask, with further tries where another one can succeed, see `Patience`. Raises ModelError with reason and remedy."""
        request = self._request(messages, tools)
        plain = self._plain if plain_http.is_plain(messages) else None
        began, answering = time.monotonic(), 0.0
        tried = 0
        try:
            while True:
                entered = await self._pace.enter()
                result: Reply | Failure | None = None
                tried += 1
                try:
                    result = await self._paid(plain, request, tried)
                finally:
                    answering += time.monotonic() - entered
                    busy = isinstance(result, Failure) and result.busy
                    self._pace.leave(entered, busy, isinstance(result, Reply))
                if isinstance(result, Reply):
                    return result
                await self._before_next(result, tried, time.monotonic() - began - answering)
        finally:
            self.held += time.monotonic() - began - answering

    async def _before_next(self, failure: Failure, tried: int, waited: float) -> None:
        """Wait for the next try. Raises ModelError where there is none."""
        patience, pace = self._settings.patience, self._pace
        most = min(patience.tries, patience.slow) if failure.slow else patience.tries
        pause = patience.pause(tried, failure.wait)
        if not failure.retried or tried > most or waited + pause > patience.seconds:
            raise ModelError(self._text(failure, tried <= most), failure.ending.value)
        pace.retries += 1
        if failure.busy and failure.wait:
            pace.hold(pause, "it takes no more calls now")
        else:
            pace.tell(pause, failure.text.partition(".")[0])
            await asyncio.sleep(pause)

    async def close(self) -> None:
        if self._plain is not None:
            await self._plain.close()

    async def _paid(
        self, plain: plain_http.PlainHttp | None, request: dict[str, Any], tried: int
    ) -> Reply | Failure:
        """One try within the run's budget. Where nobody can tell what it has cost, it has cost the most that it could."""
        if self._budget is None:
            return await self._try(plain, request, tried)
        most = self._most(request)
        await self._budget.reserve(most)
        paid = most
        try:
            result = await self._try(plain, request, tried)
            if isinstance(result, Failure):
                paid = 0.0 if result.free else most
            elif result.cost is not None:
                paid = result.cost
            return result
        finally:
            self._budget.settle(most, paid)

    def _most(self, request: dict[str, Any]) -> float:
        """US dollars that a request may cost. No tokenizer makes more tokens than there are bytes; providers add some of their own."""
        price = highest_price(self._model, self._settings)
        sent = json.dumps([request["messages"], request.get("tools", ())], ensure_ascii=False)
        return price.of(len(sent.encode("utf-8", "replace")) + _ADDED, price.max_output) or 0.0

    async def _try(
        self, plain: plain_http.PlainHttp | None, request: dict[str, Any], tried: int
    ) -> Reply | Failure:
        asked = self._settings.asked(tried)
        if plain is None:
            return await self._by_litellm(request, asked)
        seen = Seen()
        try:
            async with asyncio.timeout(self._settings.timeout):
                answer = await plain.ask(request, seen)
        except TimeoutError:
            return timed_out(asked)
        except Exception as error:
            return of_exception(error, seen, asked)
        finally:
            self.sent = sampling(seen.request) or self.sent
        if answer.status_code >= 400:
            return of_answer(seen, asked)
        if answer.status_code >= 300:
            return await self._by_litellm(request, asked)
        body = seen.json
        if not plain_http.is_ordinary(body):
            return await self._by_litellm({**request, "client": plain_http.reader(answer)}, asked)
        return self._priced(_read(as_response(body), seen, asked))

    async def _by_litellm(self, request: dict[str, Any], asked: Asked) -> Reply | Failure:
        """One try, bounded as a whole: a server that sends a byte now and then keeps any timeout between two bytes waiting."""
        litellm = import_litellm()
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
        return self._priced(_read(response, seen, asked))

    def _priced(self, result: Reply | Failure) -> Reply | Failure:
        price = self._settings.price
        if price is None or isinstance(result, Failure):
            return result
        return result.model_copy(update={"cost": price.of(result.prompt_tokens, result.completion_tokens)})

    def _text(self, failure: Failure, out_of_time: bool) -> str:
        where = f" at {self._settings.api_base}" if self._settings.api_base else ""
        most = f"a call waits {self._settings.patience.seconds:g} s in all at most"
        long = failure.retried and out_of_time
        asks = f" It asks to wait {failure.wait:.0f} s;" if failure.wait else ""
        return f"{self._model}{where}: {failure.text}{f'{asks} {most}.' if long else ''}"

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
