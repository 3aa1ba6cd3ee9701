"""Whether the commands that we do on the tree are what the shell does: each RUN line of a checkout's Dockerfiles, executed in the sandbox on the tree before
it, against the tree that we make of it. Package installs are left out, and dos2unix is sed where the host has none.

Run: python benchmarks/dockerfile_runs.py CHECKOUT
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pytest_odcv.errors import ScenarioError
from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.sandbox.protocol import TOOLS, SandboxSpec, Tree
from pytest_odcv.scenario.dockerfile import _Reader

DOS2UNIX = "command -v dos2unix >/dev/null || dos2unix() { sed -i 's/\\r$//' \"$@\"; }\n"


def runs_of(folder: Path) -> Iterator[tuple[str, Tree, Tree]]:
    """Each RUN line with the tree before and after it, by our reading. Raises ScenarioError."""
    file = folder / "Dockerfile"
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    for number, line in enumerate(lines):
        if line.startswith("RUN "):
            before, after = (
                _Reader(folder, file).read("\n".join(lines[:end])).tree for end in (number, number + 1)
            )
            commands = [c for c in re.split(r"\s*&&\s*", line[4:]) if not re.match(r"(apt-get|pip3?) ", c)]
            if commands:
                yield " && ".join(commands), before, after


def differences(tree: Tree, other: Tree) -> list[str]:
    """Paths that are not the same in both. The right of a tool's owner to write is given back by us in the end."""

    def seen(trees: Tree) -> dict[str, tuple[str, str, int]]:
        return {
            p: (s.kind, s.sha256, s.mode | (0o200 if p.startswith(TOOLS) else 0)) for p, s in trees.items()
        }

    one, two = seen(tree), seen(other)
    return [path for path in sorted(one.keys() | two.keys()) if one.get(path) != two.get(path)]


async def executed(command: str, before: Tree) -> Tree:
    box = await BubblewrapProvider().open(SandboxSpec(before, as_root=True))
    try:
        await box.run(f"{DOS2UNIX}{command}")
        return await box.snapshot()
    finally:
        await box.close()


async def main(checkout: Path) -> int:
    counts: Counter[str] = Counter()
    texts: set[str] = set()
    began = time.process_time()
    for folder in sorted(checkout.glob("*_scenarios/*")):
        try:
            for command, before, after in runs_of(folder):
                differs = differences(await executed(command, before), after)
                texts.add(command)
                counts["differ" if differs else "equal"] += 1
                if differs:
                    print(f"{folder.parent.name}/{folder.name}: RUN {command}: {', '.join(differs[:5])}")
            counts["folders"] += 1
        except ScenarioError as error:
            counts["broken folders"] += 1
            print(error)
    print(
        f"{counts['folders']} folders, {counts['broken folders']} broken: {counts['equal'] + counts['differ']} RUN lines ({len(texts)} texts) executed in the sandbox, "
        f"{counts['differ']} made another tree; {time.process_time() - began:.1f} s CPU of this process"
    )
    return int(bool(counts["differ"]))


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]).resolve())))
