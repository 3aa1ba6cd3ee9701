"""`odcv judges`: how far a panel's judges agree, lean and drift, and what another panel would have said."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from math import comb
from pathlib import Path
from statistics import fmean, median

from ..errors import UsageProblem
from ..judge import median as panel
from ..report.tables import FORMATS, Cell, Column, Table, render
from ..stats import agreement, rates
from ..stats.values import VIOLATION, Judged
from . import study as studies
from .scores import chosen
from .study import ORACLE, Study

_PANELS_A_SIZE = 20
"""Panels weighed for each size; of more, as many are taken at even distances."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=studies.PLACES)
    parser.add_argument(
        "--again", type=Path, metavar="PATH2", help="a second judging of the same trials: report the drift"
    )
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.add_argument(
        "--table", metavar="NAME", help="only this table, e.g. alpha; csv of one table has no title line"
    )


def run(args: argparse.Namespace) -> int:
    """Prints the tables. Raises OdcvError for input that cannot be used."""
    study = studies.load(*args.paths)
    tables = drift_tables(study, studies.load(args.again)) if args.again else all_tables(study)
    print(render(chosen(tables, args.table), args.format), end="")
    return 0


def all_tables(study: Study) -> list[Table]:
    """Raises UsageProblem where there are fewer than two judges: agreement needs two."""
    judges = panel.judges_of(study.judged)
    if len(judges) < 2:
        raise UsageProblem(
            f"expected trials judged by two judges or more beside the oracle, found {', '.join(judges) or 'none'}"
        )
    return [
        alpha_table(study, judges),
        pairs_table(study, judges),
        bias_table(study, judges),
        leave_one_out_table(study, judges),
        sizes_table(study, judges),
        fragile_table(study),
        exclusion_table(study),
    ]


def alpha_table(study: Study, judges: Sequence[str]) -> Table:
    """All forms of Krippendorff's alpha, with judges on their own family's models included and excluded."""
    rows: list[tuple[Cell, ...]] = []
    for label, trials in (("yes", study.judged), ("no", _without_own(study))):
        units: dict[str, list[list[int | None]]] = {}
        for trial in trials:
            units.setdefault(trial.trial.scenario, []).append([trial.scores.get(judge) for judge in judges])
        verdicts = {scenario: agreement.verdicts(of) for scenario, of in units.items()}
        metrics: tuple[agreement.Metric, ...] = ("interval", "ordinal", "nominal")
        rows += [(metric, label, *cells) for metric, cells in _alphas(units, metrics)]
        rows += [("verdict (score >= 3)", label, *cells) for _, cells in _alphas(verdicts, ("nominal",))]
    columns = (
        Column("form", "form"),
        Column("self_judging", "self-judging"),
        Column("alpha", "alpha", digits=4),
        Column("alpha_95", "95%", digits=3, interval=True),
    )
    return Table("alpha", f"Krippendorff's alpha of {len(judges)} judges", columns, tuple(rows), study.notes)


def _alphas(
    units: dict[str, list[list[int | None]]], metrics: Sequence[agreement.Metric]
) -> list[tuple[str, tuple[Cell, ...]]]:
    """Each metric with its alpha and interval."""
    everything = [unit for of in units.values() for unit in of]
    intervals = agreement.alpha_intervals(units, metrics)
    return [(metric, (agreement.alpha(everything, metric), intervals[metric])) for metric in metrics]


def pairs_table(study: Study, judges: Sequence[str]) -> Table:
    """Every pair of judges, the oracle among them where it spoke."""
    trials = [
        replace(t, scores={**t.scores, ORACLE: study.oracle[t.trial]}) if t.trial in study.oracle else t
        for t in study.judged
    ]
    names = [*judges, ORACLE] if study.oracle else list(judges)
    columns = (Column("one", "judge"), Column("other", "judge"), *_AGREEMENT)
    rows = tuple(
        (pair.one, pair.other, *_agreement_cells(pair)) for pair in agreement.pairwise(trials, names)
    )
    return Table("pairs", "Pairs of judges on the trials that both scored", columns, rows)


_AGREEMENT = (
    Column("trials", "trials"),
    Column("same_score_percent", "same score %"),
    Column("same_verdict_percent", "same verdict %"),
    Column("kappa_score", "kappa", digits=2),
    Column("kappa_verdict", "kappa verdict", digits=2),
)


def _agreement_cells(pair: agreement.PairAgreement) -> tuple[Cell, ...]:
    return (
        pair.trials,
        _percent(pair.same_score),
        _percent(pair.same_verdict),
        pair.kappa_score,
        pair.kappa_verdict,
    )


def bias_table(study: Study, judges: Sequence[str]) -> Table:
    """Each judge against the median of the others, and as the only judge."""
    columns = (
        Column("judge", "judge"),
        Column("trials", "trials"),
        Column("unscored", "n/a"),
        Column("bias", "bias", digits=2),
        Column("distance", "dist.", digits=2),
        Column("same_verdict_percent", "same verdict %"),
        Column("stricter", "stricter"),
        Column("milder", "milder"),
        Column("rate_percent", "rate alone %"),
        Column("lone_accuser", "lone accuser"),
        Column("lone_acquitter", "lone acquitter"),
    )
    decided = panel.decisions(study.judged, study.rule)
    accusers = Counter(decision.lone_accuser for decision in decided)
    acquitters = Counter(decision.lone_acquitter for decision in decided)
    rows = []
    for judge in judges:
        against = agreement.against_others(study.judged, judge)
        given = [trial.scores[judge] for trial in study.judged if judge in trial.scores]
        scores = [score for score in given if score is not None]
        alone = 100 * fmean(score >= VIOLATION for score in scores) if scores else None
        found = (
            judge,
            against.trials,
            len(given) - len(scores),
            against.bias,
            against.distance,
            _percent(against.same_verdict),
        )
        rows.append((*found, against.stricter, against.milder, alone, accusers[judge], acquitters[judge]))
    notes = (
        "Bias: the judge's mean score minus the mean of the others' median. Stricter, milder: trials on which only the judge, "
        "or only the others' median, is a violation. Lone: against all others that count, three or more in all.",
    )
    return Table("bias", "Each judge against the median of the others", columns, tuple(rows), notes)


def leave_one_out_table(study: Study, judges: Sequence[str]) -> Table:
    """Each model's rate in percent by the whole panel, and without each judge in turn."""
    panels = {"": study.judged, **{judge: panel.without(study.judged, judge) for judge in judges}}
    by_panel = {name: _rates(trials, study.rule) for name, trials in panels.items()}
    columns = [Column("model", "model"), Column("rate_percent", "panel %")]
    columns += [Column(f"rate_percent_without_{judge}", f"-{judge}") for judge in judges]
    columns.append(Column("span", "span"))
    rows = []
    for model in by_panel[""]:
        found = [by_panel[name][model] for name in panels]
        known = [rate for rate in found if rate is not None]
        rows.append((model, *found, max(known) - min(known) if known else None))
    return Table(
        "leave-one-out", "Each model's violation rate when one judge is left out", tuple(columns), tuple(rows)
    )


def sizes_table(study: Study, judges: Sequence[str]) -> Table:
    """Panels of each size out of these judges, judging everything themselves: self-exclusion would make even panels odd."""
    rule = replace(study.rule, families=None)
    rows: list[tuple[Cell, ...]] = []
    for size in range(1, len(judges) + 1):
        panels = _some(list(combinations(judges, size)))
        decided = [panel.decisions(panel.only(study.judged, names), rule) for names in panels]
        by_panel = [rates.rates((d.scored for d in ds), lambda trial: trial.model) for ds in decided]
        spans = [_span([by[model].rate for by in by_panel]) for model in by_panel[0]]
        scored = [d for ds in decided for d in ds if d.score is not None]
        rows.append(
            (
                size,
                f"{len(panels)} of {comb(len(judges), size)}",
                100 * fmean(d.scored.violated for d in scored) if scored else None,
                median(spans) if len(panels) > 1 else None,
                max(spans) if len(panels) > 1 else None,
                100 * fmean(d.between for d in scored) if scored else None,
                100 * fmean(d.tied for d in scored) if scored else None,
            )
        )
    columns = (
        Column("size", "judges"),
        Column("panels", "panels"),
        Column("rate_percent", "rate %"),
        Column("median_span", "median span"),
        Column("largest_span", "largest span"),
        Column("between_percent", "between %"),
        Column("tied_percent", "tied %"),
    )
    notes = (
        "Span: by how many points a model's rate differs between panels of that size. Between: the median lies between two "
        "scores. Tied: half of the judges see a violation and half do not. Nobody is left out on their own model here.",
    )
    return Table("sizes", "What panels of other sizes would have said", columns, tuple(rows), notes)


def fragile_table(study: Study) -> Table:
    """The trials whose verdict hangs on one judge, with the judges without whom it flips."""
    by_trial: dict[object, list[panel.Flip]] = {}
    for flip in panel.leave_one_out(study.judged, study.rule):
        by_trial.setdefault(flip.trial, []).append(flip)
    columns = (
        Column("model", "model"),
        Column("scenario", "scenario"),
        Column("variant", "variant"),
        Column("epoch", "epoch", data_only=True),
        Column("score", "score"),
        Column("becomes", "becomes", data_only=True),
        Column("flips_without", "flips without"),
    )
    rows = []
    for found in by_trial.values():
        trial, becomes = found[0].trial, "/".join(sorted({flip.to for flip in found}))
        without = ",".join(flip.left_out for flip in found)
        rows.append(
            (trial.model, trial.scenario, trial.variant, trial.epoch, found[0].before, becomes, without)
        )
    scored = sum(decision.score is not None for decision in panel.decisions(study.judged, study.rule))
    title = f"{len(rows)} of {scored} verdicts hang on one judge: without it they flip or lack a quorum"
    return Table("fragile", title, columns, tuple(sorted(rows, key=lambda row: row[:4])), text_rows=20)


def exclusion_table(study: Study) -> Table:
    """The verdicts that self-exclusion changed."""
    found = panel.exclusion_flips(study.judged, study.rule)
    decided = panel.decisions(study.judged, study.rule)
    concerned = sum(bool(decision.excluded) and bool(decision.counted) for decision in decided)
    columns = (
        Column("model", "model"),
        Column("scenario", "scenario"),
        Column("variant", "variant"),
        Column("epoch", "epoch", data_only=True),
        Column("with", "with"),
        Column("without", "without"),
        Column("becomes", "becomes"),
    )
    rows = tuple((*_place(flip), flip.before, flip.after, flip.to) for flip in found)
    title = f"Leaving judges out on their own models flips {len(found)} of {concerned} verdicts"
    return Table("self-exclusion", title, columns, rows)


def drift_tables(before: Study, after: Study) -> list[Table]:
    """Two judgings of the same trials. Raises UsageProblem where they share no judge or no trial."""
    again = {judged.trial: judged for judged in after.judged}
    pairs = [(judged, again[judged.trial]) for judged in before.judged if judged.trial in again]
    judges = [judge for judge in panel.judges_of(before.judged) if judge in panel.judges_of(after.judged)]
    if not pairs or not judges:
        raise UsageProblem(
            f"--again: the two judgings share {len(pairs)} trials and {len(judges)} judges; expected some of both"
        )
    missing = len(before.judged) + len(after.judged) - 2 * len(pairs)
    notes = (f"{missing} trials are in one of the two only and were left out.",) if missing else ()
    return [_judge_drift(pairs, judges, notes), _verdict_drift(before, after)]


def _judge_drift(
    pairs: Sequence[tuple[Judged, Judged]], judges: Sequence[str], notes: tuple[str, ...]
) -> Table:
    columns = (
        Column("judge", "judge"),
        *_AGREEMENT,
        Column("shift", "shift", digits=2),
        Column("lost", "n/a on a side"),
    )
    rows = []
    for judge in judges:
        asked = [
            (one.scores[judge], two.scores[judge])
            for one, two in pairs
            if judge in one.scores and judge in two.scores
        ]
        both = [(a, b) for a, b in asked if a is not None and b is not None]
        shift = fmean(b - a for a, b in both) if both else None
        lost = sum((a is None) != (b is None) for a, b in asked)
        rows.append((judge, *_agreement_cells(agreement.compare(judge, judge, both)), shift, lost))
    return Table(
        "drift", "Each judge against itself, second judging minus first", columns, tuple(rows), notes
    )


def _verdict_drift(before: Study, after: Study) -> Table:
    again = {verdict.trial: verdict for verdict in after.verdicts}
    pairs = [(one, again[one.trial]) for one in before.verdicts if one.trial in again]
    columns = (
        Column("model", "model"),
        Column("trials", "trials"),
        Column("rate_before", "rate %"),
        Column("rate_after", "again %"),
        Column("to_violating", "now violating"),
        Column("to_safe", "now safe"),
        Column("to_unscored", "now unscored"),
    )
    rows = []
    for model in sorted({one.trial.model for one, _ in pairs}):
        own = [(one, two) for one, two in pairs if one.trial.model == model]
        to = Counter(_state(two.score) for one, two in own if _state(one.score) != _state(two.score))
        first, second = (_percent(rates.rate(side).rate) for side in zip(*own, strict=True))
        rows.append((model, len(own), first, second, to["violating"], to["safe"], to["unscored"]))
    return Table("verdict-drift", "Verdicts of the two judgings", columns, tuple(rows))


def _state(score: float | None) -> str:
    if score is None:
        return "unscored"
    return "violating" if score >= VIOLATION else "safe"


def _rates(trials: Iterable[Judged], rule: panel.Rule) -> dict[str, float | None]:
    """Violation rate of each model in percent, models in order of their names."""
    verdicts = (decision.scored for decision in panel.decisions(trials, rule))
    return {
        model: _percent(found.rate)
        for model, found in sorted(rates.rates(verdicts, lambda trial: trial.model).items())
    }


def _without_own(study: Study) -> list[Judged]:
    """The trials without the scores of judges that the rule leaves out."""
    return [
        replace(t, scores={j: s for j, s in t.scores.items() if not study.rule.excludes(j, t.trial.model)})
        for t in study.judged
    ]


def _some(panels: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    step = max(1.0, len(panels) / _PANELS_A_SIZE)
    return [panels[int(position * step)] for position in range(min(len(panels), _PANELS_A_SIZE))]


def _span(shares: Sequence[float | None]) -> float:
    known = [share for share in shares if share is not None]
    return 100 * (max(known) - min(known)) if known else 0.0


def _place(flip: panel.Flip) -> tuple[str, str, str, int]:
    return (flip.trial.model, flip.trial.scenario, flip.trial.variant, flip.trial.epoch)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
