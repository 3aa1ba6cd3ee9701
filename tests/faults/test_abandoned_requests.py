"""A call of a model that its agent does not wait for got no answer, whatever comes later; what the scenario's own limit cuts is no fault."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_odcv.agent.env import TrialEnv
from pytest_odcv.agent.protocol import Task
from pytest_odcv.evidence.ending import Ended
from pytest_odcv.http.exchange import ABANDONED, Exchange, Failure
from pytest_odcv.model.types import Message, Reply
from pytest_odcv.trajectory import NOT_WAITED_FOR, Exchanged, Journal
from pytest_odcv.trial.endings import never_answered
from pytest_odcv.trial.trial import Trial

from ..conftest import needs_litellm
from . import kit
from .server import FaultServer, always, once, works
from .test_custom_agent_faults import trial

USER = [Message(role="user", content="Work.")]
OTHER = [Message(role="user", content="Something else.")]
ANSWER = Reply(message=Message(role="assistant", content="Done."))


# --- the journal: by when a question was asked --------------------------------------------------------------------------


def test_a_question_that_was_left_got_no_answer_once_the_agent_goes_on() -> None:
    journal = Journal()
    journal.left(journal.ask(USER))
    assert never_answered(journal) == []  # It may be the trial that is being cut.
    journal.settle()
    assert never_answered(journal) == [NOT_WAITED_FOR]
    assert [failed.after for failed in journal.unanswered] == [0]


def test_what_is_still_under_way_at_the_end_got_no_answer() -> None:
    journal = Journal()
    journal.ask(USER)
    journal.settle()
    assert never_answered(journal) == [NOT_WAITED_FOR]


def test_a_later_question_gets_over_it_and_an_earlier_one_does_not() -> None:
    journal = Journal()
    slow, left = journal.ask(USER), journal.ask(USER)
    journal.failed(left, "reset", "faulted")
    journal.turn(USER, ANSWER, slow)
    assert never_answered(journal) == ["reset"]  # Asked before the one that failed.
    journal.turn([*USER, ANSWER.message, *OTHER], ANSWER, journal.ask([*USER, ANSWER.message, *OTHER]))
    assert never_answered(journal) == []


def test_the_order_in_which_failures_are_noted_says_nothing() -> None:
    journal = Journal()
    first, second = journal.ask(USER), journal.ask(USER)
    journal.turn(USER, ANSWER, second)
    journal.failed(first, "a timeout that took long", "faulted")
    assert never_answered(journal) == []


def test_another_conversation_gets_over_nothing() -> None:
    journal = Journal()
    journal.left(journal.ask(USER))
    journal.turn(OTHER, ANSWER, journal.ask(OTHER))
    journal.settle()
    assert never_answered(journal) == [NOT_WAITED_FOR]


def exchange(content: str, began: int | None, failure: Failure | None = None) -> Exchange:
    body = {"model": "m", "messages": [{"role": "user", "content": content}]}
    answer = {"choices": [{"message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}]}
    status, given = (0, None) if failure else (200, answer)
    return Exchange("POST", "/v1/chat/completions", "", body, status, given, failure=failure, began=began)


LEFT = Failure(ABANDONED)


def faults(*exchanges: Exchange, cut: bool = False) -> int:
    journal = Journal()
    for one in exchanges:
        journal.exchanged(one)
    return len(never_answered(journal, cut))


def test_requests_too_are_told_apart_by_when_they_were_asked() -> None:
    assert faults(exchange("a", 1, LEFT), exchange("a", 2)) == 0
    assert faults(exchange("a", 2), exchange("a", 1, LEFT)) == 0  # Noted late.
    assert faults(exchange("a", 1), exchange("a", 2, LEFT)) == 1
    assert (
        faults(exchange("a", None, LEFT), exchange("a", None)) == 0
    )  # Of a recording, in the order of asking.
    assert faults(exchange("a", None), exchange("a", None, LEFT)) == 1


def test_failed_requests_stand_in_the_order_of_asking_however_late_they_are_noted() -> None:
    noted = [
        exchange("a", 2),
        exchange("a", 1, LEFT),
        exchange("b", 5, LEFT),
        exchange("b", 4),
        exchange("c", 6),
    ]
    journal = Journal()
    for one in noted:
        journal.exchanged(one)
    kept = [event.exchange for event in journal.events if isinstance(event, Exchanged)]
    assert [one.began for one in kept] == [1, 2, 4, 5, 6]
    # As a recording tells it, which does not know when.
    again = [replace(one, began=None) for one in kept]
    assert faults(*again) == faults(*noted) == 1


def test_what_the_scenarios_own_limit_cut_is_no_fault() -> None:
    under_way = exchange("a", 1, LEFT)
    assert faults(exchange("b", 0), under_way, cut=True) == 0
    assert faults(exchange("b", 0), under_way) == 1
    # One that the agent left long before is a fault all the same.
    assert faults(under_way, exchange("b", 2), cut=True) == 1
    assert isinstance(Exchanged(under_way, None).exchange.failure, Failure)


# --- through a real sandbox and a real server ---------------------------------------------------------------------------


class Impatient:
    """Waits for an answer for `seconds`, then does as `then` says."""

    def __init__(self, then: str, seconds: float = 0.3) -> None:
        self.then, self.seconds = then, seconds

    async def run(self, task: Task, env: TrialEnv) -> str | None:
        messages = [
            Message(role="system", content=task.system_prompt),
            Message(role="user", content=task.user_prompt),
        ]
        if self.then == "leaves it behind":
            self.behind = asyncio.ensure_future(env.complete(messages, ()))
            await asyncio.sleep(self.seconds)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(env.complete(messages, ()), self.seconds)
        if self.then == "asks again":
            await env.complete(messages, ())
        await env.bash("true")
        return "The rate is 60."


def ending(root: Path, agent: Any, *says: Any) -> Trial:
    with FaultServer(*(says if len(says) > 1 else (*says, works(3)))) as server:
        setup = kit.context(server.base, root, "live", kit.Unmoved(kit.alpha().before))
        return trial(replace(setup, trial_timeout=20.0), agent)


@needs_litellm
@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("then", ["goes on", "leaves it behind"])
def test_an_agent_that_gives_up_waiting_is_not_compliant(then: str, tmp_path: Path) -> None:
    done = ending(tmp_path, Impatient(then), always("hang"))
    assert done.judged.score is None and done.trajectory.ending.kind is Ended.FAULTED


@needs_litellm
@pytest.mark.usefixtures("sandbox")
def test_an_agent_that_asks_again_and_is_answered_got_over_it(tmp_path: Path) -> None:
    done = ending(tmp_path, Impatient("asks again"), once("hang"), works(3))
    assert done.trajectory.ending.kind is not Ended.FAULTED
