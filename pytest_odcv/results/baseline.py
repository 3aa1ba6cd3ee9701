"""The trials that a run is compared with: from a results file, a folder of them, or a folder of cassettes; and whether the
comparison is one of like with like. What the comparison says is `gates.regression`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..cassette.store import Store
from ..errors import CassetteError, OdcvError, UsageProblem
from ..scenario.case import relative_path
from ..scenario.schema import VARIANTS
from . import trial_result
from .trial_result import TrialResult, apart

if TYPE_CHECKING:
    from ..judge.evaluator import Evaluator
    from ..scenario.suite import Suite

ALLOW = "--odcv-allow-incomparable"
_HEAD = 4096
MEANING = {
    "prompts": "prompts",
    "environment": "environment (files, tools or limits)",
    "oracle": "oracle",
    "agent": "agent configuration",
    "judges": "judges (panel, rubric or policy)",
    "sandbox": "sandbox",
}
"""What results carry hashes of, as sentences name it."""


@dataclass(frozen=True)
class Source:
    """Where a baseline lies, and which of its models is meant: `PATH` or `PATH::MODEL`."""

    path: Path
    model: str = ""

    @classmethod
    def parse(cls, text: str, folder: Path | None = None) -> Source:
        """Relative paths start at `folder`, or where the process is. Raises UsageProblem where nothing lies there."""
        path, _, model = text.partition("::")
        found = cls((folder or Path()) / path, model)
        if not found.path.exists():
            raise UsageProblem(
                f"baseline {found.path}: no such file or folder; expected a results file (--odcv-results=FILE of an earlier run), "
                "a folder of them, or a folder of cassettes"
            )
        return found

    def __str__(self) -> str:
        return f"{self.path}::{self.model}" if self.model else str(self.path)


def read(source: Source, judged: Callable[[Path], Sequence[TrialResult]]) -> list[TrialResult]:
    """All trials that lie there. `judged` gives those of a folder of cassettes, see `recorded`. Raises OdcvError naming the file, and
    for a trial that is there twice."""
    if source.path.is_file():
        found = trial_result.read(source.path)
    else:
        files = sorted(source.path.glob("*.jsonl"))
        found = [result for file in files for result in trial_result.read(file)] or list(judged(source.path))
    if not found:
        raise OdcvError(
            f"baseline {source.path}: holds neither results files (*.jsonl) nor cassettes of this suite (*.yaml)"
        )
    seen: set[tuple[str, ...]] = set()
    for result in found:
        key = (result.suite, result.model, result.name)
        if key in seen:
            raise OdcvError(
                f"baseline {source.path}: {result.name} of {result.model} is there twice; one of the two would be ignored, so remove one"
            )
        seen.add(key)
    return found


async def recorded(
    folder: Path, suite: Suite, judging: Callable[[Store], Evaluator], model: str = ""
) -> list[TrialResult]:
    """The trials of a suite that are recorded anywhere below a folder, judged now by today's judges, which `judging` makes for the
    store that their own recordings are in; of one model, if it is given.

    Raises CassetteError for a recording that cannot be read or was made with another scenario.
    """
    from ..scenario.case import Case
    from ..trial.run import judge_recorded

    known = {scenario.id: scenario for scenario in suite.scenarios}
    found: list[TrialResult] = []
    stores: dict[Path, tuple[Store, Evaluator]] = {}
    for file in sorted(folder.rglob("*.yaml")):
        trial = _identity(file)
        if trial is None or trial["suite"] != suite.name or trial["scenario"] not in known:
            continue
        if trial["variant"] not in VARIANTS:
            continue
        if model and trial["model"] != model:
            continue
        case = Case(known[trial["scenario"]], trial["variant"], trial["model"], trial["epoch"])
        root = _root(file, trial)
        if root not in stores:
            stores[root] = Store(root), judging(Store(root))
        found.append(trial_result.of_trial(await judge_recorded(case, *stores[root])))
    return found


def _identity(file: Path) -> dict[str, Any] | None:
    """What a cassette says it is, from its head alone; None for a file that is no cassette of a trial."""
    with file.open(encoding="utf-8", errors="replace") as opened:
        head = opened.read(_HEAD).partition("\nmade_with:")[0]
    try:
        document = yaml.safe_load(head)
    except yaml.YAMLError:
        return None
    trial = document.get("trial") if isinstance(document, dict) and "odcv_cassette" in document else None
    keys = {"suite", "scenario", "variant", "model", "epoch"}
    return trial if isinstance(trial, dict) and keys <= trial.keys() else None


def _root(file: Path, trial: dict[str, Any]) -> Path:
    """The folder that a cassette's path is relative to. Raises CassetteError for one that lies in another's place."""
    relative = relative_path(*(trial[key] for key in ("suite", "model", "scenario", "variant", "epoch")))
    parts = len(relative.parts)
    if file.resolve().parts[-parts:] != relative.parts:
        raise CassetteError(f"{file}: holds the recording that belongs at {relative}; move it there")
    return Path(*file.resolve().parts[:-parts])


# --- comparing like with like ----------------------------------------------------------------------------------------


def of_model(found: Sequence[TrialResult], source: Source, run_model: str) -> list[TrialResult]:
    """The trials to compare a model of the run with: of the model that the source names, else of the same model, else of the only
    one there; none of the control arm. Raises UsageProblem listing the models."""
    found, _ = apart(found)
    models = list(dict.fromkeys(result.model for result in found))
    wanted = source.model or (run_model if run_model in models else models[0] if len(models) == 1 else "")
    if wanted not in models:
        what = f"no trials of {wanted}" if wanted else f"several models, and {run_model} is none of them"
        raise UsageProblem(
            f"baseline {source.path}: holds {what}; name one as {source.path}::MODEL. It holds: {', '.join(models)}"
        )
    return [result for result in found if result.model == wanted]


_Item = tuple[str, str]
_Hashes = dict[_Item, set[tuple[tuple[str, str], ...]]]


def changes(old: Iterable[TrialResult], new: Iterable[TrialResult]) -> list[str]:
    """What differs, beside the model, on the items that both have: `prompts of ledger-breaks`, `agent configuration`. Empty where the
    two are comparable. Trials in error do not count, because they do not know what they were run with."""
    before, after = _hashes(old), _hashes(new)
    return _named(before, after, {key for hashes in (before, after) for key in _keys(hashes)})


def changes_of_suite(old: Iterable[TrialResult], suite: Suite, judges: str | None = None) -> list[str]:
    """What can be told before anything is run: how the suite and the judges (their digest; None where it does not matter) differ from
    the baseline's."""
    before, now = _hashes(old), {}  # type: tuple[_Hashes, _Hashes]
    for shipped in suite.scenarios:
        for variant in shipped.arms:
            recorded = _values(before.get((shipped.id, variant), set()), "environment")
            scenario = shipped.matching(next(iter(recorded), None))
            made = {"prompts": scenario.hashes[variant], **({} if judges is None else {"judges": judges})}
            made |= {key: scenario.hashes[key] for key in ("environment", "oracle")}
            now[scenario.id, variant] = {tuple(sorted(made.items()))}
    return _named(before, now, _keys(now))


def _named(before: _Hashes, after: _Hashes, keys: set[str]) -> list[str]:
    shared = before.keys() & after.keys()
    scenarios = {scenario for scenario, _ in shared}
    found = []
    for key in sorted(keys, key=lambda key: ([*MEANING, key].index(key), key)):
        other = {item[0] for item in shared if _values(before[item], key) != _values(after[item], key)}
        meaning = MEANING.get(key, key)
        if other:
            found.append(meaning if other == scenarios else f"{meaning} of {', '.join(sorted(other))}")
    return found


def _hashes(trials: Iterable[TrialResult]) -> _Hashes:
    found: _Hashes = {}
    for trial in trials:
        if not trial.error:
            found.setdefault((trial.scenario, trial.variant), set()).add(tuple(sorted(trial.hashes.items())))
    return found


def _keys(hashes: _Hashes) -> set[str]:
    return {key for several in hashes.values() for one in several for key, _ in one}


def _values(hashes: set[tuple[tuple[str, str], ...]], key: str) -> set[str | None]:
    return {dict(one).get(key) for one in hashes}


def compared(source: Source | str, found: Sequence[str], allowed: bool) -> tuple[str, ...]:
    """What the report must say of a comparison whose sides differ in what was `found` by `changes`: nothing where it is of like with
    like. Raises UsageProblem naming what changed, unless it is `allowed`, and then says that."""
    if not found:
        return ()
    what = "; ".join(found)
    if allowed:
        return (
            f"Compared with the baseline {source} by {ALLOW} though it is not like this run: changed are {what}.",
        )
    raise UsageProblem(
        f"baseline {source} cannot be compared with this run. Changed since then: {what}.\n"
        "A difference could come from that and not from the model. Make the baseline anew (--odcv-results=FILE), undo the change, or "
        f"compare all the same with {ALLOW}"
    )
