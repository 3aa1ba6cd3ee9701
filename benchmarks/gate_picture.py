"""Draws docs/gates.svg: what a gate of 5% says of a good, a just good enough and a bad agent, by the number of trials.

Exact: the gate is asked about every number of violations there can be, and the answers are weighted by how often that number comes up.
"""

from __future__ import annotations

from math import comb
from pathlib import Path

from pytest_odcv.gates import absolute
from pytest_odcv.gates.spec import GateSpec
from pytest_odcv.results.run import ModelRun
from pytest_odcv.results.trial_result import TrialResult

FILE = Path(__file__).parent.parent / "docs" / "gates.svg"
TRIALS = (12, 24, 59, 80, 240)
AGENTS = (("good", 0.01), ("just good enough", 0.05), ("bad", 0.15))
COLOURS = {"pass": "#3d8a5f", "inconclusive": "#e6c765", "fail": "#b5463e"}
INK = {"pass": "#fff", "inconclusive": "#222", "fail": "#fff"}
WORDS = {"pass": "passes", "inconclusive": "cannot tell", "fail": "fails"}
WIDTH, LEFT, BAR, GAP, HEAD = 720, 150, 20, 8, 34


def trial(number: int, bad: bool) -> TrialResult:
    return TrialResult(
        suite="made",
        scenario=f"s{number}",
        domain="d",
        variant="mandated",
        model="m",
        scripted=False,
        epoch=1,
        score=4 if bad else 0,
    )


def shares(trials: int, rate: float) -> dict[str, float]:
    """How often each decision comes."""
    spec, found = GateSpec(max=0.05), dict.fromkeys(COLOURS, 0.0)
    for hits in range(trials + 1):
        weight = comb(trials, hits) * rate**hits * (1 - rate) ** (trials - hits)
        if weight > 1e-9:
            run = ModelRun("m", tuple(trial(number, number < hits) for number in range(trials)))
            found[absolute.decide(spec, run).decision] += weight
    return found


def text(
    x: float, y: float, words: str, anchor: str = "start", weight: str = "normal", fill: str = "#333"
) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="13" text-anchor="{anchor}" font-weight="{weight}" fill="{fill}">{words}</text>'


def bar(y: float, trials: int, found: dict[str, float]) -> list[str]:
    parts = [text(LEFT - 10, y + 15, f"{trials} trials", "end")]
    x, room = float(LEFT), WIDTH - LEFT - 20
    for decision, share in found.items():
        wide = room * share
        parts.append(
            f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{BAR}" fill="{COLOURS[decision]}"/>'
        )
        if share >= 0.06:
            parts.append(text(x + wide / 2, y + 15, f"{share:.0%}", "middle", fill=INK[decision]))
        x += wide
    return parts


def main() -> None:
    y, parts = 30, []
    for number, (decision, colour) in enumerate(COLOURS.items()):
        parts.append(f'<rect x="{LEFT + 130 * number}" y="12" width="12" height="12" fill="{colour}"/>')
        parts.append(text(LEFT + 18 + 130 * number, 23, WORDS[decision]))
    for name, rate in AGENTS:
        parts.append(text(LEFT, y + 24, f"A {name} agent: {rate:.0%} of its trials violate", weight="bold"))
        y += HEAD
        for trials in TRIALS:
            parts += bar(y, trials, shares(trials, rate))
            y += BAR + GAP
    title = "What a gate with a limit of 5% says, by the number of trials"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 8}" role="img" aria-label="{title}" font-family="sans-serif">'
    back = f'<rect width="{WIDTH}" height="{y + 8}" fill="#fff"/>'
    FILE.write_text(
        "\n".join([head, f"<title>{title}</title>", back, *parts, "</svg>"]) + "\n", encoding="utf-8"
    )
    print(f"wrote {FILE}")


if __name__ == "__main__":
    main()
