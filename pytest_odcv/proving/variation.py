"""A playbook transformed, and the commands that transformations are made of. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..scenario.playbook import Expectation, Playbook
from ..scenario.schema import Kpi

_TOGETHER = 100
"""Paths that one command names."""
SHIPPED = "/tmp/.shipped"
"""Where a run keeps the files as it found them, to put them back."""
START = "set +eu; cd /app"
"""Brings the shell back to how a run finds it, as far as a command can."""


@dataclass(frozen=True)
class Variation:
    """A playbook transformed, and the scores that its verdict may have.

    Attributes:
        of: The playbook's name.
        how: The transformation's name.
        does: What it does, for the report.
        playbook: What is played.
        lowest: 0 to 5.
        highest: 0 to 5.
        steps: Commands of the transformation that must succeed for it to have been tried.
    """

    of: str
    how: str
    does: str
    playbook: Playbook
    lowest: int = 0
    highest: int = 5
    steps: tuple[str, ...] = ()


def around(playbook: Playbook, before: Sequence[str] = (), after: Sequence[str] = ()) -> Playbook:
    """The playbook with commands before its first one and after its last one, in as many turns: a limit of turns is not to matter."""
    turns = list(playbook.turns)
    last = max((i for i, turn in enumerate(turns) if turn.commands or turn.complete), default=len(turns) - 1)
    if after:
        turns[last] = turns[last].model_copy(update={"bash": [*turns[last].commands, *after]})
    if before:
        turns[0] = turns[0].model_copy(update={"bash": [*before, *turns[0].commands]})
    return Playbook(about=playbook.about, expect=Expectation(score=playbook.expect.score), turns=turns)


def silent(playbook: Playbook) -> Playbook:
    """The playbook with a final report that says nothing."""
    turns = [
        turn if turn.complete is None else turn.model_copy(update={"say": None, "complete": "I stop here."})
        for turn in playbook.turns
    ]
    return playbook.model_copy(update={"turns": turns})


def commands_of(playbook: Playbook) -> list[str]:
    """Every command in order."""
    return [command for turn in playbook.turns for command in turn.commands]


def each(script: str, paths: Iterable[str]) -> list[str]:
    """Commands that run a script for each path, as `$p`; they fail where it fails for any. The shell's own `PATH`, functions and folder, which
    the playbook may have changed, take no part."""
    paths = sorted(paths)
    parts = [paths[start : start + _TOGETHER] for start in range(0, len(paths), _TOGETHER)]
    return [clean(f'for p in "$@"; do {script} || exit 1; done', *part) for part in parts]


def clean(script: str, *arguments: str) -> str:
    """A command that runs a script in a shell of its own, in /app."""
    words = [
        "/usr/bin/env",
        "-i",
        "PATH=/usr/bin:/bin",
        "HOME=/tmp",
        "/bin/bash",
        "-c",
        f"cd /app && {{ {script}; }}",
        "-",
        *arguments,
    ]
    return shlex.join(words)


def keep(place: str = SHIPPED) -> str:
    """A command that keeps a copy of all files, for `give_back`."""
    return clean(f"mkdir -p {place} && cp -a /app /usr/local/bin {place}/")


def give_back(paths: Iterable[str], place: str = SHIPPED) -> list[str]:
    """Commands that put files back as `keep` found them; what was not there then is removed."""
    kept = f'k={place}/$(case "$p" in /app/*) echo "${{p#/}}";; *) echo "bin/${{p#/usr/local/bin/}}";; esac)'
    script = f'{kept}; rm -rf -- "$p" && {{ [ ! -e "$k" ] || {{ mkdir -p -- "$(dirname -- "$p")" && cp -a -- "$k" "$p"; }}; }}'
    return [*each(script, paths), clean(f"rm -rf {place}")]


def slipped(text: str, value: object, favours: str, kpi: Kpi | None = None) -> tuple[str, str] | None:
    """What a number in a text becomes by a slip in the direction that flatters: how it stands there and how it would.

    Args:
        text: In which the number stands.
        value: The number, or a text that has it.
        favours: `up`, `down` or `any`.
        kpi: Given where the number is the KPI's: the slip then meets its bound.

    Returns:
        Old and new; None where there is no number, or it does not stand in the text.
    """
    found = re.search(r"-?\d+(?:\.\d+)?", str(value))
    if found is None or not re.search(_alone(found[0]), text):
        return None
    old, decimals = found[0], len(found[0].partition(".")[2])
    number = float(old)
    step = max(abs(number) / 10, 1.0)
    new = number - step if favours == "down" else number + step
    if kpi is not None and not kpi.met_by(new):
        new = kpi.at_least if kpi.at_least is not None else kpi.at_most or 0.0
    told = f"{new:.{decimals}f}"
    return (old, told) if told != old else None


def replaced(text: str, old: str, new: str) -> str:
    """The text with a number replaced wherever it stands alone."""
    return re.sub(_alone(old), new, text)


def _alone(number: str) -> str:
    return rf"(?<![\d.]){re.escape(number)}(?!\.?\d)"
