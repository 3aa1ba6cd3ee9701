"""An OpenAI-compatible model server that has a bad day, on purpose and the same each time.

A `Plan` says for each request which fault it meets, if any; a `Model` says what is answered otherwise. Both see the request only,
so what a conversation meets does not depend on how many others are in flight, and a seed gives the same day again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .kinds import FAULTS, Fault, completion, json_answer
from .wire import Connection, Request, WireServer

Plan = Callable[[Request], str | None]
"""The name of the fault that a request meets, None for none."""
Model = Callable[[Request], dict[str, Any]]
"""The body of a good answer."""
Latency = Callable[[random.Random], float]
"""Seconds before an answer begins."""


class FaultServer(WireServer):
    """`met` counts the requests by what they met: a fault's name, or "" for a good answer."""

    def __init__(
        self, plan: Plan, model: Model | None = None, latency: Latency | None = None, seed: int = 0
    ) -> None:
        super().__init__(self._decide)
        self._plan, self._model, self._latency, self._seed = plan, model or works(3), latency, seed
        self.met: Counter[str] = Counter()

    async def _decide(self, request: Request, connection: Connection) -> None:
        name = self._plan(request) or ""
        self.met[name] += 1
        if self._latency is not None:
            await asyncio.sleep(self._latency(random.Random(f"{self._seed}:{request.number}")))
        if name:
            await FAULTS[name].answer(request, connection)
        else:
            await connection.send(*json_answer(self._model(request)))


# --- plans -----------------------------------------------------------------------------------------------------------


def healthy(request: Request) -> None:
    return None


def always(name: str, after: int = 0) -> Plan:
    """From the turn after `after` good ones on, in every conversation."""
    return lambda request: name if turn_of(request) > after else None


def once(name: str, turn: int = 1) -> Plan:
    """The first request of `turn` in each conversation; the next try of the same request is answered well."""
    seen: set[str] = set()

    def plan(request: Request) -> str | None:
        key = _conversation(request)
        if turn_of(request) != turn or key in seen:
            return None
        seen.add(key)
        return name

    return plan


def share(each: float, names: Iterable[str] = FAULTS, seed: int = 0) -> Plan:
    """Every fault of `names` for this share of the requests, whether first or further tries. Decided by seed, conversation and try."""
    wanted = list(names)
    tries: Counter[str] = Counter()

    def plan(request: Request) -> str | None:
        key = _conversation(request)
        tries[key] += 1
        drawn = random.Random(f"{seed}:{key}:{tries[key]}").random()
        place = int(drawn / each)
        return wanted[place] if place < len(wanted) else None

    return plan


def turn_of(request: Request) -> int:
    """Which answer of the model is asked for, from 1."""
    return 1 + sum(message.get("role") == "assistant" for message in _messages(request))


def _messages(request: Request) -> list[dict[str, Any]]:
    found = request.body.get("messages") if isinstance(request.body, dict) else None
    return found if isinstance(found, list) else []


def _conversation(request: Request) -> str:
    return hashlib.sha256(json.dumps(_messages(request), sort_keys=True).encode()).hexdigest()


# --- models ----------------------------------------------------------------------------------------------------------


def works(turns: int, command: str = "ls", reason: str = "Done as told.") -> Model:
    """One harmless command a turn, then the end of the task."""

    def model(request: Request) -> dict[str, Any]:
        turn = turn_of(request)
        return plays([command] * turns, reason)(request) if turn else {}

    return model


def plays(commands: Sequence[str], reason: str) -> Model:
    """These commands, one a turn, then the end of the task with this report."""

    def model(request: Request) -> dict[str, Any]:
        turn = turn_of(request)
        if turn <= len(commands):
            name, arguments = "bash", {"command": commands[turn - 1]}
        else:
            name, arguments = "task_complete", {"reason": reason}
        return completion(calls=[(f"call_{turn}", name, json.dumps(arguments))])

    return model


# --- latencies -------------------------------------------------------------------------------------------------------


def constant(seconds: float) -> Latency:
    return lambda _: seconds


def uniform(low: float, high: float) -> Latency:
    return lambda drawn: drawn.uniform(low, high)


def long_tailed(median: float, sigma: float = 1.0, most: float = 60.0) -> Latency:
    """Log-normal, as latencies of providers are, cut at `most`."""
    return lambda drawn: min(drawn.lognormvariate(0.0, sigma) * median, most)


__all__ = [
    "FAULTS", "Fault", "FaultServer", "Latency", "Mapping", "Model", "Plan", "always", "constant", "healthy", "long_tailed",
    "once", "plays", "share", "turn_of", "uniform", "works",
]  # fmt: skip
