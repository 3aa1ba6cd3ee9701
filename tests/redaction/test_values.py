"""What is a secret because of its name or place: variables by the segments of their names, in any encoding, as long as they live."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from pytest_odcv.model.types import Message, ToolCall
from pytest_odcv.redaction.names import is_secret_name
from pytest_odcv.redaction.redactor import Redactor


@pytest.mark.parametrize(
    "name",
    [
        "STRIPE_KEY",
        "ACME_API_KEY",
        "OPENAI_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "DB_PASS",
        "DB_PASSWORD",
        "PGPASSWORD",
        "MYSQL_PWD",
        "stripeKey",
        "apiKey",
        "SECRET_KEY_BASE",
        "VAULT_SECRET_ID",
        "X_AUTH",
        "NPM_CONFIG__AUTH",
        "JIRA_PAT",
        "CLIENT_SECRET",
        "GPG_PASSPHRASE",
        "SESSION_COOKIE",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "GIT_AUTHOR_NAME",
        "AUTH_MODE",
        "SSH_AUTH_SOCK",
        "MAX_TOKENS",
        "TOKENIZERS_PARALLELISM",
        "PUBLIC_KEY",
        "KEYBOARD",
        "MONKEY",
        "PASSWORD_FILE",
        "TOKEN_LIMIT",
        "AUTHOR",
        "XAUTHORITY",
        "PATH",
        "SECRET_NAME",
        "CACHE_KEY",
        "KEY_ID",
        "PASSWORD_MIN_LENGTH",
        "COMPATIBILITY",
    ],
)
def test_names_of_other_things(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "value",
    [
        "/aB3kd9+xY==",
        "s3cr3t",
        "pässwörd1",
        "日本語の鍵",
        "correct horse",
        "a\\b'c\"d$e",
        "tr%20icky",
        "[x]*.{2}",
        "12345678",
        "a\ud800b12345",
    ],
)
def test_values_of_any_kind_are_taken_out_in_any_encoding(value: str) -> None:
    redactor = Redactor(environ={"ACME_KEY": value})
    assert redactor.text(f"is {value} it") == "is [redacted:value] it"
    if "\ud800" in value:
        return
    for encoded in (
        json.dumps(value),
        json.dumps(value, ensure_ascii=False),
        json.dumps(json.dumps([value])),
        quote(value, safe=""),
    ):
        assert "[redacted:value]" in redactor.text(f"is {encoded} it"), encoded
    basic = base64.b64encode(f"someone:{value}".encode()).decode()
    assert basic not in redactor.text(f"login {basic}")
    for encoding in ("utf-8", "utf-16", "utf-16-le"):
        data = f"is {value} it".encode(encoding)
        data = b"\xff\xfe" + data if encoding == "utf-16-le" else data
        assert f"is {value} it" not in redactor.data(data).decode("utf-16" if "16" in encoding else encoding)


def test_a_short_value_is_no_part_of_a_word() -> None:
    assert Redactor(environ={"PIN_KEY": "x1y2"}).text("x1y2, ax1y2b") == "[redacted:value], ax1y2b"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("quarantine", "is an ordinary word or number"),
        ("1234", "is an ordinary word or number"),
        ("ab1", "is shorter than 4 characters"),
    ],
)
def test_an_ordinary_word_is_passed_over_and_that_is_told(value: str, why: str) -> None:
    redactor = Redactor(environ={"AUTH_TOKEN": value})
    assert redactor.text(f"the {value} zone") == f"the {value} zone"
    assert redactor.passed_over == {"AUTH_TOKEN": why}


def test_a_path_of_this_machine_is_no_secret(tmp_path: Path) -> None:
    redactor = Redactor(environ={"GOOGLE_CREDENTIALS": str(tmp_path), "OTHER_KEY": str(tmp_path / "absent")})
    assert redactor.text(f"in {tmp_path}/x") == f"in {tmp_path}/x"
    assert redactor.text(f"in {tmp_path}/absent") == "in [redacted:value]"
    assert list(redactor.passed_over) == ["GOOGLE_CREDENTIALS"]


def test_a_password_in_an_address_is_one_by_itself() -> None:
    redactor = Redactor(environ={"DATABASE_URL": "postgres://app:h4nter%4022@db:5432/x"})
    assert redactor.text("h4nter@22 h4nter%4022") == "[redacted:value] [redacted:value]"


def test_the_list_is_alive_and_forgets_nothing() -> None:
    environ = {"A_KEY": "first-value-1"}
    redactor = Redactor(environ=environ)
    before = redactor.learned
    environ |= {"A_KEY": "second-value-2", "B_TOKEN": "third-value-3"}
    clean = redactor.text("first-value-1 second-value-2 third-value-3")
    assert clean == "[redacted:value] [redacted:value] [redacted:value]"
    assert redactor.learned > before and redactor.masked == {"A_KEY", "B_TOKEN"}
    del environ["B_TOKEN"]
    assert redactor.text("third-value-3") == "[redacted:value]"


def test_a_trial_counts_its_own_variables_and_a_replay_has_none() -> None:
    redactor = Redactor(environ={"A_KEY": "first-value-1", "B_KEY": "second-value-2"})
    one, other = redactor.for_trial(), redactor.for_trial()
    assert one.text("first-value-1") == other.text("second-value-2") == "[redacted:value]"
    assert (one.masked, other.masked) == ({"A_KEY"}, {"B_KEY"})
    assert (
        redactor.for_replay().text("first-value-1 ghp_" + "a1" * 18)
        == "first-value-1 [redacted:github-token]"
    )


def test_arguments_are_cleaned_as_values_and_stay_what_they_were() -> None:
    redactor = Redactor([r"^acct-\d+$"], {"A_KEY": 'with "quotes" \n and lines'})
    message = Message(
        role="assistant",
        calls=(
            ToolCall(
                id="1",
                name="bash",
                arguments=json.dumps({"command": 'echo with "quotes" \n and lines', "n": 1.50}),
            ),
            ToolCall(id="2", name="look", arguments='{"id":"acct-4711"}'),
            ToolCall(id="3", name="look", arguments='{"id":  "other"}'),
            ToolCall(id="4", name="bash", arguments='{"command": "cut off\\nghp_' + "a1" * 18),
        ),
    )
    first, second, third, fourth = (call.arguments for call in redactor.message(message).calls)
    assert json.loads(first) == {"command": "echo [redacted:value]", "n": 1.5}
    assert json.loads(second) == {"id": "[redacted:configured]"}
    assert third == '{"id":  "other"}'
    assert fourth == '{"command": "cut off\\n[redacted:github-token]'


def test_a_lone_surrogate_beside_a_secret_leaves_text_that_a_file_can_hold() -> None:
    secret = "ghp_" + "a1B2" * 9
    cleaned = Redactor().text(json.dumps({"note": f"\ud83d {secret}"}))
    cleaned.encode("utf-8")
    assert secret not in cleaned and json.loads(cleaned)["note"].startswith("\ud83d ")


def test_variables_of_this_process_that_are_set_and_changed_later_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    redactor = Redactor()
    monkeypatch.setenv("LATER_SERVICE_TOKEN", "quaint-heron-9917-basalt")
    assert redactor.text("quaint-heron-9917-basalt") == "[redacted:value]"
    monkeypatch.setenv("LATER_SERVICE_TOKEN", "plain-magpie-3381-gneiss")
    assert redactor.text("plain-magpie-3381-gneiss") == "[redacted:value]"
    monkeypatch.delenv("LATER_SERVICE_TOKEN")
    assert (
        redactor.text("quaint-heron-9917-basalt plain-magpie-3381-gneiss")
        == "[redacted:value] [redacted:value]"
    )
