"""Is the new version worse than the baseline, or is it noise? And is it shown not to be? Reading baselines is in `results.baseline`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

from ..results.changes import KINDS, names
from ..results.run import ModelRun
from ..results.trial_result import TrialResult
from ..stats.margin import rise_interval
from ..stats.power import POWER
from ..stats.sequential import z_of
from . import rises
from .comparison import Comparison, Item, at_worst, comparison, mean_rise, scored, shared_items
from .measure import Look, unknown
from .result import Decision, GateResult
from .rises import Levels
from .spec import GateSpec
from .text import MOST_TIMES, between, count, epochs_option, estimand, listed, needed, percent, points

__all__ = ["comparison", "decide", "scored"]
_Decided = tuple[Decision, str, tuple[str, ...]]
"""The decision, for an inconclusive gate the reason in one sentence, and the parts of the text."""


def decide(
    spec: GateSpec,
    run: ModelRun,
    baseline: Sequence[TrialResult],
    look: Look | None = None,
    notes: Sequence[str] = (),
) -> GateResult:
    """Decide one regression gate on one model's trials and the baseline's, both narrowed to what the gate looks at.

    fail: worse beyond chance (for `not_worse_than_baseline`: by more than the margin), or the run is unfinished, shares nothing with
    the baseline, or lacks verdicts beyond `max_unknown`. pass: no worse than the baseline, on all of its items and with everything
    unknown at its worst, by a run that could have failed; with a margin, shown to be worse by less. Else inconclusive. `notes` open
    the text (say, that the two were compared though they are not alike).
    """
    found = comparison(baseline, run.results, spec.confidence)
    if found is None:
        return _nothing_shared(spec, run, notes)
    look = look or Look()
    gate = _Gate(spec, run, baseline, found, look)
    decision, reason, parts = gate.decided()
    severity = spec.metric == "severity_regression"
    return GateResult(
        name=spec.title,
        model=run.model,
        decision=decision,
        text=" ".join(part for part in (*notes, *parts) if part),
        reason=reason,
        metric=spec.metric,
        observed=found.severity_rise if severity else found.rise,
        interval=shown_interval(spec, found),
        trials=sum(result.known for result in run.results),
        moved=found.moved,
        inconclusive=spec.inconclusive,
        settled=look.epoch >= look.most or gate.settled(),
        shown=gate.fires,
    )


def is_shown(spec: GateSpec, run: ModelRun, baseline: Sequence[TrialResult], look: Look) -> bool:
    """Whether a look shows that the new version is worse."""
    found = comparison(baseline, run.results, spec.confidence)
    return found is not None and _Gate(spec, run, baseline, found, look).fires


def is_settled(spec: GateSpec, run: ModelRun, baseline: Sequence[TrialResult], look: Look) -> bool:
    """Whether further epochs would hardly change what the gate can say."""
    found = comparison(baseline, run.results, spec.confidence)
    return found is None or _Gate(spec, run, baseline, found, look).settled()


def outlook(spec: GateSpec, baseline: Sequence[TrialResult], epochs: int, look: Look) -> str:
    """Why a version that is like the baseline could not pass with so many epochs; empty where it could."""
    items = [item._replace(new=item.old[:1] * epochs) for item in shared_items(*[scored(baseline)] * 2)]
    if not items:
        return ""
    old = max(len(item.old) for item in items)
    levels = rises.levels(spec.alpha * look.share, old, look, spec.over)
    if spec.metric == "not_worse_than_baseline":
        return _margin_outlook(spec, items, old, epochs)
    power = rises.power_of(spec, rises.plan(items, look, levels))
    if power >= POWER:
        return ""
    rise = f"{spec.stated_alternative:g} in mean severity"
    rise = rise if spec.metric == "severity_regression" else points(spec.stated_alternative).lstrip("+")
    return (
        f"{count(len(items), 'item')}, {old} against {count(epochs, 'epoch')}, see a rise of {rise} in {percent(power)} of runs; "
        "odcv plan says how many epochs would do"
    )


def _margin_outlook(spec: GateSpec, items: Sequence[Item], old: int, epochs: int) -> str:
    """Expects as many violations as the baseline has."""
    same = [item._replace(new=(item.old * epochs)[:epochs]) for item in items]
    high = rise_interval([item.table for item in same], 1 - 2 * spec.alpha)[1]
    if high < spec.margin or spec.over == "scenarios":
        return ""
    return (
        f"{count(len(items), 'item')}, {old} against {count(epochs, 'epoch')}, leave room for a rise of {points(high)} though nothing "
        f"changed; the margin is {points(spec.margin)}. odcv plan says how many epochs would do"
    )


def _nothing_shared(spec: GateSpec, run: ModelRun, notes: Sequence[str]) -> GateResult:
    text = "The run and the baseline share no scored item, so there is nothing to compare and the gate cannot pass."
    lost = unknown(run)
    missing = f"Trials without a verdict: {listed(lost)}." if lost else ""
    whole = " ".join(part for part in (*notes, text, missing) if part)
    known = sum(result.known for result in run.results)
    return GateResult(
        spec.title, run.model, "fail", whole, spec.metric, trials=known, inconclusive=spec.inconclusive
    )


class _Gate:
    """One gate at one look."""

    def __init__(
        self,
        spec: GateSpec,
        run: ModelRun,
        baseline: Sequence[TrialResult],
        found: Comparison,
        look: Look,
    ) -> None:
        self.spec, self.run, self.found, self.look = spec, run, found, look
        self._baseline = baseline
        self.unknown = unknown(run)
        self.levels = self._levels(look, spec.alpha * look.share)
        self.level = self.levels.levels[look.epoch - 1]
        self.p = rises.p_worse(spec, found.items)
        self.fires = self.p <= self.level

    # --- deciding ---

    def settled(self) -> bool:
        if self.fires:
            return True
        futile = self.levels.futile(self.look.epoch, self.p)
        if self.spec.metric == "not_worse_than_baseline":
            return self.look.epoch >= self.look.most or self._shown_not_worse()
        enough = self.look.epoch >= self.look.most or self._excludes_alternative()
        return futile and (enough or self._power() >= POWER)

    def decided(self) -> _Decided:
        seen, found = self._seen(), self.found
        if self.fires:
            advice = "Compare the two versions' trials of these items first: odcv diff shows old and new findings side by side."
            return "fail", "", (*seen, "That is more than chance.", self._items(), advice)
        if not self.run.complete:
            text = "The run was not finished, so the gate cannot pass."
            return "fail", "", (text, *seen, self._items(), "Run it to its end.")
        if self.run.lost or len(self.unknown) > self.spec.max_unknown * len(self.run.results):
            text = f"{self._without_verdict()}, so the gate cannot pass."
            return "fail", "", (text, *seen, self._items())
        if found.only_new or found.only_old:
            reason = _unmatched(found)
            advice = "so the gate cannot pass: run the whole suite, or make the baseline anew."
            return "inconclusive", reason, (f"{reason}, {advice}", *seen, self._items())
        if self.spec.metric == "not_worse_than_baseline":
            return self._within_margin(seen)
        return self._no_worse(seen)

    def _no_worse(self, seen: tuple[str, ...]) -> _Decided:
        rise = self.found.severity_rise if self._severity else self.found.rise
        if rise > 0:
            reason = "Worse, but chance alone gives as much"
            return "inconclusive", reason, (*seen, f"{reason}.", self._items(), self._more())
        if self._worst_rise() > 0:
            reason = self._at_worst()
            return "inconclusive", reason, (*seen, f"{reason}. Get them judged.", self._items())
        if self._excludes_alternative():
            text = f"A rise of {self._alternative()} is ruled out."
            return "pass", "", (*seen, text, self._items())
        power = self._power()
        if power < POWER:
            reason = self._cannot_tell(power)
            return "inconclusive", reason, (*seen, f"{reason}.", self._items())
        return (
            "pass",
            "",
            (
                *seen,
                f"A rise of {self._alternative()} would fail in {percent(power)} of runs.",
                self._items(),
            ),
        )

    def _within_margin(self, seen: tuple[str, ...]) -> _Decided:
        margin = f"the margin of {points(self.spec.margin)}"
        if self._shown_not_worse():
            return "pass", "", (*seen, f"It is shown to be worse by less than {margin}.", self._items())
        high = rise_interval([item.table for item in self._worst_items()], 1 - 2 * self.spec.alpha)[1]
        reason = f"Not shown to be within {margin}"
        reason += f": the rise may be as large as {points(high)}" if self.spec.over == "trials" else ""
        lost = f"{self._at_worst()}." if self._lost_any() else ""
        advice = "odcv plan says how many epochs would show it."
        return "inconclusive", reason, (*seen, f"{reason}.", lost, self._items(), advice)

    # --- measuring ---

    @property
    def _severity(self) -> bool:
        return self.spec.metric == "severity_regression"

    def _worst_items(self) -> Sequence[Item]:
        """With everything unknown at its worst for the new version."""
        if not self._lost_any():
            return self.found.items
        return shared_items(*at_worst(self._baseline, self.run.results, self.run.lost))

    def _lost_any(self) -> bool:
        return bool(self.unknown) or any(not result.known for result in self._baseline)

    def _worst_rise(self) -> float:
        items = self._worst_items()
        return mean_rise(items, lambda item: item.severity_rise if self._severity else item.rise)

    def _shown_not_worse(self) -> bool:
        return self._shown_less(self.spec.margin)

    def _excludes_alternative(self) -> bool:
        return self._shown_less(self.spec.stated_alternative)

    def _levels(self, look: Look, alpha: float) -> Levels:
        return rises.levels(alpha, self.found.epochs[0], look, self.spec.over)

    def _shown_less(self, rise: float) -> bool:
        """Whether a rise as large as this is ruled out, with everything unknown at its worst."""
        own = self._levels(self.look, self.spec.alpha)
        return rises.p_less(self.spec, self._worst_items(), rise) <= own.levels[self.look.epoch - 1]

    def _power(self) -> float:
        return rises.power_of(self.spec, rises.plan(self.found.items, self.look, self.levels))

    # --- words ---

    def _seen(self) -> tuple[str, ...]:
        scenarios = len({item.scenario for item in self.found.items})
        return self._effect(), self._certainty(), estimand(self.spec.over, scenarios)

    def _effect(self) -> str:
        found = self.found
        if self._severity:
            what, old, new = "mean severity", f"{found.old_severity:.2f}", f"{found.new_severity:.2f}"
            change = f"{found.severity_rise:+.2f}{self._interval(self._shown_interval(), _signed)}"
        else:
            what, old, new = "violation rate", percent(found.old_rate), percent(found.new_rate)
            change = f"{points(found.rise)}{self._interval(self._shown_interval(), points)}"
        return (
            f"The {what} went from {old} (baseline, {found.old}) to {new} ({found.new}) on {count(len(found.items), 'item')}: "
            f"{change}."
        )

    def _shown_interval(self) -> tuple[float, float] | None:
        return shown_interval(self.spec, self.found)

    def _interval(self, interval: tuple[float, float] | None, show: Callable[[float], str]) -> str:
        return "" if interval is None else f", {between(interval, self.found.confidence, show)}"

    def _certainty(self) -> str:
        found, (old, new) = self.found, self.found.epochs
        text = (
            f"One-sided p {self.p:.2g} ({self._test()}, {old} against {count(new, 'epoch')}); "
            f"the gate fails up to {self.level:.2g}."
        )
        if self._severity:
            return text
        pairs = found.mcnemar
        if pairs is not None:
            text += f" McNemar exact: p {pairs.p_worse:.2g}, {pairs.second_only} items for the worse and {pairs.first_only} for the better."
        return (
            f"{text} Mean severity {found.old_severity:.2f} to {found.new_severity:.2f} "
            f"({found.severity_rise:+.2f}, p {found.shift.p_worse:.2g})."
        )

    def _test(self) -> str:
        if self.spec.metric == "not_worse_than_baseline":
            return f"score test of a rise of {points(self.spec.margin)}"
        if self.spec.over == "scenarios":
            return "signs of the scenarios' differences"
        if self._severity:
            return "permutation of each item's scores, mid-p"
        return self.found.worse.test

    def _items(self) -> str:
        parts = [(kind, names(self.found.moved, kind)) for kind in KINDS]
        return " ".join(f"{kind.capitalize()}: {listed(items)}." for kind, items in parts if items)

    def _without_verdict(self) -> str:
        return f"{count(len(self.unknown), 'trial')} without a verdict ({listed(self.unknown)})"

    def _at_worst(self) -> str:
        old = sum(not result.known for result in self._baseline)
        parts = [f"{self._without_verdict()} taken for violations"] if self.unknown else []
        parts += [f"{count(old, 'trial')} of the baseline without one taken for compliant"] if old else []
        change = f"{self._worst_rise():+.2f}" if self._severity else points(self._worst_rise())
        return f"With {' and '.join(parts)}, the change would be {change}"

    def _alternative(self) -> str:
        value = self.spec.stated_alternative
        return f"{value:g} in mean severity" if self._severity else points(value).lstrip("+")

    def _cannot_tell(self, power: float) -> str:
        old, new = self.found.epochs
        trials = sum(len(item.new) for item in self.found.items)
        text = (
            f"{count(trials, 'trial')} cannot tell no change from a rise of {self._alternative()}: {old} against "
            f"{count(new, 'epoch')} would see it in {percent(power)} of runs"
        )
        return f"{text}; {self._epochs_that_would(power)}"

    def _epochs_that_would(self, power: float) -> str:
        """The next numbers of epochs are tried out; the baseline stays as it is."""
        for epochs in (2, 3, 5, 10):
            if epochs > self.found.epochs[1] and self._power_with(epochs) >= POWER:
                return f"{epochs_option(epochs)} would in 4 of 5"
        return "the baseline needs more epochs as well"

    def _power_with(self, epochs: int) -> float:
        look = Look(epochs, epochs, self.look.share) if self.look.most > 1 else Look(share=self.look.share)
        levels = self._levels(look, self.spec.alpha * look.share)
        longer = [item._replace(new=item.new[:1] * epochs) for item in self.found.items]
        return rises.power_of(self.spec, rises.plan(longer, look, levels))

    def _more(self) -> str:
        """The baseline stays as it is, so that there is an end to what more trials of the new version can show."""
        old, new = self.found.epochs
        z, bound = z_of(self.p), z_of(self.level) + z_of(1.0 - POWER)

        def decides(times: int) -> bool:
            return z * sqrt(times * (old + new) / (old + times * new)) >= bound

        if not decides(MOST_TIMES):
            return f"More trials of this version alone would not decide it against {count(old, 'epoch')} of the baseline: record more of both."
        return needed(len(self.run.results), new, decides, "If the difference stays as it is,")


def shown_interval(spec: GateSpec, found: Comparison) -> tuple[float, float] | None:
    """Of the rise, for what the gate is about; None where nothing can be said."""
    if spec.over == "scenarios":
        return rises.interval_over_scenarios(spec, found.items)
    return found.severity_interval if spec.metric == "severity_regression" else found.rise_interval


def _signed(value: float) -> str:
    return f"{value:+.2f}"


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
    return " and ".join(parts)
