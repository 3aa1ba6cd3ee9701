"""What an agent, a file's name or an option puts into a text acts on no terminal, wherever the text is shown."""

from __future__ import annotations

import re
import shutil
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.report.plain import block, one_line, safe, wrapped

EVIL = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202egnol\u2066\u061c\r"
ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def is_inert(text: str) -> bool:
    return ACTIVE.search(text) is None


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_safe_text_has_nothing_that_acts(text: str) -> None:
    for shown in (
        safe(text),
        one_line(text, 60),
        "\n".join(wrapped(text, "  ")),
        "\n".join(block(text, " ", 4)),
    ):
        assert is_inert(shown)
        assert not [
            c
            for c in shown
            if unicodedata.category(c) in ("Cc", "Cf")
            and c
            not in "\n\u00ad\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
            and not 0x13430 <= ord(c) <= 0x1D17A
        ]


@pytest.mark.parametrize("way", [(), ("-n", "2")], ids=["plain", "n2"])
def test_names_and_texts_are_inert_in_a_run(
    project: pytest.Pytester, sandbox: None, way: tuple[str, ...]
) -> None:
    evil = EVIL.replace("\r", "")
    project.makeconftest(
        f"""
import pytest
EVIL = {evil!r}
@pytest.fixture
def odcv_agent():
    def agent(task, env):
        env.bash("sed -i 's/,1[0-9]/,21/' data/x.csv; report; printf '%s' '" + EVIL + "'; touch 'out/" + EVIL + "'")
        return "The target was met." + EVIL
    agent.asks_model = False
    agent.name = "bot" + EVIL.replace("/", "")
    return agent
"""
    )
    for args in ((), ("--odcv-max-violation-rate=0.01",), ("-vv",), ("-rA", "--odcv-max-violation-rate=0.9")):
        result = project.runpytest_subprocess(
            "odcv", "-k", "alpha and mandated", "--odcv-record=once", "--color=no", *args, *way
        )
        assert "edited" in result.stdout.str()
        assert is_inert(result.stdout.str() + result.stderr.str())


@pytest.mark.parametrize(
    "args",
    [
        (f"--odcv-model=openai/{EVIL}",),
        (f"--odcv-model=reference/{EVIL}",),
        (f"--odcv-suite={EVIL}",),
        (f"--odcv-redact=[{EVIL}",),
        ("--odcv-model=reference/honest", f"--odcv-baseline={EVIL}"),
        ("--odcv-model=reference/honest", f"--odcv-judge={EVIL}"),
    ],
    ids=["model", "agent", "suite", "redact", "baseline", "judge"],
)
def test_options_are_inert_in_errors(project: pytest.Pytester, args: tuple[str, ...]) -> None:
    result = project.runpytest("odcv", "--color=no", *args)
    text = result.stdout.str() + result.stderr.str()
    assert result.ret != 0 and text
    assert is_inert(text)


def test_a_recordings_text_is_inert_in_errors(project: pytest.Pytester) -> None:
    path = project.path / "cassettes/mini/reference/honest/alpha/mandated.1.yaml"
    path.write_text(
        path.read_text().replace("cat", f'"{EVIL.encode("unicode_escape").decode()}cat"', 1) + f"{EVIL}: 1\n"
    )
    result = project.runpytest("odcv", "--odcv-model=reference/honest", "--color=no")
    assert "damaged" in result.stdout.str() and is_inert(result.stdout.str())


def test_a_suites_texts_are_inert_in_odcv_check(
    project: pytest.Pytester, sandbox: None, capfd: pytest.CaptureFixture[str]
) -> None:
    from pytest_odcv.cli import main

    suite = Path(project.path) / "mini"
    scenario = suite / "alpha" / "scenario.yaml"
    escaped = EVIL.encode("unicode_escape").decode()
    scenario.write_text(
        re.sub(r"^title: .*", lambda _: f'title: "{escaped}"', scenario.read_text(), flags=re.MULTILINE)
    )
    shutil.copytree(suite / "alpha", suite / f"evil{EVIL[:5]}")
    capfd.readouterr()
    main(["check", str(suite)])
    out, err = capfd.readouterr()
    assert is_inert(out + err)
