"""Histories are stored once: exactly, readably, and at a cost that does not grow with what came before."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.errors import CassetteError
from pytest_odcv.http.body_delta import decode, encode

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from([0.0, -0.0, 1.0, 2.5])
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
ITEMS = st.sampled_from(
    [{"role": r, "content": c * 20} for r in ("user", "assistant") for c in ("x", "yz", "o" * 9)]
    + [{"role": "user", "content": [{"text": "t" * 60, "cache": n}]} for n in (1, 1.0, True, None)]
    + ["plain", 1, True]
)
BODIES = st.fixed_dictionaries(
    {"model": st.sampled_from(["m", "n"])},
    optional={"messages": st.lists(ITEMS, max_size=8), "tools": st.lists(ITEMS, max_size=2), "extra": JSON},
)


def message(number: int, text: str = "") -> dict[str, Any]:
    return {
        "role": "assistant" if number % 2 else "user",
        "content": text or f"message {number} " + "and so on " * 20,
    }


def request(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "m", "system": "the rules " * 30, "messages": list(messages)} | more


def exact(value: Any) -> str:
    """Tells apart what Python holds equal: 1, 1.0 and True."""
    return json.dumps(value, sort_keys=True)


def trial(bodies: list[Any]) -> list[dict[str, Any]]:
    return [encode(body, bodies[:number]) for number, body in enumerate(bodies)]


def again(entries: list[dict[str, Any]]) -> list[Any]:
    bodies: list[Any] = []
    for entry in entries:
        bodies.append(decode(entry, bodies))
    return bodies


@given(st.lists(BODIES | JSON, max_size=5))
def test_what_is_encoded_is_decoded_to_the_same(bodies: list[Any]) -> None:
    assert exact(again(trial(bodies))) == exact(bodies)


@given(st.lists(BODIES, max_size=4))
def test_entries_survive_yaml(bodies: list[Any]) -> None:
    entries = yaml.safe_load(yaml.safe_dump(trial(copy.deepcopy(bodies))))
    assert exact(again(entries)) == exact(bodies)


@given(st.lists(BODIES, max_size=4))
def test_encoding_changes_neither_a_body_nor_those_before(bodies: list[Any]) -> None:
    before = exact(bodies)
    again(trial(bodies))
    assert exact(bodies) == before


def test_a_conversation_that_goes_on_is_told_by_what_is_new() -> None:
    first, second = request(message(1)), request(message(1), message(2), message(3))
    assert encode(first, []) == {"body": first}
    assert encode(second, [first]) == {"after": 0, "append": {"messages": [message(2), message(3)]}}


def test_fields_that_change_come_and_go_are_named() -> None:
    first = request(message(1), temperature=1, top_p=1)
    second = request(message(1), temperature=1.0, seed=7)
    assert encode(second, [first]) == {"after": 0, "set": {"temperature": 1.0, "seed": 7}, "unset": ["top_p"]}


def test_the_same_body_again_is_named_alone() -> None:
    bodies = [request(message(1)), request(message(2, "else" * 99))]
    assert encode(request(message(1)), bodies) == {"after": 0}
    assert encode("text", ["text", 5]) == {"after": 0}


def test_a_body_with_nothing_in_common_is_whole() -> None:
    other = {"input": "text " * 50}
    assert encode(other, [request(message(1))]) == {"body": other}
    assert encode(None, [request(message(1))]) == {"body": None}


def test_of_conversations_in_turns_each_goes_on_from_its_own() -> None:
    bodies = []
    for step in range(1, 4):
        for start in (100, 200):
            bodies.append(request(*[message(start + n) for n in range(2 * step)]))
    assert [entry.get("after") for entry in trial(bodies)] == [None, 0, 0, 1, 2, 3]
    assert all(len(entry["append"]["messages"]) == 2 for entry in trial(bodies)[2:])


def test_a_new_conversation_that_begins_alike_does_not_hide_the_one_that_goes_on() -> None:
    history = [message(n) for n in range(9)]
    entry = encode(request(*history), [request(*history[:7]), request(history[0])])
    assert entry == {"after": 0, "append": {"messages": history[7:]}}


def test_a_first_message_that_is_never_the_same_costs_only_itself() -> None:
    history = [message(n) for n in range(10)]
    first = request(message(0, "step 1 " * 20), *history)
    second = request(message(0, "step 2 " * 20), *history, message(10))
    parts = [{"new": [message(0, "step 2 " * 20)]}, {"keep": [1, 11]}, {"new": [message(10)]}]
    assert encode(second, [first]) == {"after": 0, "edit": {"messages": parts}}


def test_a_window_that_slides_over_the_history_keeps_what_it_shows_still() -> None:
    history = [message(n) for n in range(12)]
    first, second = request(*history[:10]), request(history[0], *history[3:])
    parts = [{"keep": [0, 1]}, {"keep": [3, 10]}, {"new": history[10:]}]
    assert encode(second, [first]) == {"after": 0, "edit": {"messages": parts}}


def test_a_cache_mark_that_moves_on_does_not_store_its_message_again() -> None:
    def marked(number: int, mark: bool) -> dict[str, Any]:
        block = {"type": "text", "text": f"long text {number} " * 30} | (
            {"cache_control": {"type": "ephemeral"}} if mark else {}
        )
        return {"role": "user", "content": [block]}

    first, second = request(marked(1, True)), request(marked(1, False), message(1), marked(2, True))
    unmarked = {"edit": {"content": [{"item": 0, "change": {"unset": ["cache_control"]}}]}}
    entry = encode(second, [first])
    assert entry["edit"]["messages"] == [
        {"item": 0, "change": unmarked},
        {"new": [message(1), marked(2, True)]},
    ]
    assert decode(entry, [first]) == second


def test_the_file_of_a_trial_grows_by_the_same_amount_with_each_step() -> None:
    def size(steps: int) -> int:
        bodies = [request(*[message(n) for n in range(1, 2 * step)]) for step in range(1, steps + 1)]
        return len(json.dumps(trial(bodies)))

    assert size(40) - size(20) == pytest.approx(size(60) - size(40), rel=0.05)


def test_only_a_few_of_the_bodies_before_are_looked_at() -> None:
    class Counted(list[Any]):
        looked = 0

        def __getitem__(self, number: Any) -> Any:
            self.looked += 1
            return super().__getitem__(number)

    few, many = (Counted({"n": n, "text": "t" * n} for n in range(100, 100 + count)) for count in (20, 200))
    for bodies in (few, many):
        encode({"other": "x" * 100}, bodies)
    assert few.looked == many.looked


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"after": 1},
        {"after": True},
        {"after": "0"},
        {"after": 0, "append": {"none": [1]}},
        {"after": 0, "unset": ["none"]},
        {"after": 0, "edit": {"messages": [{"keep": [0, 9]}]}},
        {"after": 0, "edit": {"messages": [{"item": 9, "change": {}}]}},
        {"after": 0, "edit": {"messages": [{"what": 1}]}},
        {"after": 0, "edit": {"messages": 5}},
        {"after": 0, "add": {"messages": []}},
        {"after": 0, "set": 5},
    ],
)
def test_an_entry_that_does_not_fit_is_a_damaged_cassette(entry: dict[str, Any]) -> None:
    with pytest.raises(CassetteError, match="a request is told as a change of request"):
        decode(entry, [request(message(1))])


def test_nesting_without_end_is_kept_whole() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    body = {"messages": deep}
    try:
        assert encode(body, [{"messages": [1]}])["body"] is body
    finally:
        while deep:  # Python would take it apart recursively.
            deep = deep.pop()
