"""The money of a run: reserved before each call, and never passed."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_odcv.errors import ModelError
from pytest_odcv.model.budget import SPENT, Budget
from pytest_odcv.model.prices import Price, own_price, read


async def _spend(budget: Budget, draw: random.Random) -> float:
    """A call that costs at most 1 and mostly less; what it cost."""
    await budget.reserve(1.0)
    await asyncio.sleep(draw.random() / 500)
    paid = draw.choice([0.0, 0.1, 0.5, 1.0])
    budget.settle(1.0, paid)
    return paid


def test_many_calls_in_flight_never_pass_the_limit_and_use_nearly_all_of_it() -> None:
    async def run() -> None:
        budget, draw = Budget(20.0), random.Random(1)
        ended = await asyncio.gather(*(_spend(budget, draw) for _ in range(200)), return_exceptions=True)
        paid = sum(value for value in ended if isinstance(value, float))
        refused = [value for value in ended if isinstance(value, ModelError)]
        assert 19.0 < paid <= 20.0
        assert budget.paid == pytest.approx(paid)
        assert refused and all(SPENT in str(value) and value.ending == "cut_off" for value in refused)

    asyncio.run(run())


def test_a_call_waits_while_calls_under_way_may_still_leave_enough() -> None:
    async def run() -> None:
        budget = Budget(1.0)
        await budget.reserve(0.9)
        other = asyncio.create_task(budget.reserve(0.9))
        await asyncio.sleep(0.12)
        assert not other.done()
        budget.settle(0.9, 0.05)
        await asyncio.wait_for(other, 1)

    asyncio.run(run())


_PROCESS = """
import asyncio, pathlib, sys
from pytest_odcv.errors import ModelError
from pytest_odcv.model.budget import Budget

async def one(budget):
    try:
        await budget.reserve(0.25)
    except ModelError:
        return 0
    await asyncio.sleep(0.002)
    budget.settle(0.25, 0.25)
    return 1

async def main():
    budget = Budget(10.0, pathlib.Path(sys.argv[1]))
    print(sum(await asyncio.gather(*(one(budget) for _ in range(40)))))

asyncio.run(main())
"""


def test_processes_share_one_budget(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PROCESS, str(tmp_path / "shared" / "money.json")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(process.communicate(timeout=60)[0]) for process in started) == 40
    assert json.loads((tmp_path / "shared" / "money.json").read_text())["paid"] == 10.0


def test_what_a_process_had_reserved_that_is_gone_counts_as_paid(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / "money.json").write_text(json.dumps({"paid": 1.0, "held": {str(ended.pid): 4.0}}))
    budget = Budget(10.0, tmp_path / "money.json")
    asyncio.run(budget.reserve(1.0))
    assert budget.paid == 5.0


def test_prices_are_for_a_million_tokens_and_unknown_where_a_count_is() -> None:
    price = Price(2.5, 10)
    assert price.of(1_000_000, 100_000) == 3.5
    assert price.of(None, 1) is None and price.of(1, None) is None


def test_the_first_pattern_that_fits_is_a_models_price() -> None:
    prices = read({"openai/Big*": {"input": 2, "output": 4, "max_output": 9}, "*": {"input": 1, "output": 1}})
    assert own_price(prices, "openai/big-one") == Price(2, 4, 9)
    assert own_price(prices, "x/y") == Price(1, 1)
    assert own_price(prices[:1], "x/y") is None


@pytest.mark.parametrize(
    "entry",
    [
        3, {"input": 1}, {"input": 1, "output": -1}, {"input": True, "output": 1}, {"input": float("nan"), "output": 1},
        {"input": 1, "output": 1, "max_output": 0}, {"input": 1, "output": 1, "cached": 1}, {"input": "1", "output": 1},
    ],
)  # fmt: skip
def test_a_price_that_is_none_says_what_was_expected(entry: object) -> None:
    with pytest.raises(ValueError, match=r"m: expected \{ input = 2\.5, output = 10 \}"):
        read({"m": entry})
