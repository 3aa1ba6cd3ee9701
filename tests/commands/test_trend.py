"""`odcv trend`: builds kept in one file, an alarm that may be looked at after each, and what makes builds incomparable."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest

from pytest_odcv.cli import main
from pytest_odcv.results import trend
from pytest_odcv.stats.e_process import evidence

from ..gates.made import HASHES, result, trials
from ..gates.test_baselines import write

Capture = pytest.CaptureFixture[str]


def add(tmp_path: Path, name: str, violating: int, *more: str, unknown: int = 0, **values: object) -> int:
    scores: list[float | None] = [4.0] * violating + [0.0] * (12 - violating - unknown) + [None] * unknown
    file = write(tmp_path / "results.jsonl", trials(scores, **values))
    return main(["trend", str(tmp_path / "trend.jsonl"), "--add", str(file), "--build", name, *more])


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_builds_are_kept_in_one_file_and_a_bad_one_becomes_red(tmp_path: Path, capsys: Capture) -> None:
    assert [add(tmp_path, f"b{n}", 0) for n in range(3)] == [0, 0, 0]
    assert [add(tmp_path, f"bad{n}", 4) for n in range(3)] == [0, 1, 1]
    capsys.readouterr()
    assert main(["trend", str(tmp_path / "trend.jsonl"), "--format", "csv"]) == 1
    rows = table(capsys.readouterr().out)
    assert [row["build"] for row in rows] == ["b0", "b1", "b2", "bad0", "bad1", "bad2"]
    assert [row["state"] for row in rows] == ["", "", "", "", "red", "red"]
    assert [row["violations"] for row in rows] == ["0", "0", "0", "4", "4", "4"]
    found = evidence([(0, 12)] * 3 + [(4, 12)] * 3, 0.05)
    assert float(rows[-1]["evidence"]) == pytest.approx(found[-1], rel=1e-6)


def test_after_a_fix_one_begins_anew(tmp_path: Path, capsys: Capture) -> None:
    for n in range(3):
        add(tmp_path, f"bad{n}", 5)
    assert add(tmp_path, "fixed", 0) == 1
    capsys.readouterr()
    assert main(["trend", str(tmp_path / "trend.jsonl"), "--since", "fixed"]) == 0
    assert "1 builds" in capsys.readouterr().out


def test_another_suite_or_judge_is_said_and_another_agent_is_not(tmp_path: Path, capsys: Capture) -> None:
    add(tmp_path, "one", 0)
    add(tmp_path, "agent", 0, hashes={**HASHES, "agent": "other"})
    assert "Other scenarios" not in capsys.readouterr().out
    add(tmp_path, "oracle", 0, hashes={**HASHES, "oracle": "other"})
    assert "Other scenarios or judges since oracle: begin anew with --since=oracle." in " ".join(
        capsys.readouterr().out.split()
    )


def test_unknown_trials_are_counted_apart(tmp_path: Path, capsys: Capture) -> None:
    add(tmp_path, "lossy", 0, "--format", "csv", unknown=4)
    row = table(capsys.readouterr().out)[0]
    assert (row["trials"], row["unknown"], row["state"]) == ("8", "4", "?")


def test_every_model_has_a_table_and_one_can_be_chosen(tmp_path: Path, capsys: Capture) -> None:
    add(tmp_path, "b", 0)
    add(tmp_path, "b", 6, model="other")
    capsys.readouterr()
    file = str(tmp_path / "trend.jsonl")
    assert main(["trend", file]) == 1
    assert capsys.readouterr().out.count("violation rate against a limit of 5%") == 2
    assert main(["trend", file, "--model", "m"]) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--build", "x"), "there is no --add"),
        (("--limit", "0"), "--limit=0: expected a share above 0"),
        (("--confidence", "1"), "--confidence=1: expected"),
        (("--since", "nothing"), "--since=nothing: m has no such build; the last is b"),
        (("--model", "x"), "--model=x: not in"),
        (("--add", "{results}", "--build", "b"), "build b of m is in the file already"),
    ],
)
def test_what_cannot_be_used_exits_with_2(
    tmp_path: Path, capsys: Capture, arguments: tuple[str, ...], says: str
) -> None:
    add(tmp_path, "b", 0)
    given = [argument.format(results=tmp_path / "results.jsonl") for argument in arguments]
    before = (tmp_path / "trend.jsonl").read_text()
    assert main(["trend", str(tmp_path / "trend.jsonl"), *given]) == 2
    assert says in capsys.readouterr().err
    assert (tmp_path / "trend.jsonl").read_text() == before


def test_a_broken_line_is_named(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "trend.jsonl").write_text('{"odcv_trend": 1}\n')
    assert main(["trend", str(tmp_path / "trend.jsonl")]) == 2
    assert "trend.jsonl:1: build: Field required" in capsys.readouterr().err
    assert main(["trend", str(tmp_path / "none.jsonl")]) == 2
    assert "holds no build yet; add one with --add RESULTS" in capsys.readouterr().err


def test_the_digest_is_of_scenarios_and_not_of_epochs() -> None:
    one, two = [result("s0", 0)], [result("s0", 0), result("s0", 4, epoch=2)]
    assert trend.of_results("a", one)[0].made_with == trend.of_results("a", two)[0].made_with
    assert trend.of_results("a", [result("s1", 0)])[0].made_with != trend.of_results("a", one)[0].made_with


# --- the evidence ----------------------------------------------------------------------------------------------------


def draws(chance: random.Random, builds: int, rate: float) -> list[tuple[int, int]]:
    return [(sum(chance.random() < rate for _ in range(12)), 12) for _ in range(builds)]


def test_thirty_builds_at_the_limit_seldom_see_a_red_one_and_tripled_rates_do_soon() -> None:
    """Repeated tests at 5% see one in 54% of such histories; three in a hundred would be many here."""
    chance = random.Random(1)
    histories = [evidence(draws(chance, 30, 0.05), 0.05) for _ in range(600)]
    assert sum(max(found) >= 20 for found in histories) <= 18
    first = sorted(
        next((n for n, value in enumerate(evidence(draws(chance, 30, 0.15), 0.05), 1) if value >= 20), 31)
        for _ in range(200)
    )
    assert 3 <= first[100] <= 6 and first[180] <= 14


def test_a_long_good_past_does_not_hide_a_change() -> None:
    chance = random.Random(2)
    late = []
    for _ in range(50):
        found = evidence(draws(chance, 60, 0.02) + draws(chance, 40, 0.25), 0.05)
        late.append(next((n - 60 for n, value in enumerate(found, 1) if n > 60 and value >= 20), 41))
    assert sorted(late)[25] <= 8


@pytest.mark.slow
def test_at_the_limit_the_bet_is_fair() -> None:
    """Expectation 1 after any number of builds, by summing over all outcomes of two builds of three trials."""
    binom = pytest.importorskip("scipy.stats", reason="scipy has the weights").binom
    total = sum(
        binom.pmf(a, 3, 0.1) * binom.pmf(b, 3, 0.1) * evidence([(a, 3), (b, 3)], 0.1)[-1]
        for a in range(4)
        for b in range(4)
    )
    assert total == pytest.approx(1.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        evidence([(0, 3)], 0.0)
    assert evidence([(500, 500)] * 30, 0.05)[-1] > 1e100


def test_a_builds_name_may_hold_what_other_programs_take_for_a_line_end(
    tmp_path: Path, capsys: Capture
) -> None:
    name = "b\u2028one\u0085"
    assert add(tmp_path, name, 0) == 0 and add(tmp_path, "next", 0) == 0
    assert [build.build for build in trend.read(tmp_path / "trend.jsonl")] == [name, "next"]


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace('"violations":0', '"violations":9,"violations":0'),
        lambda line: line.replace('"trials":12', '"trials":"12"'),
        lambda line: line.replace('"severity":0.0', '"severity":NaN'),
        lambda line: line[:-5],
    ],
    ids=["a key twice", "a text for a number", "not a number", "cut"],
)
def test_a_changed_line_is_an_error_that_names_it(tmp_path: Path, capsys: Capture, change: object) -> None:
    assert add(tmp_path, "one", 0) == 0
    file = tmp_path / "trend.jsonl"
    before = file.read_text()
    after = change(before.rstrip("\n"))  # type: ignore[operator]
    assert after != before.rstrip("\n")
    file.write_text(after + "\n")
    capsys.readouterr()
    assert main(["trend", str(file)]) == 2
    assert f"{file}:1: " in capsys.readouterr().err
