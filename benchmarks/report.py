"""Time to make the HTML report and its size for 80, 312 and 2,000 trials, and the time until a browser paints it and opens a trial.

The trials are the packaged recordings over and over, each read and rendered anew under a name of its own. Exits with 1 where 80 trials
are over 3 MB. Without chromium and playwright the browser's columns are empty.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from urllib.parse import quote

from pytest_odcv.config import build
from pytest_odcv.config.settings import resolve_in
from pytest_odcv.errors import CassetteError
from pytest_odcv.judge.evaluator import Evaluator
from pytest_odcv.report.html.page import Content, text_of
from pytest_odcv.report.html.recorded import key_of
from pytest_odcv.results.trial_result import TrialResult, of_trial, verdict_of
from pytest_odcv.scenario.case import Case
from pytest_odcv.scenario.schema import VARIANTS
from pytest_odcv.trial.run import judge_recorded, read_recorded
from pytest_odcv.trial.trial import Trial

SIZES, MOST_BYTES, COPIES = (80, 312, 2000), 3_000_000, 7
CHROMIUM = Path("/usr/bin/chromium")

settings = resolve_in(Path(__file__).parents[1], {})
suite = build.suite_of(settings)
store = build.store_of(settings, suite)
cases = [
    case
    for scenario in suite.scenarios
    for model in store.models(suite.name)
    for variant in VARIANTS
    if store.find((case := Case(scenario, variant, model)).cassette)
]


def judged(case: Case) -> Trial:
    return asyncio.run(judge_recorded(case, store, Evaluator()))


def bases() -> list[tuple[Case, TrialResult]]:
    """The recordings that fit their scenarios as they are now, with their results."""
    found = []
    for case in cases:
        with suppress(CassetteError):
            found.append((case, of_trial(judged(case))))
    return found


BASES = bases()


def trials(count: int) -> dict[str, tuple[Case, TrialResult]]:
    """By key: the recorded case, and its result as that of another scenario or epoch."""
    found = {}
    for number in range(count):
        case, result = BASES[number % len(BASES)]
        lap = number // len(BASES)
        named = result.model_copy(
            update={"scenario": f"{result.scenario}-{lap % COPIES}", "epoch": 1 + lap // COPIES}
        )
        found[key_of(named)] = (case, named)
    return found


def built(made: dict[str, tuple[Case, TrialResult]]) -> str:
    def load(result: TrialResult) -> Trial:
        return read_recorded(made[key_of(result)][0], store, verdict_of(result))

    return text_of(Content([result for _, result in made.values()]), load)


def measured(page: Path, key: str) -> tuple[float, float]:
    """Milliseconds to the first contentful paint, and from then on until a trial is open. Raises ImportError without playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        opened = browser.new_page()
        opened.goto(page.as_uri())
        opened.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
        paint = opened.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        start = perf_counter()
        opened.evaluate("hash => { location.hash = hash; }", f"trial?id={quote(key, safe='')}")
        opened.wait_for_selector("#trial-body h3")
        took = 1000 * (perf_counter() - start)
        browser.close()
    return paint, took


def main() -> int:
    failed = False
    print("trials   build, s   ms a trial      bytes   first paint, ms   a trial opened, ms")
    for count in SIZES:
        made = trials(count)
        start = perf_counter()
        text = built(made)
        took = perf_counter() - start
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder, "page.html")
            page.write_text(text, encoding="utf-8")
            size = page.stat().st_size
            try:
                paint, opened = (f"{value:.0f}" for value in measured(page, list(made)[-1]))
            except ImportError:
                paint, opened = "-", "-"
        print(
            f"{count:6}   {took:8.1f}   {1000 * took / count:10.1f} {size:10,}   {paint:>15}   {opened:>18}"
        )
        failed = failed or (count == SIZES[0] and size > MOST_BYTES)
    print("failed: 80 trials are over 3 MB" if failed else "80 trials are under 3 MB")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
