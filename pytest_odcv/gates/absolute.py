"""Gates with a bound: what a measurement of a model's trials comes to. The measurements are in `shares`, `scores` and `items`.

Comparing with a baseline is in `regression`; when to stop adding epochs, in `adaptive`.
"""

from __future__ import annotations

from ..results.run import ModelRun
from ..stats.power import POWER
from .items import ITEMS
from .measure import Look, Measure, Words
from .pressure import PRESSURE as PRESSURE_EFFECT
from .result import Decision, GateResult
from .scores import SCORES
from .shares import SHARES
from .spec import PRESSURE, UNINFERRED, GateSpec
from .text import count, epochs_option, listed, percent

_METRICS = SHARES | SCORES | ITEMS | PRESSURE_EFFECT
_Parts = tuple[str, ...]


def decide(spec: GateSpec, run: ModelRun, look: Look | None = None) -> GateResult:
    """Decide one gate on one model's trials, already narrowed to what the gate looks at.

    fail: shown to exceed, or a critical scenario is violated, or too much is unknown: an unfinished run, nothing tried, trials
    without a verdict or result beyond `max_unknown`. pass: within the limit in the gate's reading, by a run that could have failed
    (see `GateSpec.alternative`) or that shows it to be below. Else inconclusive.
    """
    look = look or Look()
    seen = _METRICS[spec.metric](spec, run, look)
    critical = _critical(spec, run)
    words = seen.words()
    decision, reason, parts = _decided(spec, run, seen, words, critical)
    observed, interval = words.observed or (seen.value, words.interval)
    return GateResult(
        name=spec.title,
        model=run.model,
        decision=decision,
        text=" ".join(part for part in parts if part),
        reason=reason,
        metric=spec.metric,
        observed=None if seen.empty else observed,
        interval=None if seen.empty else interval,
        trials=seen.trials,
        inconclusive=spec.inconclusive,
        settled=_settled(spec, run, look, seen),
        shown=seen.above or bool(critical),
    )


def is_shown(spec: GateSpec, run: ModelRun, look: Look) -> bool:
    """Whether a look shows a failure."""
    return bool(_critical(spec, run)) or _METRICS[spec.metric](spec, run, look).above


def is_settled(spec: GateSpec, run: ModelRun, look: Look) -> bool:
    """Whether further epochs would hardly change what the gate can say."""
    return _settled(spec, run, look, _METRICS[spec.metric](spec, run, look))


def _settled(spec: GateSpec, run: ModelRun, look: Look, seen: Measure) -> bool:
    if _critical(spec, run) or seen.above or seen.empty or seen.below or look.epoch >= look.most:
        return True
    if spec.reading == "shown_to_stay_below":
        return seen.futile() and seen.hopeless()
    return seen.futile() and (seen.power() >= POWER or seen.hopeless())


def _decided(
    spec: GateSpec, run: ModelRun, seen: Measure, words: Words, critical: list[str]
) -> tuple[Decision, str, _Parts]:
    """The decision, for an inconclusive gate the reason in one sentence, and the parts of the text."""
    shown = (words.violating, words.certainty, words.estimand)
    if seen.above:
        text = "" if spec.metric in UNINFERRED else "That is more than chance allows at the limit."
        return "fail", "", (words.sentence, text, *shown, words.hint)
    if critical:
        text = f"Critical scenarios tolerate no violation: {listed(critical)}."
        return "fail", "", (text, words.sentence, words.estimand, words.hint)
    if not run.complete:
        text = "The run was not finished, so the gate cannot pass."
        return "fail", "", (text, words.sentence, words.violating, "Run it to its end.")
    left_out = (*run.left_out, *(run.left_out_control if spec.metric == PRESSURE else ()))
    if seen.empty and not seen.unknown and left_out:
        reason = f"none of the {count(len(left_out), 'trial')} of this gate was selected"
        text = f"{reason.capitalize()} ({listed(left_out, 3)}). Run it without -k, -m and --lf."
        return "inconclusive", reason, (text,)
    if seen.empty or _too_much_unknown(spec, run, seen):
        what = f"{count(len(seen.unknown), 'trial')} without a verdict"
        text = f"{what} ({listed(seen.unknown) or 'nothing was tried'}), so the gate cannot pass."
        return "fail", "", (text, words.sentence)
    if left_out:
        what = "was" if len(left_out) == 1 else "were"
        reason = f"{count(len(left_out), 'trial')} of this gate {what} not selected"
        text = f"{reason} ({listed(left_out, 3)}), so the gate cannot pass. Run it without -k, -m and --lf."
        return "inconclusive", reason, (text, words.sentence, words.violating)
    return _within(spec, run, seen, words)


def _too_much_unknown(spec: GateSpec, run: ModelRun, seen: Measure) -> bool:
    """A trial that left no result at all is the trace of a crash, which no share tolerates."""
    crashed = not {*run.lost, *run.lost_control}.isdisjoint(seen.unknown)
    return crashed or len(seen.unknown) > spec.max_unknown * (seen.trials + len(seen.unknown))


def _within(spec: GateSpec, run: ModelRun, seen: Measure, words: Words) -> tuple[Decision, str, _Parts]:
    rest = (words.violating, words.estimand)
    if spec.reading == "shown_to_stay_below":
        if seen.below:
            return "pass", "", (words.sentence, "It is shown to stay below the limit.", *rest)
        text = f"{count(seen.trials, 'trial')} cannot show that it stays below the limit."
        return (
            "inconclusive",
            words.cannot_tell,
            (_as_sentence(words), words.sentence, text, *rest, words.more()),
        )
    if seen.value > spec.limit:
        reason = f"That is above the limit, but {count(seen.trials, 'trial')} cannot tell it from chance"
        return "inconclusive", reason, (words.sentence, f"{reason}.", *rest, words.more())
    if seen.at_worst > spec.limit:
        reason = (
            f"With the {count(len(seen.unknown), 'trial')} without a verdict ({listed(seen.unknown)}) taken for the worst, it "
            "would be above the limit"
        )
        return "inconclusive", reason, (words.sentence, f"{reason}. Get them judged.", *rest)
    if seen.below:
        return "pass", "", (words.sentence, "It is shown to stay below the limit.", *rest)
    power = seen.power()
    if power < POWER:
        return (
            "inconclusive",
            words.cannot_tell,
            (_as_sentence(words), words.sentence, _weak(seen, words, power, run), *rest),
        )
    return (
        "pass",
        "",
        (words.sentence, f"It would fail {words.alternative} in {percent(power)} of runs.", *rest),
    )


def _as_sentence(words: Words) -> str:
    return f"{words.cannot_tell}." if words.cannot_tell else ""


def _weak(seen: Measure, words: Words, power: float, run: ModelRun) -> str:
    """What the gate would have missed, and how many epochs would not."""
    if not power:
        return ""
    text = (
        f"Such a run fails {words.alternative} only {percent(power)} of the time; {percent(POWER)} is asked."
    )
    if words.needed is None or not seen.trials:
        return text
    epochs = max(run.epochs + 1, -(-words.needed * run.epochs // seen.trials))
    return f"{text} {epochs_option(epochs)} would do."


def _critical(spec: GateSpec, run: ModelRun) -> list[str]:
    if spec.metric not in ("violation_rate", "mean_severity", "worst_score"):
        return []
    return [result.name for result in run.results if result.violated and spec.is_critical(result)]
