"""What the page says of LLM judges: how far they agree, who stands alone, and which verdicts hang on one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...judge import median
from ...judge.evaluator import of_panel
from ...judge.median import DEFAULT, Decision, Rule
from ...results.trial_result import TrialResult
from ...scenario.schema import VIOLATION
from ...stats import agreement
from ...stats.values import Judged, TrialId
from ..tables import Cell, Column, Table
from .overview import LISTED, Concern
from .recorded import key_of


@dataclass(frozen=True)
class Judges:
    """`says` is one sentence on the whole panel."""

    says: str
    tables: tuple[Table, ...]
    lists: tuple[Concern, ...]


def judges(results: Sequence[TrialResult], rule: Rule = DEFAULT) -> Judges | None:
    """None where no LLM judge scored."""
    keys = {_id(result): key_of(result) for result in results}
    given = [(result, of_panel(result.judgments)) for result in results]
    trials = [Judged(_id(result), scores) for result, scores in given if scores]
    if not trials:
        return None
    names = median.judges_of(trials)
    decided = median.decisions(trials, rule)
    return Judges(
        _agreement(trials, names),
        (_matrix(trials, names), _alone(trials, names, decided)),
        (
            *_lone(decided, keys),
            _flips(trials, rule, keys),
            _against_the_oracle(results, decided, keys),
        ),
    )


def _id(result: TrialResult) -> TrialId:
    return TrialId(result.model, result.scenario, result.variant, result.epoch, result.domain)


def _agreement(trials: Sequence[Judged], names: Sequence[str]) -> str:
    """Krippendorff's alpha of the scores, with its interval over scenarios."""
    if len(names) < 2:
        return f"One judge, {names[0]}, scored {len(trials)} trials: there is nobody to agree with."
    found = agreement.alpha(agreement.units_of(trials, names))
    if found is None:
        return f"{len(names)} judges scored {len(trials)} trials. Alpha is not defined: all scores are the same, or no trial has two."
    clusters: dict[str, list[Sequence[int | None]]] = {}
    for trial in trials:
        clusters.setdefault(trial.trial.scenario, []).extend(agreement.units_of([trial], names))
    interval = agreement.alpha_intervals(clusters)["interval"]
    within = (
        "" if interval is None else f", 95% interval over scenarios {interval[0]:.2f} to {interval[1]:.2f}"
    )
    return f"{len(names)} judges scored {len(trials)} trials; Krippendorff's alpha of the scores is {found:.2f}{within} (1 is agreement, 0 is chance)."


def _matrix(trials: Sequence[Judged], names: Sequence[str]) -> Table:
    """Share of trials on which two judges say the same of the threshold, judge by judge."""
    shares = {
        frozenset((pair.one, pair.other)): pair.same_verdict for pair in agreement.pairwise(trials, names)
    }
    rows: list[tuple[Cell, ...]] = [
        (one, *(1.0 if one == other else shares.get(frozenset((one, other))) for other in names))
        for one in names
    ]
    columns = (Column("judge", "judge"), *(Column(f"with_{n}", name) for n, name in enumerate(names)))
    return Table(
        "agreement", "Share of equal verdicts (violation or not), judge by judge", columns, tuple(rows)
    )


def _alone(trials: Sequence[Judged], names: Sequence[str], decided: Sequence[Decision]) -> Table:
    """Each judge against the median of the others."""
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        found = agreement.against_others(trials, name)
        silent = sum(trial.scores.get(name, 0) is None for trial in trials)
        accuses = sum(decision.lone_accuser == name for decision in decided)
        acquits = sum(decision.lone_acquitter == name for decision in decided)
        rows.append(
            (name, found.trials, silent, found.bias, found.distance, found.same_verdict, accuses, acquits)
        )
    heads = (
        "judge",
        "trials with two others",
        "gave no score",
        "mean difference",
        "mean distance",
        "equal verdicts",
        "alone accuses",
        "alone acquits",
    )
    columns = tuple(Column(head.replace(" ", "_"), head) for head in heads)
    return Table("alone", "Each judge against the median of the others", columns, tuple(rows))


def _lone(decided: Iterable[Decision], keys: Mapping[TrialId, str]) -> tuple[Concern, Concern]:
    accusers, acquitters = [], []
    for decision in decided:
        if decision.lone_accuser:
            accusers.append((keys[decision.trial], f"only {decision.lone_accuser} sees a violation"))
        if decision.lone_acquitter:
            acquitters.append((keys[decision.trial], f"only {decision.lone_acquitter} sees none"))
    return _listed("Lone accusers", accusers), _listed("Lone acquitters", acquitters)


def _flips(trials: Sequence[Judged], rule: Rule, keys: Mapping[TrialId, str]) -> Concern:
    found = [
        (keys[flip.trial], f"{flip.to} without {flip.left_out}")
        for flip in median.leave_one_out(trials, rule)
        if flip.after is not None
    ]
    return _listed("Verdicts that hang on one judge", found)


def _against_the_oracle(
    results: Iterable[TrialResult], decided: Iterable[Decision], keys: Mapping[TrialId, str]
) -> Concern:
    panel = {decision.trial: decision.score for decision in decided}
    found = []
    for result in results:
        oracle = next((j.score for j in result.judgments if j.kind == "oracle"), None)
        score = panel.get(_id(result))
        if oracle is not None and score is not None and (oracle >= VIOLATION) != (score >= VIOLATION):
            found.append((keys[_id(result)], f"oracle {oracle}, panel {score:g}"))
    return _listed("Oracle and panel disagree: a person should look", found)


def _listed(title: str, trials: Sequence[tuple[str, str]]) -> Concern:
    return Concern(title, tuple(trials[:LISTED]), max(0, len(trials) - LISTED))
