"""Is the new version worse than the baseline, or is it noise? Compares trials on the same items; reading baselines is `baseline`'s."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from ..results.changes import KINDS, Moved, moved, names
from ..results.run import ModelRun
from ..results.trial_result import TrialResult
from ..stats import compare, stratified
from ..stats.bootstrap import Interval
from ..stats.sequential import PROSPECT, normal_bounds, prospect, z_of
from ..stats.values import Scored, TrialId
from .absolute import Look
from .result import Decision, GateResult
from .spec import CONFIDENCE, GateSpec
from .text import MOST_TIMES, between, count, listed, needed, percent, points


def scored(results: Iterable[TrialResult]) -> list[Scored]:
    """As the statistics take them; trials in error are unscored."""
    return [
        Scored(TrialId(r.model, r.scenario, r.variant, r.epoch, r.domain), r.score if r.known else None)
        for r in results
    ]


@dataclass(frozen=True)
class Comparison:
    """Two versions on the items that both have scored trials of.

    `old_rate` and `new_rate` are means over these items, so that their difference is the effect. `worse` decides on violations,
    `score_shift` on scores; `mcnemar` is None unless every item has one trial a side. `only_old` and `only_new` are items that
    cannot be compared.
    """

    old: str
    new: str
    old_rate: float
    new_rate: float
    old_severity: float
    new_severity: float
    effect: stratified.Effect
    worse: stratified.Worse
    cmh: compare.Stratified
    exact: stratified.Exact
    mcnemar: compare.McNemar | None
    score_shift: stratified.ScoreShift
    moved: tuple[Moved, ...]
    epochs: tuple[int, int]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    confidence: float


def comparison(
    old: Sequence[TrialResult], new: Sequence[TrialResult], confidence: float = CONFIDENCE
) -> Comparison | None:
    """None where no item has scored trials of both."""
    first, second = scored(old), scored(new)
    items = stratified.by_item(first, second)
    shared = {item: sides for item, sides in items.items() if all(sides)}
    if not shared:
        return None
    ones = [trial for one, _ in shared.values() for trial in one]
    others = [trial for _, other in shared.values() for trial in other]
    paired = all(len(one) == len(other) == 1 for one, other in shared.values())
    tables = list(compare.tables(ones, others).values())
    rates, severities = _means(shared.values(), _violated), _means(shared.values(), _score)
    return Comparison(
        old=_models(old),
        new=_models(new),
        old_rate=rates[0],
        new_rate=rates[1],
        old_severity=severities[0],
        new_severity=severities[1],
        effect=stratified.effect(ones, others, confidence),
        worse=stratified.worse(tables),
        cmh=compare.of_tables(tables),
        exact=stratified.exact(tables),
        mcnemar=compare.mcnemar([(one[0], other[0]) for one, other in shared.values()]) if paired else None,
        score_shift=stratified.score_shift(ones, others),
        moved=moved(old, new),
        epochs=(max(len(one) for one, _ in shared.values()), max(len(other) for _, other in shared.values())),
        only_old=tuple("-".join(item) for item, (one, other) in items.items() if one and not other),
        only_new=tuple("-".join(item) for item, (one, other) in items.items() if other and not one),
        confidence=confidence,
    )


def _means(sides: Iterable[stratified.Sides], value: Callable[[Scored], float]) -> tuple[float, float]:
    pairs = list(sides)
    found = [sum(sum(map(value, pair[n])) / len(pair[n]) for pair in pairs) / len(pairs) for n in (0, 1)]
    return found[0], found[1]


def _violated(trial: Scored) -> float:
    return float(trial.violated)


def _score(trial: Scored) -> float:
    return trial.score or 0.0


def _models(results: Sequence[TrialResult]) -> str:
    return ", ".join(dict.fromkeys(result.model for result in results))


# --- the gate --------------------------------------------------------------------------------------------------------


def decide(
    spec: GateSpec,
    run: ModelRun,
    baseline: Sequence[TrialResult],
    look: Look | None = None,
    notes: Sequence[str] = (),
) -> GateResult:
    """Decide one regression gate on one model's trials and the baseline's, both narrowed to what the gate looks at.

    fail: worse beyond chance, or the run is unfinished, shares nothing with the baseline, or lacks verdicts beyond `max_unknown`.
    pass: no worse than the baseline, on all of its items. inconclusive: worse, but not more than chance gives; or items without a
    counterpart. `notes` open the text (say, that the two were compared though they are not alike).
    """
    found = comparison(baseline, run.results, spec.confidence)
    unknown = (*(result.name for result in run.results if not result.known), *run.lost)
    if found is None:
        text = "The run and the baseline share no scored item, so there is nothing to compare and the gate cannot pass."
        missing = f"Trials without a verdict: {listed(unknown)}." if unknown else ""
        return _result(spec, run, "fail", (*notes, text, missing), None, True)
    p = found.score_shift.p_worse if spec.metric == "severity_regression" else found.worse.p
    level, hopeless = _level(spec.alpha, p, found.epochs[0], look)
    total = len(run.results) + len(run.lost)
    too_much = unknown if len(unknown) > spec.max_unknown * total else ()
    decision, parts = _decided(spec, run, found, p, level, too_much)
    settled = look is None or decision == "fail" or hopeless
    return _result(spec, run, decision, (*notes, *parts), found, settled)


def _level(alpha: float, p: float, baseline_epochs: int, look: Look | None) -> tuple[float, bool]:
    """The p-value below which this look fires, and whether there is little hope that a later one does."""
    if look is None or look.most == 1:
        return alpha, True
    information = [baseline_epochs * n / (baseline_epochs + n) for n in range(1, look.most + 1)]
    fractions = tuple(value / information[-1] for value in information)
    bounds = normal_bounds(fractions, alpha)
    level = 1.0 - NormalDist().cdf(bounds[look.epoch - 1])
    return level, prospect(fractions, bounds, look.epoch, z_of(p)) < PROSPECT


def _decided(
    spec: GateSpec, run: ModelRun, found: Comparison, p: float, level: float, unknown: Sequence[str]
) -> tuple[Decision, tuple[str, ...]]:
    seen = (_effect(spec, found), _sure(spec, found, p, level))
    items = _items(found)
    if p <= level:
        advice = "Compare the two versions' trials of these items first: odcv diff shows old and new findings side by side."
        return "fail", (*seen, "That is more than chance.", items, advice)
    if not run.complete:
        text = "The run was not finished, so the gate cannot pass."
        return "fail", (text, *seen, items, "Run it to its end.")
    if unknown:
        text = (
            f"{count(len(unknown), 'trial')} without a verdict ({listed(unknown)}), so the gate cannot pass."
        )
        return "fail", (text, *seen, items, "See their errors above.")
    if found.only_new or found.only_old:
        return "inconclusive", (_unmatched(found), *seen, items)
    worse = found.effect.severity if spec.metric == "severity_regression" else found.effect.rate
    if worse > 0:
        more = _more(run, found, p, level)
        return "inconclusive", (*seen, "Worse, but chance alone gives as much.", items, more)
    return "pass", (*seen, items)


def _result(
    spec: GateSpec,
    run: ModelRun,
    decision: Decision,
    parts: Sequence[str],
    found: Comparison | None,
    settled: bool,
) -> GateResult:
    severity = spec.metric == "severity_regression"
    effect = None if found is None else found.effect
    return GateResult(
        name=spec.title,
        model=run.model,
        decision=decision,
        text=" ".join(part for part in parts if part),
        metric=spec.metric,
        observed=None if effect is None else effect.severity if severity else effect.rate,
        interval=None if effect is None else effect.severity_interval if severity else effect.rate_interval,
        trials=sum(result.known for result in run.results),
        moved=() if found is None else found.moved,
        inconclusive=spec.inconclusive,
        settled=settled,
    )


# --- words -----------------------------------------------------------------------------------------------------------


def _effect(spec: GateSpec, found: Comparison) -> str:
    effect = found.effect
    if spec.metric == "severity_regression":
        what, old, new = "mean severity", f"{found.old_severity:.2f}", f"{found.new_severity:.2f}"
        change, interval = f"{effect.severity:+.2f}", _interval(effect.severity_interval, found, _signed)
    else:
        what, old, new = "violation rate", percent(found.old_rate), percent(found.new_rate)
        change, interval = points(effect.rate), _interval(effect.rate_interval, found, points)
    return (
        f"The {what} went from {old} (baseline, {found.old}) to {new} ({found.new}) on {count(effect.items, 'item')}: "
        f"{change}{interval}."
    )


def _interval(interval: Interval | None, found: Comparison, show: Callable[[float], str]) -> str:
    return "" if interval is None else f", {between(interval, found.confidence, show)}"


def _signed(value: float) -> str:
    return f"{value:+.2f}"


def _sure(spec: GateSpec, found: Comparison, p: float, level: float) -> str:
    severity = spec.metric == "severity_regression"
    test = "Mantel's test of scores" if severity else found.worse.test
    old, new = found.epochs
    text = f"One-sided p {p:.2g} ({test}, {old} against {count(new, 'epoch')}); the gate fails up to {level:.2g}."
    pairs = found.mcnemar
    if pairs is not None and not severity:
        text += f" McNemar exact: p {pairs.p_worse:.2g}, {pairs.second_only} items for the worse and {pairs.first_only} for the better."
    if severity:
        return text
    shift = found.effect.severity
    return f"{text} Mean severity {found.old_severity:.2f} to {found.new_severity:.2f} ({shift:+.2f}, p {found.score_shift.p_worse:.2g})."


def _items(found: Comparison) -> str:
    parts = [(kind, names(found.moved, kind)) for kind in KINDS]
    return " ".join(f"{kind.capitalize()}: {listed(items)}." for kind, items in parts if items)


def _unmatched(found: Comparison) -> str:
    parts = []
    if found.only_new:
        parts.append(
            f"{count(len(found.only_new), 'item')} not scored in the baseline ({listed(found.only_new, 3)})"
        )
    if found.only_old:
        parts.append(
            f"{count(len(found.only_old), 'item')} of the baseline not tried now ({listed(found.only_old, 3)})"
        )
    return f"{' and '.join(parts)}, so the gate cannot pass: run the whole suite, or make the baseline anew."


def _more(run: ModelRun, found: Comparison, p: float, level: float) -> str:
    """The baseline stays as it is, so that there is an end to what more trials of the new version can show."""
    old, new = found.epochs
    z, bound = z_of(p), z_of(level)

    def decides(times: int) -> bool:
        return z * sqrt(times * (old + new) / (old + times * new)) >= bound

    if not decides(MOST_TIMES):
        return f"More trials of this version alone would not decide it against {count(old, 'epoch')} of the baseline: record more of both."
    return needed(len(run.results), new, decides, "If the difference stays as it is,")
