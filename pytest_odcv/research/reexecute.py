"""Runs the commands of a published run again, in a sandbox that is as the harness had it, and keeps what they did to files.

A record may be anybody's: its commands run nowhere but in the sandbox. What the run's model saw stays as it is recorded; only the files are
from here, and only where every command that differs left files alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from ..cassette import file_edits, timeline
from ..cassette.format import Recording
from ..errors import SandboxError, UsageProblem
from ..model.imported import PREFIX
from ..redaction.values import spelled
from ..report.plain import safe
from ..sandbox.clock import spelled as spelled_clock
from ..sandbox.protocol import (
    ClockedSandbox,
    CommandResult,
    Limits,
    Moment,
    SandboxProvider,
    SandboxSpec,
    Tree,
)
from ..sandbox.registry import AUTO, no_clock, opened, provider
from ..scenario.bench import load_bench
from ..scenario.case import Case
from ..scenario.schema import Variant
from ..scenario.suite import Suite
from ..trial.checks import made_with, programs_of
from .dates import WINDOW, is_by_seconds, moments, pairs_of, presents
from .fidelity import KINDS, Kind, as_answered, compared, difference, is_chance
from .messages import RunFile

LIMITS = Limits(total_seconds=3600, output_bytes=8 << 20)
"""As the harness's: 30 s a command, and no end of output that a run came near to."""
_SHOWN = 160
"""Characters of a line that differs, as it is kept."""


@dataclass(frozen=True, slots=True)
class Again:
    """What one command came to when it ran again. `wrote`: the files that it changed, at most some of them."""

    kind: Kind
    result: CommandResult
    wrote: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rerun:
    """A run's commands, run again in one sandbox: one result a command, the files over time and in the end. `began`: when each command began, by
    the sandbox's clock."""

    results: tuple[CommandResult, ...]
    moments: tuple[Moment, ...]
    after: Tree
    began: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How the commands of one run compare with its record. `failed`: why they could not all be run; `date`: when the first one ran, where the
    record tells it and they ran again at that time."""

    recorded: tuple[CommandResult, ...]
    again: tuple[Again, ...] = ()
    failed: str = ""
    date: datetime | None = None

    @property
    def counts(self) -> Counter[Kind]:
        return Counter(one.kind for one in self.again)

    @property
    def gap(self) -> str:
        """Why nothing can be decided by the files; empty where it can. A command that ended otherwise may have done anything in its first run."""
        if self.failed:
            return f"the run is imported, and its commands could not be run again: {self.failed}"
        number, what = next(self._doubts(), (0, ""))
        if not number:
            return ""
        kind = self.again[number - 1].kind
        return (
            f"the run is imported, and its commands were run again: command {number} differs from its record ({kind}){what}. So the files "
            "are not known to be those of the run"
        )

    @property
    def lacks(self) -> str:
        """What keeps a run from having evidence, in a word or two for a count; empty where nothing does."""
        if self.failed:
            return "not run again"
        kinds = {self.again[number - 1].kind for number, _ in self._doubts()}
        return " and ".join(kind for kind in KINDS if kind in kinds)

    def _doubts(self) -> Iterator[tuple[int, str]]:
        """The numbers of the commands for which files are in doubt, and why."""
        for number, (was, now) in enumerate(zip(self.recorded, self.again, strict=True), 1):
            if now.kind in ("equal", "listings") or self._is_as_near_as_it_gets(was, now):
                continue
            if now.wrote:
                yield number, f" and wrote {now.wrote[0]}"
            elif was.exit_code != now.result.exit_code:
                yield number, f" and ended with {now.result.exit_code}, not {was.exit_code}"
            elif now.kind == "random":
                yield number, " by chance, which files may hold as well"

    def _is_as_near_as_it_gets(self, was: CommandResult, now: Again) -> bool:
        return self.date is not None and now.kind == "clock" and is_by_seconds(was, now.result)

    @property
    def line(self) -> str:
        """For a person, in one line."""
        if self.failed:
            return f"not run again: {self.failed}"
        counts = self.counts
        kinds = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind]) or "none"
        dated = f"; at {spelled_clock(self.date)}, as its record tells" if self.date else ""
        return f"{len(self.again)} commands: {kinds}; {'no evidence' if self.gap else 'evidence'}{dated}"

    def values(self) -> dict[str, Any]:
        """For the recording."""
        if self.failed:
            return {"failed": self.failed}
        differs = []
        for number, (was, now) in enumerate(zip(self.recorded, self.again, strict=True), 1):
            if now.kind != "equal":
                first, second = difference(was, now.result)
                entry = {
                    "command": number,
                    "how": now.kind,
                    "recorded": _short(first),
                    "again": _short(second),
                }
                differs.append(
                    entry | ({"wrote": [spelled(path) for path in now.wrote]} if now.wrote else {})
                )
        counts = self.counts
        date = {"date": spelled_clock(self.date)} if self.date else {}
        return (
            {"commands": len(self.again)}
            | {kind: counts[kind] for kind in KINDS}
            | {"differs": differs}
            | date
        )


async def reexecuted(
    case: Case, recording: Recording, provider: SandboxProvider
) -> tuple[Recording, Fidelity]:
    """The recording of a run with the files that its commands leave behind, and how faithful they are.

    Args:
        case: The run's scenario and variant, from the suite's checkout.
        recording: The run as imported from its record.
        provider: Of sandboxes.
    """
    recorded = tuple(recording.trajectory.commands)
    if case.scenario.broken:
        return _without(recording, Fidelity(recorded, failed=one_line(case.scenario.broken)))
    try:
        programs = await programs_of(case, provider)
        rerun = await _run(case.scenario.before, recorded, provider)
        at = await _times(case.scenario.before, recorded, provider, rerun)
        if at:
            rerun = await _run(case.scenario.before, recorded, provider, at)
        again = _compared(recorded, rerun)
        if any(one.kind in ("other", "listings") for one in again):
            # What differs from itself is chance.
            second = await _run(case.scenario.before, recorded, provider, at)
            again = tuple(map(_told_from_chance, again, second.results))
    except SandboxError as error:
        return _without(recording, Fidelity(recorded, failed=one_line(str(error))))
    fidelity = Fidelity(recorded, again, date=next(filter(None, at), None))
    before = case.scenario.before
    files = file_edits.encode(before, rerun.after)
    after = file_edits.decode(before, files)
    made = made_with(case, provider.name, recording.made_with["agent"], programs=programs)
    about = {"evidence": "reconstructed", "gap": fidelity.gap, "fidelity": fidelity.values()}
    return (
        replace(
            recording,
            made_with=made,
            files=files,
            timeline=timeline.encode(before, rerun.moments, after),
            imported=recording.imported | about,
        ),
        fidelity,
    )


def one_line(text: str) -> str:
    return " ".join(text.split())


def _without(recording: Recording, fidelity: Fidelity) -> tuple[Recording, Fidelity]:
    about = {"gap": fidelity.gap, "fidelity": fidelity.values()}
    return replace(recording, imported=recording.imported | about), fidelity


_APART = timedelta(hours=25, minutes=7)
"""Between two commands of a run that finds out what their outputs say of the time: more than a day, so that a date tells which one it is of."""


async def _times(
    tree: Tree, recorded: Sequence[CommandResult], provider: SandboxProvider, rerun: Rerun
) -> tuple[datetime | None, ...]:
    """When each command began, as far as the record tells; empty where it does not, or no clock can be put. `rerun`: a run at today's date."""
    if no_clock(provider) is not None or not rerun.began:
        return ()
    since, until = rerun.began[0].replace(microsecond=0), rerun.began[-1] + WINDOW
    if not any(presents(pairs_of(*both), since, until) for both in zip(recorded, rerun.results, strict=True)):
        return ()
    probe = await _run(tree, recorded, provider, [since + number * _APART for number in range(len(recorded))])
    return moments(recorded, probe.results, probe.began)


async def _run(
    tree: Tree,
    recorded: Sequence[CommandResult],
    provider: SandboxProvider,
    at: Sequence[datetime | None] = (),
) -> Rerun:
    """`at`: when each command is to begin, or None where time just goes on; empty for today."""
    clock = next(filter(None, at), None)
    box = await opened(provider, SandboxSpec(tree, LIMITS, as_root=True, fresh_shell=True, clock=clock))
    results: list[CommandResult] = []
    began: list[datetime] = []
    try:
        for number, result in enumerate(recorded):
            moment = at[number] if at else None
            if moment is not None:
                cast(ClockedSandbox, box).set_clock(moment)
            began.append(moment or datetime.now(UTC))
            results.append(as_answered(await box.run(result.command)))
        after = await box.snapshot()
        return Rerun(tuple(results), box.moments() or (), after, tuple(began))
    finally:
        await box.close()


def _compared(recorded: Sequence[CommandResult], rerun: Rerun) -> tuple[Again, ...]:
    wrote: dict[int, list[str]] = {}
    for moment in rerun.moments:
        files = [p for p, state in moment.changes.items() if state is None or state.kind != "dir"]
        wrote.setdefault(moment.command, []).extend(files or ["more files than are kept"] * bool(moment.cut))
    return tuple(
        Again(compared(was, now), now, tuple(dict.fromkeys(wrote.get(number, ())))[:_MOST])
        for number, (was, now) in enumerate(zip(recorded, rerun.results, strict=True), 1)
    )


_MOST = 20
"""Files named of one command."""


def _told_from_chance(first: Again, second: CommandResult) -> Again:
    return replace(first, kind="random") if is_chance(first.kind, first.result, second) else first


def _short(line: str) -> str:
    return spelled(line if len(line) <= _SHOWN else line[:_SHOWN] + "...")


class Reexecution:
    """Runs whole folders of runs again, one after the other, and counts. A line a run is printed."""

    def __init__(self, suite: Suite, provider: SandboxProvider) -> None:
        self._suite, self._provider = suite, provider
        self._counts: Counter[Kind] = Counter()
        self._runs = 0
        self._without: Counter[str] = Counter()
        """Runs without evidence, by what they lack."""

    @classmethod
    def of(cls, checkout: Path) -> Reexecution:
        """Raises UsageProblem for what is no checkout, and where there is no sandbox."""
        suite, found = load_bench(checkout), provider(AUTO)
        missing = found.missing()
        if missing:
            raise UsageProblem(f"--reexecute needs a sandbox, and there is none: {missing}")
        problem = no_clock(found)
        if problem:
            print(safe(f"commands run again at today's date, whatever their records tell: {problem}"))
        return cls(suite, found)

    def recording(self, run: RunFile, made: Recording) -> Recording:
        """The recording of a run with what its commands did to files. Raises UsageProblem for a scenario that the checkout has not."""
        case = Case(self._suite[run.scenario], cast(Variant, run.variant), PREFIX + run.model, 1)
        again, fidelity = asyncio.run(reexecuted(case, made, self._provider))
        self._counts += fidelity.counts
        self._runs += 1
        self._without.update(filter(None, [fidelity.lacks]))
        print(safe(f"{case.id}: {fidelity.line}"), flush=True)
        return again

    @property
    def summary(self) -> str:
        """For a person, in one line."""
        all_, shares = sum(self._counts.values()), ""
        if all_:
            parts = (f"{kind} {100 * self._counts[kind] / all_:.1f}%" for kind in KINDS)
            shares = f" ({', '.join(parts)})"
        usable = self._runs - self._without.total()
        lacking = ", ".join(f"{count} {what}" for what, count in sorted(self._without.items()))
        without = f" (without it: {lacking})" if lacking else ""
        return f"{all_} commands of {self._runs} runs were run again{shares}; {usable} runs have evidence{without}"
