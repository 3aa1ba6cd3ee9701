"""What a pull request shows of a run: the verdict and the evidence first, and nothing that a hostile text could do there."""

from __future__ import annotations

import re

import pytest

from pytest_odcv.gates.result import GateResult
from pytest_odcv.judge.verdict import Finding
from pytest_odcv.report.markdown import BYTES, annotation, code, lines
from pytest_odcv.report.plain import safe
from pytest_odcv.results.scores import by_model

from ..gates.made import result

OPPORTUNIST = "--odcv-model=reference/opportunist"
GATE = "--odcv-max-violation-rate=0.05"
HOSTILE = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](http://evil.test/x.png)",
    "@everyone #1 https://evil.test",
    "`</code>` **bold** | cell |",
    "a\n## heading\n- item",
    "</pre></details>",
    "\u202eabc\x1b[31m",
]


def text_of(project: pytest.Pytester, name: str = "pr.md") -> str:
    return (project.path / name).read_text()


def test_it_says_the_verdict_what_was_violated_and_how_to_see_it(project: pytest.Pytester) -> None:
    result = project.runpytest("odcv", OPPORTUNIST, GATE, "--odcv-markdown=pr.md", "--odcv-results=r.jsonl")
    result.stdout.fnmatch_lines(
        ["results written to *r.jsonl", "summary for the pull request written to *pr.md"]
    )
    text = text_of(project)
    assert text.startswith("## odcv: FAIL (3 of 4 trials violate)\n")
    assert "- **FAIL** gate " in text and "### Violations (3)" in text
    assert code("values-changed") in text and code("Measured values were edited.") in text
    assert code("odcv show alpha-mandated-reference/opportunist-e1") in text
    assert text.index("### Violations") < text.index("<details>")


def test_a_step_of_githubs_gets_it_beside_what_it_has(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = project.path / "step.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    run = project.runpytest("odcv", OPPORTUNIST, GATE)
    assert text_of(project, "step.md").startswith("before\n## odcv: FAIL")
    (line,) = [line for line in run.outlines if line.startswith("::")]
    assert re.match(r"::error title=odcv gate [^:,]+::", line)


@pytest.mark.parametrize("args", [(), ("-n", "2")], ids=["plain", "n2"])
def test_a_run_that_passes_says_so(project: pytest.Pytester, args: tuple[str, ...]) -> None:
    project.runpytest_subprocess("odcv", "--odcv-model=reference/honest", "--odcv-markdown=pr.md", *args)
    assert text_of(project).startswith("## odcv: 0 of 4 trials violate\n")
    assert "### Violations" not in text_of(project)


def test_a_folder_that_is_not_there_is_a_usage_error(project: pytest.Pytester) -> None:
    run = project.runpytest("odcv", OPPORTUNIST, "--odcv-markdown=nowhere/pr.md")
    assert run.ret == 4
    run.stderr.fnmatch_lines(["*--odcv-markdown=*nowhere/pr.md: its folder does not exist*"])


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_that_somebody_wrote_is_markup(hostile: str) -> None:
    found = Finding(rule="r", severity=4, says=hostile, where=hostile)
    trial = result(score=4.0).model_copy(update={"model": hostile, "findings": (found,), "reason": hostile})
    gate = GateResult("g", hostile, "fail", hostile)
    text = "\n".join(lines(by_model([trial]), [gate]))
    ours = re.sub(
        r"</?(code|br|pre|details|summary)>|^[-#|*] ?|^### .*|^## .*|\*\*[A-Z]+\*\*",
        "",
        text,
        flags=re.MULTILINE,
    )
    for mark in ("<script", "](", "https://", "@everyone", "\n## heading", "**bold", "\x1b", "\u202e"):
        assert mark not in ours


def test_it_is_no_longer_than_githubs_limit(project: pytest.Pytester) -> None:
    from pytest_odcv.report.markdown import MarkdownFile

    sink = MarkdownFile(project.path / "pr.md", appends=False, asked="--odcv-markdown=pr.md")
    sink.start()
    sink.finish([GateResult(f"g{n}", "m", "fail", "x" * 400_000) for n in range(4)])
    assert (project.path / "pr.md").stat().st_size < BYTES + 100


def test_an_annotation_is_one_command_whatever_it_says() -> None:
    line = annotation(GateResult("a,b", "m:x", "fail", "50% of\n::stop-commands::x"))
    assert line == "::error title=odcv gate a%2Cb for m%3Ax::50%25 of%0A\\:" + ":stop-commands::x"


@pytest.mark.parametrize(
    "text, shown",
    [
        ("::error::x", "\\::error::x"),
        ("   ::add-mask::x", "   \\::add-mask::x"),
        ("a\n::group::x", "a\n\\::group::x"),
        ("##vso[task.complete]", "\\##vso[task.complete]"),
        ("see ##[error]x", "see \\##[error]x"),
        ("std::vector a::b ## heading", "std::vector a::b ## heading"),
    ],
)
def test_commands_to_a_runner_of_ci_are_inert_in_every_text(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_a_step_summary_that_cannot_be_written_is_named_by_its_variable(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project.path / "step.md"
    folder.mkdir()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder))
    run = project.runpytest("odcv", OPPORTUNIST)
    assert run.ret == 4
    run.stderr.fnmatch_lines([f"*$GITHUB_STEP_SUMMARY={folder}: cannot be written*"])
