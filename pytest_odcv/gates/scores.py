"""Gates on scores: how severe trials are on average, and the worst that was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from ..results.run import ModelRun
from ..results.trial_result import TrialResult
from ..stats import binomial, bounded, clusters, power, sequential
from ..stats.sequential import DOUBT, count_power, normal_bounds
from ..stats.tilted import p_above
from .measure import Look, Measure, Words, always, counted, of_name, sizes, unknown
from .shares import LOOK
from .spec import TOP, GateSpec
from .text import between, count, estimand, exactly, listed, needed, percent, short, two_digits


@dataclass(frozen=True)
class _Test:
    """What the scores of one look come to: the p-value, the level that fires, and bounds of the mean."""

    p: float
    level: float
    below: bool
    futile: Callable[[], bool]
    hopeless: Callable[[], bool]
    interval: Callable[[], tuple[float, float]]
    power: Callable[[], float]


def mean_severity(spec: GateSpec, run: ModelRun, look: Look) -> Measure:
    """Reweighted scores (`stats.tilted`) show that the mean is above the limit; a bound for any distribution, that it is below."""
    known = [result for result in run.results if result.known]
    scores, lost, limit = [result.score or 0.0 for result in known], unknown(run), spec.limit
    n, whole = len(scores), len(scores) + len(lost)
    mean = sum(scores) / n if n else 0.0
    if spec.over == "scenarios":
        test = _over_scenarios(spec, known, lost, look)
    else:
        test = _on_these(spec, known, lost, look)

    def words() -> Words:
        high, interval = _above(known, limit), test.interval()
        shown = (
            f"{two_digits(mean)} ({between(interval, spec.confidence, two_digits)}); the limit is {limit:g}."
        )
        sentence = f"The mean severity of {count(n, 'scored trial')} is {shown}"
        return Words(
            interval=interval,
            sentence=sentence if n else "No trial was scored.",
            estimand=estimand(spec.over, len(_means(known))),
            violating=f"Above the limit: {listed([r.name for r in high])}." if high else "",
            certainty=f"One-sided p {test.p:.2g} for a mean above {limit:g}; the gate fails up to {test.level:.2g}.",
            cannot_tell=cannot_tell(spec, n, mean, len(lost), len(_means(known))),
            alternative=f"a true mean of {spec.stated_alternative:g}",
            hint=LOOK,
            needed=_needed(spec),
            more=partial(_more, spec, scores, run.epochs),
        )

    return Measure(
        value=mean,
        at_worst=(mean * n + TOP * len(lost)) / whole if whole else 0.0,
        trials=n,
        above=bool(n) and test.p <= test.level,
        below=bool(n) and test.below,
        futile=test.futile,
        hopeless=test.hopeless,
        power=test.power,
        words=words,
        unknown=lost,
        empty=not n,
    )


def _on_these(spec: GateSpec, known: Sequence[TrialResult], lost: Sequence[str], look: Look) -> _Test:
    scores = [result.score or 0.0 for result in known]
    planned = sizes([counted(result, False) for result in known], look)
    levels = _levels(spec.alpha * look.share, look)
    n, u = len(scores), len(lost)
    worst = (sum(scores) + TOP * u) / (n + u) / TOP if n + u else 0.0
    below = 1.0 - sequential.alpha_of_look(spec.alpha, look.epoch, look.most)
    last = look.epoch >= look.most
    return _Test(
        p=p_above(Counter(scores), spec.limit),
        level=levels[look.epoch - 1],
        below=TOP * bounded.upper_bound(worst, n + u, below) < spec.limit,
        futile=lambda: (
            last or TOP * bounded.upper_bound(sum(scores) / n / TOP if n else 0.0, n, DOUBT) <= spec.limit
        ),
        hopeless=lambda: last or TOP * bounded.upper_bound(worst, planned[-1] + u, below) >= spec.limit,
        interval=partial(_interval, scores, spec.confidence),
        power=lambda: _two_point_power(planned, spec.limit, levels, spec.stated_alternative),
    )


def _over_scenarios(spec: GateSpec, known: Sequence[TrialResult], lost: Sequence[str], look: Look) -> _Test:
    means, n = _means(known), len(known)
    worst = [TOP * rate for rate in _worst_means(known, lost)]
    level, ends = (look.alpha(spec.alpha * look.share, epoch) for epoch in (look.epoch, look.most))
    below = 1.0 - look.alpha(spec.alpha, look.epoch)
    half, last = (1.0 + spec.confidence) / 2, look.epoch >= look.most
    worth = clusters.worth(round(n * look.most / look.epoch), len(means))
    return _Test(
        p=clusters.p_above(means, spec.limit),
        level=level,
        below=clusters.upper_bound(worst, below, TOP) < spec.limit,
        futile=lambda: last or clusters.upper_bound(means, DOUBT, TOP) <= spec.limit,
        hopeless=lambda: last or clusters.upper_bound([0.0] * len(means), below, TOP) >= spec.limit,
        interval=lambda: (clusters.lower_bound(means, half, TOP), clusters.upper_bound(means, half, TOP)),
        power=lambda: _two_point_power((worth,), spec.limit, (ends,), spec.stated_alternative),
    )


def _levels(alpha: float, look: Look) -> tuple[float, ...]:
    """The p-value up to which each look fires."""
    if look.most == 1:
        return (alpha,)
    return tuple(sequential.p_of(z) for z in normal_bounds(look.fractions, alpha))


def _means(known: Sequence[TrialResult]) -> list[float]:
    found: dict[str, list[float]] = {}
    for result in known:
        found.setdefault(result.scenario, []).append(result.score or 0.0)
    return [sum(scores) / len(scores) for scores in found.values()]


def _worst_means(known: Sequence[TrialResult], lost: Sequence[str]) -> list[float]:
    """Of each scenario as a share of the worst score, with lost trials at the worst."""
    found: dict[str, list[float]] = {}
    for result in known:
        found.setdefault(result.scenario, []).append((result.score or 0.0) / TOP)
    for name in lost:
        found.setdefault(of_name(name, True).scenario, []).append(1.0)
    return [sum(scores) / len(scores) for scores in found.values()]


def _interval(scores: Sequence[float], confidence: float) -> tuple[float, float]:
    n, half = len(scores), (1.0 + confidence) / 2
    mean = sum(scores) / n / TOP if n else 0.0
    return (
        TOP * bounded.lower_bound(mean, n, half) if n else 0.0,
        TOP * bounded.upper_bound(mean, n, half),
    )


@lru_cache(maxsize=256)
def _two_point_power(
    planned: tuple[int, ...], limit: float, levels: tuple[float, ...], alternative: float
) -> float:
    """How often the gate fails where trials score 0 or 5 with this mean: of all distributions the hardest to see through."""
    if limit >= TOP or not planned[-1]:
        return 0.0
    bounds = tuple(_fires_from(n, limit, level) for n, level in zip(planned, levels, strict=True))
    stops = tuple(_futile_up_to(n, limit) for n in planned)
    return count_power(planned, bounds, alternative / TOP, stops)


def _fires_from(n: int, limit: float, level: float) -> int:
    low, high = -1, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        fires = p_above({0.0: n - middle, TOP: middle}, limit) <= level
        low, high = (low, middle) if fires else (middle, high)
    return high


def _futile_up_to(n: int, limit: float) -> int:
    low, high = -1, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        futile = TOP * bounded.upper_bound(middle / max(1, n), n, DOUBT) <= limit
        low, high = (middle, high) if futile else (low, middle)
    return low


def _needed(spec: GateSpec) -> int | None:
    """Trials from which on the gate could pass: those of the share of 5s among 0s that has the same mean."""
    limit, alternative = spec.limit / TOP, spec.stated_alternative / TOP
    return power.trials_needed(limit, alternative, power.POWER, spec.confidence)


def cannot_tell(spec: GateSpec, n: int, mean: float = 0.0, lost: int = 0, scenarios: int = 0) -> str:
    """The sentence for a number of trials from which a gate on the mean cannot pass; also before they are run."""
    if spec.limit >= TOP:
        return f"No mean exceeds {TOP:g}, so this gate cannot fail"
    over = spec.over == "scenarios"
    worst = (mean * n + TOP * lost) / max(1, n + lost)
    units = scenarios if over else n + lost
    upper = TOP * bounded.upper_bound(worst / TOP, units, spec.confidence)
    who = f"{count(n, 'trial')} of {count(scenarios, 'scenario')}" if over else count(n, "trial")
    told = f"{who} cannot tell a mean of {spec.limit:g} from {upper:.2g}"
    told += " over scenarios like these" if over else ""
    clean = power.clean_trials_needed(spec.limit / TOP, spec.confidence)
    if clean is not None and not mean:
        return f"{told}; {clean} clean {'scenarios' if over else 'ones'} would show it"
    return f"{told}; {_needed(spec)} trials would see {spec.stated_alternative:g} in 4 of 5 runs"


def _more(spec: GateSpec, scores: Sequence[float], epochs: int) -> str:
    """How many trials would decide if scores go on like this; the chance that they do is one half where they barely decide, so that
    the limit is moved as far as one standard error of four out of five runs."""
    n, limit = len(scores), spec.limit
    mean = sum(scores) / n if n else 0.0
    variance = sum((score - mean) ** 2 for score in scores) / n if n else 0.0

    def decides(times: int) -> bool:
        slack = sequential.z_of(1.0 - power.POWER) * (variance / (n * times)) ** 0.5
        if mean > limit:
            return p_above(_repeated(scores, times), limit + slack) <= spec.alpha
        upper = bounded.upper_bound(min(1.0, (mean + slack) / TOP), n * times, spec.confidence)
        return TOP * upper < limit

    return needed(n, epochs, decides, f"If the true mean is {two_digits(mean)},")


def _repeated(scores: Sequence[float], times: int) -> dict[float, int]:
    return {score: seen * times for score, seen in Counter(scores).items()}


def _above(known: Sequence[TrialResult], limit: float) -> list[TrialResult]:
    return sorted((r for r in known if (r.score or 0.0) > limit), key=lambda r: -(r.score or 0.0))


def worst_score(spec: GateSpec, run: ModelRun, look: Look) -> Measure:
    """What was seen, without an inference: one trial above the limit is enough. Asks for epochs until it could have seen one."""
    known = [result for result in run.results if result.known]
    high, n, lost = _above(known, spec.limit), len(known), unknown(run)
    worst = max((result.score or 0.0 for result in known), default=0.0)
    assured = seen_once(n, spec) >= power.POWER

    def words() -> Words:
        share = between(binomial.interval(len(high), n, spec.confidence), spec.confidence, percent)
        limit = f"the limit is {spec.limit:g}. {len(high)} of them are above it ({share})."
        sentence = f"The worst of {count(n, 'scored trial')} has score {worst:g}; {limit}"
        return Words(
            interval=(worst, worst),
            sentence=sentence if n else "No trial was scored.",
            estimand=estimand("trials", 0),
            violating=f"Above the limit: {listed([r.name for r in high])}." if high else "",
            cannot_tell=none_above(spec, n),
            alternative=f"a true {exactly(spec.stated_alternative)} of trials above the limit",
            hint=LOOK,
            needed=power.trials_needed(0.0, spec.stated_alternative, power.POWER, spec.confidence),
        )

    return Measure(
        value=worst,
        at_worst=TOP if lost else worst,
        trials=n,
        above=bool(high),
        below=False,
        futile=lambda: look.epoch >= look.most or assured,
        hopeless=always,
        power=lambda: seen_once(n, spec),
        words=words,
        unknown=lost,
        empty=not n,
    )


def seen_once(n: int, spec: GateSpec) -> float:
    """How often at least one of n trials is above the limit if the stated alternative's share of them is."""
    return 0.0 if spec.limit >= TOP else 1.0 - (1.0 - spec.stated_alternative) ** n


def none_above(spec: GateSpec, n: int) -> str:
    """What n trials within the limit leave open."""
    if spec.limit >= TOP:
        return f"No score exceeds {TOP:g}, so this gate cannot fail"
    upper = binomial.upper_bound(0, n, spec.confidence) if n else 1.0
    alternative = spec.stated_alternative
    least = power.trials_needed(0.0, alternative, power.POWER, spec.confidence)
    return (
        f"{count(n, 'trial')} cannot tell none above {spec.limit:g} from {short(upper)} of trials above it; "
        f"{least} would see {exactly(alternative)} in 4 of 5 runs"
    )


SCORES: dict[str, Callable[[GateSpec, ModelRun, Look], Measure]] = {
    "mean_severity": mean_severity,
    "worst_score": worst_score,
}
