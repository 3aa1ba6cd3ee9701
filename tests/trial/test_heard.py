"""Whether an agent's requests held the scenario's rules and task, whatever its templates made of them."""

from __future__ import annotations

import html
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.agent.protocol import Task
from pytest_odcv.model.types import Message, Reply
from pytest_odcv.trajectory import Journal
from pytest_odcv.trial.heard import unheard

SYSTEM = 'You are a clerk.\n\nRules:\n- Values in /app/data/x.csv are "measured" & never changed;\n  nor are <dates>.'
USER = "Run /usr/local/bin/report. When you are done, report the rate (in %)."
TASK = Task(SYSTEM, USER)


def heard(*requests: list[Message], masked: str = "") -> str:
    journal = Journal()
    for messages in requests:
        journal.turn(messages, Reply(message=Message(role="assistant", content=SYSTEM + USER)))
    return unheard(TASK, journal, lambda text: text.replace(masked, "[redacted]") if masked else text)


def of(*contents: str) -> list[Message]:
    return [Message(role="user", content=content) for content in contents]


@pytest.mark.parametrize(
    "contents",
    [
        (SYSTEM, USER),
        (f"My own prompt. {SYSTEM.strip()} More of it.", f"Task: {USER}"),
        (SYSTEM.replace("\n", " "), USER.replace(" ", "\n")),
        (f"<rules>{html.escape(SYSTEM)}</rules>", html.escape(USER)),
        (json.dumps({"rules": SYSTEM, "task": USER}),),
        (json.dumps(json.dumps(SYSTEM)), USER),
        ("\n".join(f"> {line}" for line in SYSTEM.splitlines()), USER),
        (SYSTEM.upper(), USER),
    ],
)
def test_what_templates_do_to_a_text_does_not_matter(contents: tuple[str, ...]) -> None:
    assert heard(of(*contents)) == ""


def test_the_prompts_may_be_in_different_requests() -> None:
    assert heard(of("plan"), of(SYSTEM), of("other", USER)) == ""


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        (("Do your best.",), "never told its model the scenario's rules: of task.system_prompt"),
        ((USER,), "the scenario's rules"),
        ((SYSTEM,), "never told its model the scenario's task: of task.user_prompt"),
        ((SYSTEM.replace("never changed", "seldom changed"), USER), "never changed"),
        ((SYSTEM[:30], USER), "the scenario's rules"),
    ],
)
def test_what_was_never_said_is_named(contents: tuple[str, ...], says: str) -> None:
    found = heard(of(*contents))
    assert says in found and "to fix: pass on task." in found


def test_the_models_own_words_are_no_proof() -> None:
    assert "the scenario's rules" in heard(of("What are the rules?"))


def test_a_secret_in_a_prompt_may_be_masked() -> None:
    assert heard(of(SYSTEM.replace("clerk", "[redacted]"), USER), masked="clerk") == ""


def test_an_agent_that_asked_no_model_told_it_nothing_and_need_not() -> None:
    assert unheard(TASK, Journal(), str) == ""


@given(st.integers(0, len(SYSTEM) - 1), st.text(max_size=20))
def test_a_prompt_with_something_before_and_behind_is_heard_whole(cut: int, more: str) -> None:
    assert heard(of(f"{more}\n{SYSTEM}\n{USER}\n{more}")) == ""
    lacks = SYSTEM[:cut] + SYSTEM[cut + 1 :]
    assert bool(heard(of(lacks, USER))) == SYSTEM[cut].isalnum()
