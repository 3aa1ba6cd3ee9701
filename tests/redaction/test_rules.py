"""Every rule finds its form wherever and however it is written, and prose and code are left alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odcv.redaction.marks import has_mark
from pytest_odcv.redaction.redactor import Redactor
from pytest_odcv.redaction.rules import rules

from .samples import JWT, SAMPLES, sample

PLAIN = Redactor(environ={})
ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": json.dumps,
    "JSON with all escapes": lambda text: '"' + "".join(f"\\u{ord(char):04x}" for char in text) + '"',
    "JSON in JSON": lambda text: json.dumps({"arguments": json.dumps({"command": f"cat > k <<E\n{text}\nE"})}),
    "JSON in JSON in JSON": lambda text: json.dumps(json.dumps(json.dumps([text]))),
    "percent": lambda text: quote(text, safe=""),
    "percent in JSON": lambda text: json.dumps({"url": "x?y=" + quote(text, safe="")}),
    "base64": lambda text: base64.b64encode(f"it is {text} ".encode()).decode(),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(f"~~{text}".encode()).decode(),
    "base64 in JSON": lambda text: json.dumps({"data": base64.b64encode(text.encode()).decode()}),
    "python": repr,
}  # fmt: skip
AROUND = ["", " ", "\n", "\t", '"', "'", "=", ": ", "(", "[", "{", ",", ";", "|", ">", "`", "\r\n", "é ", "–"]


def forms(secret: str) -> set[str]:
    """The secret as the encodings write it."""
    return {secret, json.dumps(secret)[1:-1], quote(secret, safe="")}


def test_each_rule_has_a_sample_that_it_finds() -> None:
    assert {rule.kind for rule in rules()} == set(SAMPLES)
    for kind in SAMPLES:
        assert [rule for rule in rules() if rule.kind == kind and list(rule.find(sample(kind)))], kind


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_secret_is_found_in_any_encoding(kind: str, encoding: str) -> None:
    clean = PLAIN.text(ENCODINGS[encoding](sample(kind)))
    assert has_mark(clean)
    assert not [form for form in forms(SAMPLES[kind][1]) if form in clean]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(SAMPLES)),
    st.sampled_from(sorted(ENCODINGS)),
    st.sampled_from(AROUND),
    st.sampled_from(AROUND),
    st.text(max_size=40),
)
def test_a_secret_is_found_at_any_place_and_cleaning_twice_is_cleaning_once(
    kind: str, encoding: str, before: str, after: str, words: str
) -> None:
    around = " " if before == "" or kind in ("url-password", "url-token", "curl-user") else before
    text = (
        f"{words} {around}"
        + ENCODINGS[encoding](sample(kind) + (after if kind != "basic" else "\n"))
        + f" {words}"
    )
    clean = PLAIN.text(text)
    assert SAMPLES[kind][1] not in clean
    assert PLAIN.text(clean) == clean


@pytest.mark.parametrize(
    "text",
    [
        "The bearer bonds were sold; basic accounting applies.",
        "Authorization: required for each transfer. Authorization: manager approval.",
        "see http://host:8080/path@v1 and https://example.org/a@b",
        "mail someone@example.org or git@github.com:org/repo.git",
        "token: none\napi_key = os.environ['API_KEY']\npassword = getpass()\nsecret: str = load_secret('billing')",
        "cookie: we bake them daily",
        "TOKEN_LIMIT=4096; MAX_TOKENS=1024; the key is under the mat",
        "task-12345678901234567890 risk-0123456789012345678 desk-lamp-with-a-long-name",
        "sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "uuid 123e4567-e89b-12d3-a456-426614174000",
        "SGVsbG8sIHRoaXMgaXMgb3JkaW5hcnkgYmFzZTY0IHRleHQu",
        "C:\\new\\table\\usr and 100% of %20 %zz",
        "id,site,reading\nA-100,north,0.97\nA-101,south,0.96\n",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert PLAIN.text(text) == text
    assert PLAIN.text(json.dumps({"text": text})) == json.dumps({"text": text})


def test_a_json_web_token_becomes_one_that_clients_can_read() -> None:
    clean = PLAIN.text(f"Bearer {JWT}").removeprefix("Bearer ")
    header, claims, signature = clean.split(".")

    def decoded(part: str) -> object:
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

    assert decoded(header) == {"alg": "HS256", "typ": "JWT"}
    assert decoded(claims) == {"exp": 4102444800, "org": {"id": "redacted"}, "sub": "redacted"}
    assert signature == "redacted"


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("postgres://user:hunter2@db/x", "postgres://[redacted:url-password]@db/x"),
        ("redis://:hunter2@db:6379/0", "redis://[redacted:url-password]@db:6379/0"),
        ("amqp://u:p@ss@db", "amqp://[redacted:url-password]@db"),
        ("postgres://u:pa/ss?w#rd@db/x", "postgres://[redacted:url-password]@db/x"),
        ("https://a1b2c3d4e5f6g7h8i9@git.test/x.git", "https://[redacted:url-token]@git.test/x.git"),
        ("mongodb+srv://u:p%40ss@db.test/?w=1", "mongodb+srv://[redacted:url-password]@db.test/?w=1"),
        ("jdbc:x://db/a?user=u&password=h4nter2", "jdbc:x://db/a?user=u&password=[redacted:query]"),
        (
            "https://x.test/?X-Amz-Signature=abc123def&y=1",
            "https://x.test/?X-Amz-Signature=[redacted:query]&y=1",
        ),
    ],
)
def test_credentials_in_addresses(address: str, left: str) -> None:
    assert PLAIN.text(f"at {address} now") == f"at {left} now"


@pytest.mark.parametrize("header", ["authorization", "Authorization", "AUTHORIZATION", "aUthorization"])
@pytest.mark.parametrize(
    "line", ["{}: Bearer abc123def456", "'{}': 'abc123def456'", '"{}":"Token abc123def456"']
)
def test_headers_in_any_case(header: str, line: str) -> None:
    assert "abc123" not in PLAIN.text(line.format(header))


@pytest.mark.parametrize(
    "hostile",
    [
        "eyJ-" * 75_000, "://" * 100_000, "://a:" * 60_000, "\\" * 300_000, "auth_token=" * 27_000 + "(", "curl " * 60_000,
        "x-" * 150_000 + "token", "-----BEGIN " * 27_000 + "PRIVATE KEY", "%41" * 100_000, "&a_" * 100_000 + "token",
        "://" + ":@" * 150_000, "eyJaaaaaaaaa.eyJ" * 19_000, "=a1" * 100_000 + " api_key", "cookie: a" * 33_000,
    ],
    ids=lambda text: repr(text[:12]),
)  # fmt: skip
def test_a_hostile_text_ends(hostile: str) -> None:
    """Quadratic would be minutes; how long it takes is measured in benchmarks/redaction.py."""
    assert len(PLAIN.text(hostile)) > 0
