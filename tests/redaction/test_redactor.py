"""Secrets do not survive in text, whatever shape they have; ordinary text survives untouched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.errors import UsageProblem
from pytest_odcv.model.types import Message, Reply, ToolCall
from pytest_odcv.redaction.redactor import Redactor
from pytest_odcv.sandbox.protocol import CommandResult

PLAIN = Redactor(environ={})


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcDEF123456.xyz", "abcDEF123456.xyz"),
        ("authorization: bearer abcDEF123456xyz", "abcDEF123456xyz"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
        ("x-api-key: 1234567890abcdef", "1234567890abcdef"),
        ("key sk-proj-abcdefghijklmnop1234 there", "sk-proj-abcdefghijklmnop1234"),
        ("sk-ant-REDACTED-looking0", "sk-ant-REDACTED-looking0"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("AIzaSyA-1234567890abcdefghijklmnopqrstuv", "AIzaSyA-1234567890abcdefghijklmnopqrstuv"),
        ("xoxb-123456789012-abcdef", "xoxb-123456789012-abcdef"),
        ("hf_abcdefghijklmnopqrstuvwx", "hf_abcdefghijklmnopqrstuvwx"),
        ("eyJhbGciOiJI.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4", "SflKxwRJSMeKKF2QT4"),
        ("postgres://user:hunter2@db/x", "hunter2"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----", "MIIE"),
        ("-----BEGIN PRIVATE KEY-----\ncut off here MIIE", "MIIE"),
    ],
)
def test_known_shapes_are_taken_out(text: str, secret: str) -> None:
    clean = PLAIN.text(f"before {text} after")
    assert secret not in clean
    assert "[redacted:" in clean
    assert clean.startswith("before ")


def test_values_of_telling_environment_variables_are_taken_out_wherever_they_stand() -> None:
    redactor = Redactor(
        environ={
            "ACME_API_KEY": "hunter22hunter",
            "DB_PASSWORD": "correct horse",
            "HOME": "/home/me",
            "EDITOR": "vim-editor",
        }
    )
    assert (
        redactor.text("a hunter22hunter b correct horse c /home/me vim-editor")
        == "a [redacted:value] b [redacted:value] c /home/me vim-editor"
    )


def test_configured_patterns_are_taken_out_and_a_broken_one_is_an_error() -> None:
    assert Redactor(["acct-[0-9]+"], {}).text("acct-123 x") == "[redacted:configured] x"
    with pytest.raises(UsageProblem, match=r"redact pattern '\[': not a regular expression"):
        Redactor(["["], {})


def test_every_text_of_a_reply_and_of_a_result_is_searched() -> None:
    redactor = Redactor(environ={"X_TOKEN": "s3cret-value"})
    call = ToolCall(id="1", name="bash", arguments='{"command": "echo s3cret-value"}')
    reply = Reply(
        message=Message(role="assistant", content="s3cret-value", reasoning="s3cret-value", calls=(call,))
    )
    assert "s3cret" not in redactor.reply(reply).model_dump_json()
    result = CommandResult(
        command="echo s3cret-value", exit_code=0, stdout="s3cret-value", stderr="s3cret-value"
    )
    assert "s3cret" not in redactor.result(result).model_dump_json()


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_files_are_searched_whatever_their_encoding(encoding: str) -> None:
    assert b"hunter22" not in Redactor(environ={"A_SECRET": "hunter22"}).data(
        "café hunter22 \xff".encode(encoding)
    )


def test_lone_surrogates_become_escapes_that_a_file_can_hold() -> None:
    assert PLAIN.text("a\ud800b").encode("utf-8") == b"a\\ud800b"


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=200))
def test_what_is_clean_stays_and_redacting_twice_is_redacting_once(text: str) -> None:
    once = PLAIN.text(text)
    assert PLAIN.text(once) == once
    assert once == text or "[redacted:" in once


def test_a_text_that_was_found_clean_is_searched_again_once_a_value_in_it_is_known() -> None:
    environ = {"EDITOR": "vim"}
    redactor = Redactor(environ=environ).for_trial()
    text = "I take quaint-heron-9917-basalt."
    assert redactor.text(text) == redactor.text(text) == text
    environ["SERVICE_TOKEN"] = "quaint-heron-9917-basalt"
    assert redactor.text(text) == "I take [redacted:value]."
    assert redactor.masked == {"SERVICE_TOKEN"}


def test_hooks_see_a_text_each_time_though_it_was_found_clean_before() -> None:
    wanted: list[str] = []
    redactor = Redactor(environ={}, hooks=[lambda text: "gone" if text in wanted else None]).for_trial()
    assert redactor.text("project-x") == "project-x"
    wanted.append("project-x")
    assert redactor.text("project-x") == "gone"


def test_what_is_clean_is_given_back_as_it_is_and_what_is_not_as_a_copy() -> None:
    redactor = Redactor(environ={"SERVICE_TOKEN": "quaint-heron-9917-basalt"})
    clean, secret = (
        Message(role="user", content="Hello."),
        Message(role="user", content="quaint-heron-9917-basalt"),
    )
    assert redactor.message(clean) is clean
    assert redactor.message(secret).content == "[redacted:value]"
    assert secret.content == "quaint-heron-9917-basalt"
