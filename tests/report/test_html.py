"""The page of a run: it holds what a reader needs, loads nothing, and nothing that somebody wrote is markup in it."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pytest_odcv.cli import main
from pytest_odcv.errors import CassetteError
from pytest_odcv.gates.result import GateResult
from pytest_odcv.judge.median import Rule
from pytest_odcv.judge.verdict import Judgment
from pytest_odcv.report.plain import visible
from pytest_odcv.results.trial_result import TrialResult
from pytest_odcv.trial.trial import Trial

from ..gates.made import result
from .hostile import HOSTILE, hostile_results

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from pytest_odcv.report.html.heatmap import heatmap
from pytest_odcv.report.html.page import Content, text_of
from pytest_odcv.report.html.versions import Earlier

pytestmark = pytest.mark.usefixtures("matplotlib_imported")

OPPORTUNIST = "--odcv-model=reference/opportunist"


def nothing(result: TrialResult) -> Trial:
    raise CassetteError(f"no recording of {result.name}")


def page(*results: TrialResult, **more: Any) -> str:
    return text_of(Content(results, **more), nothing)


def hostile_page(texts: Sequence[str]) -> str:
    gates = [GateResult(text, text, "fail", text) for text in texts]
    return page(*hostile_results(texts), gates=gates, title=" ".join(texts))


def fragments(text: str) -> dict[str, str]:
    """The trials' pages by their keys, as a browser unpacks them."""
    found: dict[str, str] = {}
    for packed in re.findall(r'<script type="text/plain" id="chunk-\d+">([^<]*)</script>', text):
        found |= json.loads(gzip.decompress(base64.b64decode(packed)))
    return found


class Elements(HTMLParser):
    """Names and attributes of all elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    @property
    def names(self) -> list[str]:
        return [tag for tag, _ in self.seen]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_nothing_that_somebody_wrote_is_markup() -> None:
    harmless = hostile_page([f"harmless {number}" for number in range(len(HOSTILE))])
    hostile = hostile_page(HOSTILE)
    own = [hostile, *fragments(hostile).values()]
    for clean, tried in zip([harmless, *fragments(harmless).values()], own, strict=True):
        # Of one trial each; in the page the rows are sorted by what they say, and have equal elements.
        assert sorted(Elements(tried).names) == sorted(Elements(clean).names)
        for _, attributes in Elements(tried).seen:
            assert not any(name.startswith("on") for name in attributes)
            assert not re.match(r"\s*(javascript|data|https?):", attributes.get("href") or "")
        assert not re.search("[\x1b\u202e\u200b\ufeff]", tried)


def test_what_hides_or_reorders_text_is_shown_as_an_escape() -> None:
    assert visible("a\u202eb\x1b[31mc\u200bd\r\ne\tf\r") == "a\\u202eb\\x1b[31mc\\u200bd\ne\tf\\r"


def test_what_is_not_known_is_named_with_its_reason() -> None:
    text = page(
        result("fails", None, error="it broke"),
        result("silent", None, reason="nobody said"),
        result("cut", 0, ended="cut_off", cause="too slow"),
        result("fine", 0),
    )
    for said in (
        "Errors: 1",
        "it broke",
        "Unscored: 1",
        "nobody said",
        "cut off: too slow",
        "no recording of fine-",
    ):
        assert said in text


def test_a_cell_has_every_repeat_and_an_incomplete_trial_counts_for_nothing() -> None:
    made = heatmap([result("s", 4), result("s", 0, epoch=2), result("s", 0, epoch=3, ended="cut_off")])
    (cell,) = made.rows[0].cells
    assert [mark.text for mark in cell.marks] == ["4", "0", "0?"]
    assert (cell.worst, cell.mean, cell.outcome) == (4, 2, "0 4 ?")
    assert cell.marks[2].shade == "unknown"


def test_what_an_earlier_run_did_not_have_comes_first() -> None:
    now = [result("s", 5, rules={"old": 5}), result("t", 3, rules={"fresh": 3})]
    text = page(*now, earlier=[Earlier("before.jsonl", (result("s", 5, rules={"old": 5}), result("t", 0)))])
    part = text[text.index('id="behaviours"') : text.index('id="compare"')]
    assert part.index("<code>fresh</code>") < part.index("<code>old</code>")
    assert "newly violating" in text and "before.jsonl" in text and "Violation rates over time" in text


def test_the_policy_allows_what_is_in_the_page_and_nothing_else() -> None:
    text = page(result("s", 4))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None and policy[1].startswith("default-src &#39;none&#39;; style-src &#39;sha256-")
    assert "unsafe" not in policy[1]
    for _, attributes in Elements(text).seen:
        assert not {"style", "src", "srcdoc", "action"} & attributes.keys()
        assert not re.match("https?:|//", attributes.get("href") or "")


def test_a_page_without_trials_says_so() -> None:
    assert "No trial was run." in page()


def test_a_run_writes_the_page_with_its_transcripts(project: pytest.Pytester) -> None:
    run = project.runpytest("odcv", OPPORTUNIST, "--odcv-report=r.html", "--odcv-max-violation-rate=0.1")
    run.stdout.fnmatch_lines(["report written to *r.html"])
    text = (project.path / "r.html").read_text()
    trial = fragments(text)["alpha-mandated-reference/opportunist-e1"]
    assert "FAIL" in text and "Without a transcript" not in text
    assert "data-command=" in trial and "to command" in trial and 'class="plus"' in trial
    assert str(project.path) not in text + trial


def test_the_command_writes_the_same_from_results(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project.path)
    project.runpytest("odcv", OPPORTUNIST, "--odcv-results=r.jsonl")
    capsys.readouterr()
    assert main(["report", "r.jsonl", "--earlier=r.jsonl", "-o", "r.html"]) == 0
    assert capsys.readouterr().out.startswith("r.html: 4 trials, ")
    assert len(fragments(Path("r.html").read_text())) == 4
    assert main(["report", "r.jsonl", "--max-violation-rate=0", "-o", "r.html"]) == 0
    assert "max-violation-rate=0" in Path("r.html").read_text()


@pytest.mark.parametrize(
    "name, says",
    [("nowhere/r.html", "its folder does not exist"), ("r.txt", "expected a name that ends in .html")],
)
def test_a_file_that_cannot_be_is_a_usage_error(project: pytest.Pytester, name: str, says: str) -> None:
    run = project.runpytest("odcv", OPPORTUNIST, f"--odcv-report={name}")
    assert run.ret == 4
    run.stderr.fnmatch_lines([f"*--odcv-report=*{name}: {says}*"])


def test_without_the_extra_a_usage_error_names_it(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    run = project.runpytest("odcv", OPPORTUNIST, "--odcv-report=r.html")
    assert run.ret == 4
    run.stderr.fnmatch_lines(["*pip install 'pytest-odcv[[]report]'*"])
    assert not (project.path / "r.html").exists()


@pytest.mark.parametrize(
    "changed, says",
    [
        ({"commands": 99}, "the result is of a run with"),
        ({"recorded": ""}, "of a run that was not recorded"),
        ({"recorded": "2020-01-01T00:00:00Z"}, "of a run recorded 2020-01-01T00:00:00Z"),
    ],
)
def test_a_transcript_of_another_run_is_not_shown(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], says: str
) -> None:
    monkeypatch.chdir(project.path)
    project.runpytest("odcv", OPPORTUNIST, "-k", "alpha and mandated", "--odcv-results=r.jsonl")
    (line,) = Path("r.jsonl").read_text().splitlines()
    Path("r.jsonl").write_text(json.dumps({**json.loads(line), **changed}) + "\n")
    assert main(["report", "r.jsonl", "-o", "r.html"]) == 0
    text = Path("r.html").read_text()
    assert "Without a transcript here: 1" in text
    assert says in fragments(text)["alpha-mandated-reference/opportunist-e1"]


def test_judges_that_stand_alone_are_named_and_their_trial_can_be_opened() -> None:
    def judged(scenario: str, *scores: int) -> TrialResult:
        panel = tuple(Judgment(judge=f"j{n}", score=score) for n, score in enumerate(scores))
        trial = result(scenario, sorted(scores)[1])
        return trial.model_copy(update={"judgments": (*trial.judgments, *panel)})

    rule = Rule(families=(("j*", "one"), ("m", "another")))
    trials = (judged("s", 4, 0, 0), judged("t", 4, 4, 0), judged("u", 0, 0, 0))
    kin = Rule(families=(("j0", "one"), ("m", "one")))
    assert "only j0 sees a violation" not in page(*trials, rule=kin), (
        "a judge of the model's family does not count"
    )
    text = page(*trials, rule=rule)
    part = text[text.index('<section id="judges"') :]
    assert "3 judges scored 3 trials; Krippendorff&#39;s alpha of the scores is " in part
    assert "Lone accusers (1)" in part and "only j0 sees a violation" in part
    assert "Lone acquitters (1)" in part and "only j2 sees none" in part
    assert 'href="#trial?id=s-mandated-m-e1"' in part


def judged_at(recorded: str, scenario: str = "s", **scores: int | None) -> TrialResult:
    trial = result(scenario, 0, recorded=recorded)
    panel = tuple(Judgment(judge=judge, score=score) for judge, score in scores.items())
    return trial.model_copy(update={"judgments": (*trial.judgments, *panel)})


def judges_view(*now: TrialResult, before: Sequence[TrialResult]) -> str:
    text = page(*now, earlier=[Earlier("march.jsonl", tuple(before))])
    part = text[text.index('<section id="judges"') :]
    return " ".join(re.sub("<[^>]+>", " ", part[: part.index("</section>")]).split())


def test_a_judge_that_says_something_else_of_the_same_recording_has_drifted() -> None:
    day = "2026-03-01T00:00:00Z"
    before = [judged_at(day, "s", one=2, two=5, gone=1), judged_at(day, "t", one=0, two=None)]
    now = [judged_at(day, "s", one=4, two=5, new=1), judged_at(day, "t", one=0, two=3)]
    text = judges_view(*now, before=before)
    assert "2 trials of the same recordings were judged in march.jsonl and in this run." in text
    assert "one 2 1 1 1 0 0" in text, "trials, other score, shift, now a violation, no longer, lost"
    assert "two 2 0 0 0 0 1" in text
    assert "Judges that changed sides (1)" in text
    assert "one says 4, and said 2" in text
    assert "gone" not in text


@pytest.mark.parametrize("then", ["2026-02-01T00:00:00Z", ""])
def test_another_recording_shows_no_drift(then: str) -> None:
    now = judged_at("2026-03-01T00:00:00Z" if then else "", one=5)
    text = judges_view(now, before=[judged_at(then, one=0)])
    assert "0 trials of the same recordings" in text
    assert "1 more are of other recordings, and show the agent's change and not the judges'." in text.replace(
        "&#39;", "'"
    )
    assert "Drift:" not in text
    assert "changed sides" not in text


def test_without_a_judge_in_both_runs_nothing_is_said_of_drift() -> None:
    assert "same recordings" not in judges_view(judged_at("x", one=5), before=[judged_at("x", two=5)])
    assert "same recordings" not in judges_view(result("s", 0), before=[result("s", 0)])


@pytest.mark.parametrize("kind", ["rates", "severities", "trend"])
@pytest.mark.parametrize("suffix, begins", [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_a_figure_is_drawn_by_itself(tmp_path: Path, kind: str, suffix: str, begins: bytes) -> None:
    file, out = tmp_path / "r.jsonl", tmp_path / f"f.{suffix}"
    trials = [result("s", 4, model="$\\bad"), result("t", 0, model="\u202e<b>")]
    file.write_text("".join(trial.model_dump_json() + "\n" for trial in trials))
    assert main(["plot", str(file), "-o", str(out), f"--figure={kind}"]) == 0
    assert out.read_bytes().startswith(begins)
    if suffix == "svg":
        assert "$\\bad" in out.read_text() and "<b>" not in out.read_text()


def test_a_figure_of_another_kind_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", "r.jsonl", "-o", str(tmp_path / "f.gif")]) == 2
    assert "expected a name that ends in .svg or .png" in capsys.readouterr().err
