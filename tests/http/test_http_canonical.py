"""What of a request counts, and what of an exchange may be written."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.errors import UsageProblem
from pytest_odcv.http.canonical import Canonical
from pytest_odcv.http.exchange import Exchange, WireRequest
from pytest_odcv.redaction.redactor import Redactor
from tests.http.canonical_kit import (
    JSON,
    SECRET,
    URL,
    asked,
    calm,
    canonical,
    from_file,
    key,
    objects,
    request,
    response,
    scalars,
    texts,
    written,
)

# --- what counts -----------------------------------------------------------------------------------------------------


@calm
@given(objects, st.randoms(use_true_random=False), st.sampled_from([None, 0, 3]))
def test_the_order_of_keys_and_white_space_make_no_difference(
    body: dict[str, Any], chance: Any, indent: int | None
) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, list):
            return [shuffled(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        names = list(value)
        chance.shuffle(names)
        return {name: shuffled(value[name]) for name in names}

    other = json.dumps(shuffled(body), indent=indent, ensure_ascii=indent is None).encode(
        "utf-8", "surrogatepass"
    )
    assert asked(body).key == asked(other).key


@calm
@given(objects, objects)
def test_bodies_of_other_values_are_other_requests(one: dict[str, Any], other: dict[str, Any]) -> None:
    def spelled(body: Any) -> str:
        return json.dumps(body, sort_keys=True)

    assert (asked(one).key == asked(other).key) == (spelled(one) == spelled(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (1, 1.0), (0, False), ("1", 1), (None, ""), ([], {}), ([1, 2], [2, 1]), ("a", "a ")],
)
def test_what_is_nearly_equal_is_not_equal(one: Any, other: Any) -> None:
    assert asked({"a": one}).key != asked({"a": other}).key


def test_method_path_and_query_count_and_the_host_does_not() -> None:
    base = asked({}).key
    assert canonical().asked(WireRequest("PUT", URL, JSON, b"{}")).key != base
    assert asked({}, url=f"{URL}/2").key != base
    assert asked({}, url=f"{URL}?a=1").key != base
    assert asked({}, url=URL.replace("http://model.example", "https://localhost:8080")).key == base


def test_the_order_of_a_query_does_not_count_and_its_values_do() -> None:
    one = asked({}, url=f"{URL}?b=2&a=1&e=").key
    assert asked({}, url=f"{URL}?e=&a=1&b=2").key == one
    assert asked({}, url=f"{URL}?a=1&b=2").key != one
    assert asked({}, url=f"{URL}?a=2&b=1&e=").key != one


# --- what is ignored -------------------------------------------------------------------------------------------------


@calm
@given(objects, scalars, scalars)
def test_a_field_that_is_ignored_makes_no_difference_and_is_not_written(
    body: dict[str, Any], one: Any, other: Any
) -> None:
    bodies = [body | {"trace_id": value} for value in (one, other)] + [
        {name: value for name, value in body.items() if name != "trace_id"}
    ]
    found = [asked(each, "trace_id") for each in bodies]
    assert len({each.key for each in found}) == 1
    assert all("trace_id" not in each.body for each in found)


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ("a", {"b": [{"id": 1, "x": 1}, {"id": 2}, 3], "c": {"d": {"id": 5}}}),
        ("b.*.id", {"a": 0, "b": [{"x": 1}, {}, 3], "c": {"d": {"id": 5}}}),
        ("b.1.id", {"a": 0, "b": [{"id": 1, "x": 1}, {}, 3], "c": {"d": {"id": 5}}}),
        ("b.0.*", {"a": 0, "b": [{}, {"id": 2}, 3], "c": {"d": {"id": 5}}}),
        ("b.*", {"a": 0, "b": [], "c": {"d": {"id": 5}}}),
        ("*.*.id", {"a": 0, "b": [{"x": 1}, {}, 3], "c": {"d": {}}}),
        ("c.d", {"a": 0, "b": [{"id": 1, "x": 1}, {"id": 2}, 3], "c": {}}),
        ("id", {"a": 0, "b": [{"id": 1, "x": 1}, {"id": 2}, 3], "c": {"d": {"id": 5}}}),
        ("a.b.c.d.e", {"a": 0, "b": [{"id": 1, "x": 1}, {"id": 2}, 3], "c": {"d": {"id": 5}}}),
        ("", {"a": 0, "b": [{"id": 1, "x": 1}, {"id": 2}, 3], "c": {"d": {"id": 5}}}),
    ],
)
def test_a_field_rule_takes_out_what_it_names_and_nothing_else(rule: str, left: dict[str, Any]) -> None:
    body = {"a": 0, "b": [{"id": 1, "x": 1}, {"id": 2}, 3], "c": {"d": {"id": 5}}}
    assert asked(body, rule).body == left


def test_several_rules_work_together() -> None:
    found = asked({"a": 1, "b": {"c": 2, "d": "at 2026-11-02"}}, "a", "b.c", r"/\d{4}-\d\d-\d\d/")
    assert found.body == {"b": {"d": "at [ignored]"}}


def test_a_name_in_the_query_can_be_ignored() -> None:
    one, other = (asked({}, "query.ts", url=f"{URL}?ts={ts}&a=1") for ts in (1, 2))
    assert one == other
    assert one.query == "a=1"


def test_ignored_text_is_ignored_in_values_names_paths_and_queries() -> None:
    one, other = (
        asked({f"n{n}": [f"run {n} of"]}, r"/\d+/", url=f"http://h/v1/runs/{n}?q=x{n}") for n in (17, 4)
    )
    assert one == other
    assert (one.path, one.query) == ("/v[ignored]/runs/[ignored]", "q=x[ignored]")
    assert one.body == {"n[ignored]": ["run [ignored] of"]}


def test_ignored_text_of_an_answer_is_kept_since_the_agent_acts_upon_it() -> None:
    rules = canonical(r"/\d+/")
    kept = rules.exchange(rules.asked(request({"a": "1"})), response({"id": "call 17"}))
    assert kept.response == {"id": "call 17"}


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("/(/", r"http_ignore '/\(/': not a regular expression"),
        (r"/\d*/", r"http_ignore '/\\\\d\*/': matches nothing at all"),
        (
            "messages.0",
            r"http_ignore 'messages.0': an item of a list cannot be left out[\s\S]*messages.0.content",
        ),
    ],
)
def test_a_rule_that_cannot_work_is_an_error(rule: str, why: str) -> None:
    with pytest.raises(UsageProblem, match=why):
        canonical(rule)


@pytest.mark.parametrize("name", ["prompt_cache_key", "store", "stream_options"])
def test_hints_to_a_provider_never_count(name: str) -> None:
    assert asked({"a": 1, name: {"x": 1}}) == asked({"a": 1})


RULES = (
    "trace",
    "deep.*.id",
    "deep.1.x",
    "gone.*",
    "query.ts",
    r"/\w+/",
    r"/\b[a-z]{7}\b/",
    "/[0-9a-f]{4,}/",
    r"/\[/",
)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("late", [False, True], ids=["as recorded", "added later"])
def test_a_recording_is_found_again_by_a_rule_it_was_made_with_and_by_one_that_came_later(
    rule: str, late: bool
) -> None:
    body = {
        "trace": 1,
        "deep": [{"id": 1, "x": [1]}, {"id": 2, "x": [2]}, "deadbeef ignored"],
        "gone": [1, 2],
        "text": "ignored [ignored] [redacted:bearer] words 2026-11-02",
    }
    sent = request(body, url=f"{URL}?ts=1&q=some+words")
    recording = canonical() if late else canonical(rule)
    kept = from_file(recording.exchange(recording.asked(sent), response({})))
    replaying = canonical(rule)
    assert key(replaying.compared(kept)) == replaying.asked(sent).key


# --- secrets ---------------------------------------------------------------------------------------------------------


def planted_header(rules: Canonical, name: str) -> Exchange:
    return rules.exchange(
        rules.asked(request({"text": f"the key is {SECRET}"}, {name: SECRET})),
        response({"echo": [f"<{SECRET}>"]}),
    )


@pytest.mark.parametrize(
    "name", ["Authorization", "x-api-key", "api-key", "X-Goog-Api-Key", "Proxy-Authorization", "x-secret"]
)
def test_a_key_in_a_header_is_a_secret_wherever_it_turns_up(name: str) -> None:
    kept = planted_header(canonical(), name)
    assert SECRET not in written(kept)
    assert kept.request == {"text": "the key is [redacted:value]"}
    assert kept.response == {"echo": ["<[redacted:value]>"]}


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "Key"])
def test_the_scheme_before_a_key_is_none(scheme: str) -> None:
    found = asked({"text": f"{scheme} and {SECRET}"}, headers={"authorization": f"{scheme} {SECRET}"})
    assert found.body == {"text": f"{scheme} and [redacted:value]"}


def test_a_cookies_value_is_a_secret_without_its_name() -> None:
    found = asked({"text": f"it was {SECRET}"}, headers={"Cookie": f"lang=en; session={SECRET}; x=1"})
    assert found.body == {"text": "it was [redacted:value]"}


def test_an_idempotency_key_is_no_secret() -> None:
    assert asked({"a": "1234567890"}, headers={"Idempotency-Key": "1234567890"}).body == {"a": "1234567890"}


@pytest.mark.parametrize(
    "name",
    ["key", "api_key", "apiKey", "token", "sig", "X-Amz-Signature", "X-Amz-Credential", "access_token"],
)
def test_a_key_in_the_query_is_a_secret(name: str) -> None:
    found = asked({"text": f"see {SECRET}"}, url=f"{URL}?{name}={quote(SECRET)}&page=2")
    assert SECRET not in repr(found)
    assert "page=2" in found.query
    assert found.body == {"text": "see [redacted:value]"}


def test_a_secret_as_a_name_in_the_query_or_a_part_of_the_path_is_taken_out() -> None:
    rules = canonical()
    rules.asked(request({}, {"x-api-key": SECRET}))
    found = rules.asked(request({}, url=f"http://h/v1/{SECRET}/x?{SECRET}&{SECRET}=1&a={SECRET}"))
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "OPENAI-API-KEY", "client_secret", "my_password", "access_token", "private_key"],
)
def test_a_field_with_a_secrets_name_is_one(name: str) -> None:
    for body in (
        {name: SECRET, "text": f"see {SECRET}"},
        {"deep": [{name: SECRET}], "text": f"see {SECRET}"},
    ):
        found = asked(body)
        assert SECRET not in repr(found)
        assert found.body["text"] == "see [redacted:value]"


def test_a_list_in_a_field_with_a_secrets_name_is_secret() -> None:
    found = asked({"api_key": [SECRET, "short"], "text": f"see {SECRET}"})
    assert found.body == {"api_key": ["[redacted:value]", "[redacted:value]"], "text": "see [redacted:value]"}


@pytest.mark.parametrize(
    "name", ["max_tokens", "key", "token", "keyword", "tokens", "author", "secretary", "passwords_changed"]
)
def test_a_field_with_an_innocent_name_is_kept(name: str) -> None:
    assert asked({name: "something long"}).body == {name: "something long"}


def test_a_tools_schema_is_kept_as_it_is() -> None:
    schema = {
        "properties": {"password": {"type": "string"}, "api_key": {"type": "string"}},
        "required": ["password"],
    }
    assert asked({"tools": [schema]}).body == {"tools": [schema]}


def test_an_answers_call_with_a_password_is_kept_and_its_tokens_are_not() -> None:
    rules = canonical()
    answer = {"input": {"password": "hunter2-hunter2"}, "access_token": "abc", "refresh_token": "def"}
    kept = rules.exchange(rules.asked(request({})), response(answer))
    assert kept.response == answer | {"access_token": "[redacted:value]", "refresh_token": "[redacted:value]"}


def test_a_key_of_the_environment_is_a_secret() -> None:
    rules = canonical(redactor=Redactor(environ={"SOME_API_KEY": SECRET}))
    kept = rules.exchange(
        rules.asked(request({"text": SECRET}, url=f"{URL}?a={SECRET}")),
        response({SECRET: SECRET}, location=f"/x/{SECRET}"),
    )
    assert SECRET not in written(kept)
    assert kept.headers["location"] == "/x/[redacted:value]"


def test_a_short_value_is_taken_from_its_place_and_not_from_all_text() -> None:
    found = asked(
        {"password": "cat", "text": "a cat"},
        headers={"authorization": "Bearer none"},
        url=f"{URL}?key=on&a=on",
    )
    assert found.body == {"password": "[redacted:value]", "text": "a cat"}
    assert found.query == "a=on&key=[redacted:value]"


@pytest.mark.parametrize(
    "form", [f"client_secret={SECRET}&grant_type=x", f"grant_type=x&client_secret={quote(SECRET)}"]
)
def test_a_forms_fields_are_fields(form: str) -> None:
    rules = canonical()
    found = rules.asked(request(form.encode(), {"content-type": "application/x-www-form-urlencoded"}))
    assert SECRET not in repr(found)
    assert "grant_type" in repr(found.body)
    assert rules.asked(request({"text": SECRET})).body == {"text": "[redacted:value]"}


def test_what_is_redacted_is_never_learned_as_a_secret() -> None:
    redactor = Redactor(environ={})
    rules = canonical(redactor=redactor)
    mark = "[redacted:bearer]"
    body = {"api_key": mark, "text": f"it says {mark}"}
    headers = {"authorization": f"Bearer {mark}", "x-api-key": mark, "cookie": f"session={mark}"}
    found = rules.asked(request(body, headers, f"{URL}?key={quote(mark)}"))
    assert redactor.learned == 0
    assert found.body["text"] == f"it says {mark}"


@pytest.mark.parametrize("placeholder", ["redacted", "[redacted", "[ignored]", "[redacted:value]"])
def test_a_placeholder_for_a_key_that_is_like_a_mark_leaves_marks_alone(placeholder: str) -> None:
    body = {"text": "was [redacted:api-key] and [ignored]"}
    assert asked(body, headers={"x-api-key": placeholder}).body == body


def test_a_secret_that_another_trial_learned_is_one_here_too() -> None:
    redactor = Redactor(environ={})
    one, other = canonical(redactor=redactor), canonical(redactor=redactor)
    body = {"text": f"see {SECRET}"}
    assert one.asked(request(body)).body == body
    other.asked(request({}, {"x-api-key": SECRET}))
    assert one.asked(request(body)).body == {"text": "see [redacted:value]"}


# --- record and replay are the same ----------------------------------------------------------------------------------

secretive = st.sampled_from(
    [SECRET, "sk-abcdefghijklmnopqrst", "Bearer abcdef123456", "a b", "2026-11-02", "[ignored]", "é\n"]
)
mixed = st.lists(secretive | texts, max_size=3).map(" ".join)
tellings = st.dictionaries(
    st.sampled_from(["text", "api_key", "password", "access_token", "m", SECRET]), mixed, max_size=4
)


@calm
@given(tellings, tellings, mixed, st.booleans())
def test_cleaning_what_is_clean_changes_nothing_and_the_replay_asks_for_the_same(
    body: dict[str, str], answer: dict[str, str], query: str, late: bool
) -> None:
    ignore = (r"/\b[a-z]{7}\b|\d{4}-\d\d/",)
    recording = canonical(*ignore)
    sent = request(body, {} if late else {"x-api-key": SECRET}, f"{URL}?q={quote(query)}")
    kept = recording.exchange(recording.asked(sent), response(answer, location=query.replace("\n", " ")))
    recording.asked(request({}, {"x-api-key": SECRET}))
    kept = recording.again(kept)
    assert recording.again(kept) == kept
    assert SECRET not in written(kept)
    replaying = canonical(*ignore)
    replaying.asked(request({}, {"x-api-key": SECRET}))
    replaying.asked(sent)
    assert replaying.asked(sent).key == key(replaying.compared(from_file(kept)))


def test_a_secret_that_is_learned_late_goes_from_headers_too() -> None:
    rules = canonical()
    kept = rules.exchange(rules.asked(request({})), response({}, location=f"/files/{SECRET}"))
    rules.asked(request({}, {"x-api-key": SECRET}))
    assert SECRET not in written(rules.again(kept))


def test_what_is_ignored_is_ignored_once() -> None:
    rules = canonical(r"/\w+/")
    kept = rules.exchange(rules.asked(request({"m": "hello there"}, url=f"{URL}?a=b")), response({}))
    assert rules.again(kept) == kept
