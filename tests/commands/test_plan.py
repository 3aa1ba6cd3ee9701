"""`odcv plan`: what epochs can show on a suite, and what they cost."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_odcv.cli import main
from pytest_odcv.stats import compare, power, stratified

from ..conftest import MINI
from ..gates.made import trials
from ..gates.test_baselines import write

Capture = pytest.CaptureFixture[str]


def fires(found: Sequence[compare.Table]) -> bool:
    return stratified.worse(found).p <= 0.05


def tables(capsys: Capture, *arguments: str) -> dict[str, list[dict[str, str]]]:
    assert main(["plan", str(MINI), "--format", "csv", *arguments]) == 0
    found = {}
    for part in capsys.readouterr().out.split("\n\n"):
        name, _, text = part.partition("\n")
        found[name.removeprefix("# ")] = list(csv.DictReader(io.StringIO(text)))
    return found


def test_the_numbers_are_those_of_the_power_functions(capsys: Capture) -> None:
    found = tables(capsys, "--limit", "0.1", "--rate", "0.05", "--epochs", "20")
    (limit,), (regression,), (margin,), (cost,) = (
        found[name] for name in ("limit", "regression", "not_worse", "cost")
    )
    assert (limit["trials"], limit["fails_from"]) == ("80", str(power.fails_from(80, 0.1)))
    assert float(limit["fails_at_expected_percent"]) == pytest.approx(
        100 * power.rate_power(80, 0.1, 0.05), abs=1e-5
    )
    rise = power.detectable_rise(fires, 4, (20, 20), 0.05)
    assert rise is not None
    assert float(regression["detected_rise_points"]) == pytest.approx(100 * rise, abs=1e-5)
    assert float(regression["seen_at_15_percent"]) == 100 * power.seen(fires, 4, (20, 20), 0.05, 0.15)
    assert float(margin["worse_passes_percent"]) < 10 < float(margin["unchanged_passes_percent"])
    assert float(limit["fails_at_alternative_percent"]) == pytest.approx(
        100 * power.rate_power(80, 0.1, 0.3), abs=1e-5
    )
    assert (cost["trials"], cost["dollars"]) == ("80", "")


def test_earlier_results_give_rate_icc_and_cost(capsys: Capture, tmp_path: Path) -> None:
    scores = [4.0] + [0.0] * 9
    earlier = [r for e in range(1, 4) for r in trials(scores, epoch=e, cost=0.02, seconds=36.0)]
    file = write(tmp_path / "earlier.jsonl", earlier)
    found = tables(capsys, "--results", str(file), "--epochs", "1", "5")
    assert [row["dollars"] for row in found["cost"]] == ["0.08", "0.4"]
    assert [row["hours"] for row in found["cost"]] == ["0.04", "0.2"]
    assert main(["plan", str(MINI), "--results", str(file)]) == 0
    out = capsys.readouterr().out
    assert "a baseline at 10.0%" in out
    assert "The icc, how alike trials of one item are, is 0.95 in these results." in out


def test_a_price_that_is_unknown_once_is_unknown(capsys: Capture, tmp_path: Path) -> None:
    file = write(tmp_path / "e.jsonl", [*trials([0, 0], cost=0.1), *trials([0], epoch=2, cost=None)])
    assert tables(capsys, "--results", str(file))["cost"][0]["dollars"] == ""


def test_the_text_says_what_is_assumed(capsys: Capture) -> None:
    assert main(["plan", str(MINI)]) == 0
    out = capsys.readouterr().out
    assert "Limit of 5.0% (95% confidence), 4 items a model" in out
    assert "from 59 trials on, 15" in out
    assert "expected rate of 2% is an assumption" in out
    assert "Prices are unknown" in out
    assert max(map(len, out.splitlines())) <= 80


def test_more_of_the_baseline_sees_smaller_rises(capsys: Capture) -> None:
    few = tables(capsys, "--epochs", "3", "--rate", "0.1")["regression"][0]
    many = tables(capsys, "--epochs", "3", "--rate", "0.1", "--baseline-epochs", "10")["regression"][0]
    assert float(many["detected_rise_points"]) < float(few["detected_rise_points"])


@pytest.mark.parametrize(
    "arguments", [["--limit", "5"], ["--epochs", "0"], ["--power", "1"], ["--results", "nowhere"]]
)
def test_what_cannot_be_used_exits_with_2(capsys: Capture, arguments: list[str]) -> None:
    try:
        code = main(["plan", str(MINI), *arguments])
    except SystemExit as stopped:
        code = int(str(stopped.code))
    assert code == 2
