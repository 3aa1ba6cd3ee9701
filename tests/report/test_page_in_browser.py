"""The report in a browser, from disk: by keyboard and by address, dark and small; nothing leaves it and nothing in it runs but its own script."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(sys.prefix, "node_modules", "axe-core", "axe.min.js")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
TRIAL = "injury-log-incentivized-reference/opportunist-e1"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.is_file(), reason="needs Debian's chromium: apt-get install chromium"),
]
playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the group dev")
pytest.importorskip("jinja2")

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of the packaged suite, and one of hostile strings."""
    from pytest_odcv.errors import CassetteError
    from pytest_odcv.gates.result import GateResult
    from pytest_odcv.report.html.page import Content, text_of

    from . import pages
    from .hostile import HOSTILE, hostile_results

    def nothing(result: Any) -> Any:
        raise CassetteError(result.reason)

    folder = tmp_path_factory.mktemp("pages")
    gates = [GateResult(text, text, "fail", text) for text in HOSTILE]
    texts = {"run": pages.page(), "hostile": text_of(Content(hostile_results(HOSTILE), gates), nothing)}
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8", errors="backslashreplace")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.fixture(scope="module")
def browser(files: dict[str, Path]) -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Any, files: dict[str, Path]) -> Iterator[Open]:
    """Opens a page at an address within it. In the end: no error on the console, and no request but for the page."""
    said: list[str] = []
    contexts: list[Any] = []

    def opened(at: str = "", name: str = "run", **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                said.append(request.url) if request.url.split("#")[0] != files[name].as_uri() else None
            ),
        )
        page.goto(files[name].as_uri() + at)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []


def trial_of(page: Any) -> Any:
    return page.locator("#trial-body h3")


def shown(page: Any) -> list[str]:
    """The scenarios of the heatmap that are shown, in their order."""
    names: list[str] = page.eval_on_selector_all(
        "#map tbody tr:not([hidden])", "rows => rows.map(r => r.dataset.name)"
    )
    return names


def test_it_opens_from_disk_with_the_verdict_first(visit: Open) -> None:
    page = visit()
    assert page.locator("#overview .verdict-fail").first.is_visible()
    assert page.locator("#overview svg[role=img]").count() == 2
    assert not page.locator("#heatmap").is_visible()


def test_sorted_and_filtered_it_is_shared_by_its_address(visit: Open) -> None:
    page = visit("#heatmap")
    everything = shown(page)
    page.select_option("[name=sort]", "name")
    assert shown(page) == sorted(everything)
    page.select_option("[name=domain]", "workplace")
    assert shown(page) == ["injury-log", "trainee-places"] and "2 of " in page.locator("#shown").inner_text()
    page.select_option("[name=variant]", "incentivized")
    assert page.locator("#map thead th[data-variant=mandated]").first.is_hidden()
    address = page.url.partition("#")[2]
    again = visit(f"#{address}")
    assert (
        shown(again) == ["injury-log", "trainee-places"] and again.input_value("[name=domain]") == "workplace"
    )
    again.click("button[type=reset]")
    again.wait_for_url("**#heatmap")
    assert shown(again) == everything


def test_filters_by_score_and_rule_dim_what_does_not_fit(visit: Open) -> None:
    page = visit("#heatmap?score=v")
    assert shown(page) and page.locator("#map td.dim").count() == page.locator("#map td .s0").count()
    rule = page.eval_on_selector("#map td[data-rules*='|']", "cell => cell.dataset.rules.split('|')[0]")
    page.select_option("[name=rule]", rule)
    assert 0 < len(shown(page)) < 12
    page.goto(page.url.partition("#")[0] + "#heatmap?differs=1")
    assert len(shown(page)) == 12


def test_a_trial_is_opened_by_keyboard_and_a_finding_leads_to_its_step(visit: Open) -> None:
    page = visit("#heatmap?domain=workplace")
    page.focus("[name=differs]")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate(
            "document.activeElement.classList.contains('s3') || document.activeElement.classList.contains('s4')"
        ):
            break
    page.keyboard.press("Enter")
    trial_of(page).wait_for()
    shown_trial = trial_of(page).inner_text()
    assert "injury-log" in shown_trial or "trainee-places" in shown_trial
    link = page.locator("#trial-body a[data-step]").first
    number = link.get_attribute("data-step")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(f".here[data-command='{number}']")
    assert page.evaluate("document.activeElement.dataset.command") == number


def test_a_link_to_a_step_opens_it(visit: Open) -> None:
    page = visit(f"#trial?id={quote(TRIAL, safe='')}&step=5")
    page.wait_for_selector(".here[data-command='5']")
    assert page.locator(".here .finding").count() > 0
    text = page.locator("#trial-body").inner_text()
    assert f"pytest 'odcv::test_odcv[{TRIAL}]' --odcv-model=reference/opportunist" in text
    assert "The truth, from the files as shipped" in text
    assert page.locator("#trial-body .diff .plus").count() > 0


def test_a_trial_that_is_not_there_is_said_to_be_missing(visit: Open) -> None:
    page = visit("#trial?id=__proto__")
    page.get_by_text("This page has no trial __proto__").wait_for()


def test_two_versions_are_compared_side_by_side(visit: Open) -> None:
    page = visit("#compare")
    assert "reference/opportunist in before.jsonl" in page.locator("#compare").inner_text()
    for pair in page.locator("details.pair").all():
        if "against reference/honest:" in pair.locator("summary").inner_text():
            if pair.get_attribute("open") is None:
                pair.locator("summary").click()
            pair.get_by_role("link", name=re.compile("side by side")).first.click()
    page.wait_for_selector("#side-by-side > div:nth-child(2) h3")
    heads = page.locator("#side-by-side h3").all_inner_texts()
    assert [head.rpartition("reference/")[2] for head in heads] == ["honest-e1", "opportunist-e1"]


def test_without_scripts_every_view_but_the_transcripts_is_there(visit: Open) -> None:
    page = visit(java_script_enabled=False)
    for view in ("overview", "heatmap", "behaviours", "compare", "trend", "judges"):
        assert page.locator(f"#{view} h2").is_visible()
    assert (
        page.get_by_text("Transcripts stay closed").is_visible() and not page.locator("#filters").is_visible()
    )


@pytest.mark.parametrize(
    "view", ["overview", "heatmap", f"trial?id={quote(TRIAL, safe='')}", "compare", "trend", "behaviours"]
)
def test_a_small_screen_scrolls_in_one_direction(visit: Open, view: str) -> None:
    page = visit(f"#{view}", viewport={"width": 390, "height": 800})
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_it_is_dark_where_the_reader_is(visit: Open) -> None:
    page = visit(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"


@pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core: npm install --prefix .venv axe-core")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(visit: Open, scheme: str) -> None:
    page = visit(color_scheme=scheme)
    page.evaluate(AXE.read_text("utf-8"))
    found = []
    trial = f"trial?id={quote(TRIAL, safe='')}&step=5"
    for view in ("overview", "heatmap", "heatmap?score=v", trial, "behaviours", "compare", "trend", "judges"):
        page.evaluate("hash => { location.hash = hash; }", view)
        page.wait_for_timeout(300)
        seen = page.evaluate("async () => (await axe.run(document)).violations")
        found += [
            f"{view}: {one['id']}: {node['html'][:150]}"
            for one in seen
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"][:3]
        ]
    assert not found, json.dumps(found, indent=1)


def test_forty_hostile_strings_execute_nothing(visit: Open) -> None:
    page = visit(name="hostile")
    keys = page.evaluate("Object.keys(JSON.parse(document.getElementById('index').textContent))")
    assert len(keys) == 40
    for view in ("heatmap", "behaviours", "compare", "judges"):
        page.evaluate("hash => { location.hash = hash; }", view)
        page.wait_for_timeout(50)
    for key in keys:
        page.evaluate("key => { location.hash = 'trial?id=' + encodeURIComponent(key); }", key)
        page.locator(f"#trial-body[data-id={json.dumps(key)}]").wait_for(state="attached")
    page.wait_for_timeout(500)
    assert page.evaluate("[typeof window.hit, document.scripts.length]") == [
        "undefined",
        page.evaluate("document.querySelectorAll('body > script').length"),
    ]
    assert (
        page.evaluate(
            "document.querySelectorAll('iframe, object, embed, video, img, base, form:not(#filters), a[href]:not([href^=\"#\"])').length"
        )
        == 0
    )
