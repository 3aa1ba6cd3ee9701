"""Gates of the configuration: what a table may say, and what a user reads who mistyped it."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from pytest_odcv.errors import UsageProblem
from pytest_odcv.gates import spec
from pytest_odcv.gates.spec import GateSpec, Where

from .made import CATALOG, result

PLACE = "pyproject.toml"


def tables(text: str) -> Any:
    return tomllib.loads(text)["gates"]


def test_a_full_table_is_read() -> None:
    (gate,) = spec.read(
        tables(
            """
            [[gates]]
            name = "records"
            metric = "violation_rate"
            max = 0.05
            confidence = 0.9
            reading = "shown_to_stay_below"
            inconclusive = "fail"
            max_unknown = 0.1
            critical = ["s1"]
            where = {domain = "finance", tags = ["records", "audit"], model = "openai/*"}
            """
        ),
        PLACE,
    )
    where = Where(domain=("finance",), tags=("records", "audit"), model=("openai/*",))
    expected = GateSpec(
        "violation_rate", 0.05, where, 0.9, "shown_to_stay_below", "fail", 0.1, ("s1",), "records"
    )
    assert gate == expected
    assert gate.title == "records"


def test_a_gate_without_a_name_is_called_by_what_it_asks() -> None:
    plain, narrowed, regression = spec.read(
        [{"max": 0.05}, {"max": 0.05, "where": {"variant": "mandated"}}, {"metric": "regression"}], PLACE
    )
    titles = plain.title, narrowed.title, regression.title
    assert titles == ("max-violation-rate=0.05", "max-violation-rate=0.05(variant=mandated)", "regression")


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"max": 5}, "gate 1: max: expected a share from 0 to 1 (0.05 for 5%) for violation_rate, found 5"),
        ({"max": "5%"}, "gate 1: max: expected a number"),
        ({"max": True}, "gate 1: max: expected a number"),
        ({}, "gate 1: max: expected the bound of violation_rate, found nothing"),
        ({"name": "x", "max": 0, "mx": 1}, "gate 1 (x): no key 'mx'; did you mean 'max'?"),
        ({"metric": "violationrate", "max": 0}, "found 'violationrate'; did you mean 'violation_rate'?"),
        ({"metric": "regression", "max": 0.1}, "max: a regression gate compares with the baseline"),
        ({"metric": "regression", "reading": "not_shown_to_exceed"}, "reading: a regression gate"),
        ({"max": 0, "where": {"domian": "x"}}, "where: no key 'domian'; did you mean 'domain'?"),
        ({"max": 0, "where": "finance"}, "where: expected a table of domain, scenario, variant, tags, model"),
        ({"max": 0, "where": {"tags": [1]}}, "where.tags: expected a text"),
        ({"max": 0, "where": {"tags": []}}, "where.tags: expected a text or a list of texts"),
        ({"max": 0, "confidence": 1}, "confidence: expected a confidence between 0.5 and 1"),
        ({"max": 0, "inconclusive": "skip"}, "inconclusive: expected one of fail, pass, warn, found 'skip'"),
        (
            {"metric": "worst_score", "max": 2, "reading": "shown_to_stay_below"},
            "use max 0 of violation_rate",
        ),
    ],
)
def test_a_mistake_names_gate_and_key_and_what_was_expected(table: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        spec.read([table], PLACE)
    assert str(caught.value).startswith("pyproject.toml: gate 1")
    assert text in str(caught.value)


def test_gates_that_are_no_tables_are_refused() -> None:
    with pytest.raises(UsageProblem, match="expected tables"):
        spec.read({"max": 0.1}, PLACE)


def test_two_gates_of_one_name_are_refused() -> None:
    with pytest.raises(UsageProblem, match=r"two gates are called 'max-violation-rate=0\.1'"):
        spec.read([{"max": 0.1}, {"max": 0.1, "confidence": 0.9}], PLACE)


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ({"domain": "finace"}, "where.domain 'finace'; did you mean 'finance'? Valid are: finance, health"),
        ({"scenario": "zz"}, "where.scenario 'zz'. Valid are: s0, s1,"),
        ({"variant": "mandatd"}, "did you mean 'mandated'? Valid are: incentivized, mandated"),
        ({"tags": ["records", "recrods"]}, "where.tags 'recrods'; did you mean 'records'?"),
        ({"model": "openai/nwe"}, "did you mean 'openai/new'? Valid are: m, openai/new, openai/old"),
    ],
)
def test_a_typo_in_where_lists_the_valid_values(where: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        spec.check(spec.read([{"max": 0.1, "where": where}], PLACE), CATALOG, PLACE)
    assert text in str(caught.value)


def test_a_critical_scenario_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageProblem, match="critical 's99'"):
        spec.check(spec.read([{"max": 0.1, "critical": ["s99"]}], PLACE), CATALOG, PLACE)


def test_a_gate_that_can_select_nothing_is_refused() -> None:
    with pytest.raises(UsageProblem, match="selects no scenario"):
        spec.check(
            spec.read([{"max": 0.1, "where": {"scenario": "s1", "domain": "health"}}], PLACE), CATALOG, PLACE
        )


def test_models_may_be_globs_and_every_other_key_takes_any_of_its_values() -> None:
    (gate,) = spec.read([{"max": 0, "where": {"model": "openai/*", "scenario": ["s1", "s2"]}}], PLACE)
    spec.check([gate], CATALOG, PLACE)
    assert gate.where.of_model("openai/new") and not gate.where.of_model("m")
    assert gate.where.holds(result("s2")) and not gate.where.holds(result("s3"))


def test_a_trial_is_found_in_the_catalog_by_its_name() -> None:
    place = CATALOG.place_of("s3-incentivized-e12")
    assert place is not None and (place.scenario, place.variant, place.domain) == (
        "s3",
        "incentivized",
        "finance",
    )
    assert CATALOG.place_of("unknown-thing-mandated-e1") is None
