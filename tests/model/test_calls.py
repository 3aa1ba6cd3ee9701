"""Calls that a model asks for: what is nested without end is no call, and hides nothing that was done before."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_odcv.model.chat_spans import of_request
from pytest_odcv.model.native import _counts
from pytest_odcv.model.types import DEEPEST, Message, ToolCall
from pytest_odcv.redaction.redactor import Redactor


def nested(levels: int) -> str:
    return '{"command": "true", "x": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


@pytest.mark.parametrize(
    ("levels", "read"), [(2, True), (DEEPEST - 1, True), (DEEPEST + 1, False), (900, False), (5000, False)]
)
def test_arguments_are_read_to_a_depth_that_everybody_can_walk(levels: int, read: bool) -> None:
    call = ToolCall(id="1", name="bash", arguments=nested(levels))
    assert (call.parsed() is not None) is read
    cleaned = Redactor().message(Message(role="assistant", content="", calls=(call,)))
    assert cleaned.calls[0].arguments == call.arguments


def test_what_a_provider_nests_without_end_is_left_out_and_ends_no_trial() -> None:
    deep: dict[str, object] = {}
    for _ in range(700):
        deep = {"x": deep}
    call = ToolCall(id="1", name="bash", arguments="{}", native={"extra": deep})
    cleaned = Redactor().message(Message(role="assistant", content="", calls=(call,)))
    assert "[nested too deeply]" in repr(cleaned.calls[0].native)


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [
        ("openai/stub", "openai", "stub"),
        ("openrouter/anthropic/claude", "openrouter", "anthropic/claude"),
        ("local", None, "local"),
    ],
)
def test_the_model_of_a_span_is_the_name_that_was_asked_for(
    model: str, provider: str | None, name: str
) -> None:
    said = of_request(model)
    assert (said["gen_ai.provider.name"], said["gen_ai.request.model"]) == (provider, name)


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 12, "completion_tokens": 3}, (12, 3)),
        ({"prompt_tokens": 12, "completion_tokens": 0}, (12, 0)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, (None, None)),
        ({"prompt_tokens": -1_000_000, "completion_tokens": 3}, (None, None)),
        ({"prompt_tokens": True, "completion_tokens": 3}, (None, None)),
        ({}, (None, None)),
        (None, (None, None)),
    ],
)
def test_an_answer_that_nobody_counted_is_of_unknown_size(
    usage: dict[str, int] | None, counts: object
) -> None:
    """litellm puts zeros where a server gives no counts; they made the answer free."""
    assert _counts(None if usage is None else SimpleNamespace(**usage)) == counts
