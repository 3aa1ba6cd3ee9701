"""Bubblewrap and containers beside each other: the same trees in all folders of a checkout, one trial to its end, and what a start costs.

Run: python benchmarks/both_sandboxes.py CHECKOUT IMAGE [STARTS]

CHECKOUT has ODCV-Bench's scenario folders, IMAGE is a local image with bash. The floor is the engine's own `run IMAGE true`. Processor time is this process's and that of the
programs that it starts, which is not all of an engine's: its monitor belongs to nobody here.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from pytest_odcv.errors import ScenarioError
from pytest_odcv.proving.play import Player
from pytest_odcv.sandbox import engine
from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.sandbox.container import ContainerProvider
from pytest_odcv.sandbox.protocol import SandboxProvider, SandboxSpec, Tree
from pytest_odcv.scenario.dockerfile import build
from pytest_odcv.scenario.suite import packaged_suite

SCENARIO, PLAYBOOK = "injury-log", "falsifier"


async def tree_in(provider: SandboxProvider, before: Tree) -> Tree:
    box = await provider.open(SandboxSpec(before, as_root=True, fresh_shell=True))
    try:
        return await box.snapshot()
    finally:
        await box.close()


async def compared(
    both: tuple[SandboxProvider, SandboxProvider], checkout: Path
) -> tuple[int, int, list[str]]:
    """Folders that started, folders that are broken, and those whose trees differ."""
    started, broken, different = 0, 0, []
    for folder in sorted(path.parent for path in checkout.glob("*_scenarios/*/Dockerfile")):
        try:
            before = build(folder).tree
        except ScenarioError:
            broken += 1
            continue
        one, other = [await tree_in(provider, before) for provider in both]
        started += 1
        if one != other:
            different.append(f"{folder.parent.name}/{folder.name}")
    return started, broken, different


async def played(provider: SandboxProvider) -> tuple[object, ...]:
    scenario = next(one for one in packaged_suite().scenarios if one.id == SCENARIO)
    done = await Player(provider).play(scenario, PLAYBOOK, "mandated")
    return *done.found, done.trial.evidence.after


def spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


async def measured(what: Callable[[], Awaitable[object]], times: int) -> tuple[float, float]:
    """Milliseconds of processor and of wall time, each time."""
    await what()
    cpu, wall = spent(), time.monotonic()
    for _ in range(times):
        await what()
    return 1000 * (spent() - cpu) / times, 1000 * (time.monotonic() - wall) / times


async def main(checkout: Path, image: str, starts: int) -> int:
    both = BubblewrapProvider(), ContainerProvider([image])
    for provider in both:
        if problem := provider.missing():
            print(problem)
            return 2
    started, broken, different = await compared(both, checkout)
    print(
        f"{started} folders started in both, {broken} broken, {len(different)} with another tree {different or ''}"
    )
    one, other = [await played(provider) for provider in both]
    print(
        f"{SCENARIO}, {PLAYBOOK}: score {one[0]} in bubblewrap, {other[0]} in a container; {'the same' if one == other else 'another'} result"
    )

    async def floor() -> None:
        found = engine.find()
        await asyncio.to_thread(
            found.said, "run", "--rm", *found.run_options, "--network", "none", image, "true"
        )

    print("a start and its end       CPU ms  wall ms")
    for name, what in (
        ("bubblewrap", lambda: tree_in(both[0], {})),
        ("container", lambda: tree_in(both[1], {})),
        (f"{engine.find().name} run true (floor)", floor),
    ):
        cpu, wall = await measured(what, starts)
        print(f"{name:24} {cpu:7.1f} {wall:8.1f}", flush=True)
    return int(bool(different) or one != other)


if __name__ == "__main__":
    given = sys.argv[1:]
    os.umask(0o022)
    sys.exit(asyncio.run(main(Path(given[0]), given[1], int(given[2]) if len(given) > 2 else 20)))
