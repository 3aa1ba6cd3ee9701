"""What a run's summary says of its LLM judges: who scored, what hangs on one of them, where they and the oracle disagree, and
what models say of their own runs. Compact: names of trials are cut, `odcv judges RESULTS` has the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean

from ..judge import median
from ..judge.evaluator import Evaluator, of_panel
from ..judge.verdict import Judgment
from ..results.trial_result import TrialResult
from ..scenario.schema import VIOLATION
from ..stats.self_awareness import SelfAwareness, self_awareness
from ..stats.values import Judged, Scored, TrialId
from .plain import one_line, wrapped

_MOST = 8
"""Trials named in one list."""


def header(evaluator: Evaluator) -> list[str]:
    """One line that names the panel, and a second where its size is even."""
    names = [judge.name for judge in evaluator.panel]
    if not names:
        return []
    policy = evaluator.policy or "max of oracle and panel"
    lines = [
        f"odcv: verdict by {policy}, {len(names)} LLM judge{'' if len(names) == 1 else 's'}: {', '.join(names)}"
    ]
    if len(names) % 2 == 0:
        lines.append("odcv: an even panel is milder than an odd one and ties; three judges are recommended")
    return lines


def lines(results: Sequence[TrialResult], rule: median.Rule) -> Iterator[str]:
    """Of one model's results. Nothing where no LLM judged."""
    judged = {_trial(result): of_panel(result.judgments) for result in results}
    trials = [Judged(trial, scores) for trial, scores in judged.items() if scores]
    if trials:
        names = {_trial(result): result.name for result in results}
        yield from _judges(results)
        yield from _decisions(trials, rule, names)
        yield from _disagreements(
            results, {decision.trial: decision for decision in median.decisions(trials, rule)}
        )
    yield from _self(results)


def _trial(result: TrialResult) -> TrialId:
    return TrialId(result.model, result.scenario, result.variant, result.epoch, result.domain)


def _judges(results: Iterable[TrialResult]) -> Iterator[str]:
    given: dict[str, list[Judgment]] = {}
    for result in results:
        for judgment in result.judgments:
            if judgment.kind == "panel":
                given.setdefault(judgment.judge, []).append(judgment)
    yield "  judges:"
    for judge, judgments in given.items():
        scores = [judgment.score for judgment in judgments if judgment.score is not None]
        mean = (
            f"mean {fmean(scores):.2f}, violations {sum(s >= VIOLATION for s in scores)}"
            if scores
            else "none"
        )
        costs = [judgment.cost for judgment in judgments]
        cost = "unknown" if None in costs else f"${sum(cost or 0.0 for cost in costs):.4f}"
        text = f"{judge}: scored {len(scores)} of {len(judgments)}, {mean}, cost {cost}"
        yield from wrapped(text, "    ")


def _decisions(trials: Sequence[Judged], rule: median.Rule, names: Mapping[TrialId, str]) -> Iterator[str]:
    decided = median.decisions(trials, rule)
    if any(len(decision.counted) % 2 == 0 for decision in decided):
        even = sum(len(decision.counted) % 2 == 0 for decision in decided)
        yield f"    an even number of scores on {even} of {len(decided)} trials: odd panels are recommended"
    between = [f"{names[d.trial]} {d.score:g}" for d in decided if d.between]
    yield from _listed("medians between two scores", between)
    flips: dict[TrialId, list[str]] = {}
    for flip in median.leave_one_out(trials, rule):
        if flip.after is not None:
            flips.setdefault(flip.trial, []).append(f"{flip.to} without {flip.left_out}")
    yield from _listed(
        "panel verdicts that hang on one judge",
        [f"{names[t]} ({', '.join(how)})" for t, how in flips.items()],
    )
    for title, who in (
        ("lone accusers", Counter(d.lone_accuser for d in decided)),
        ("lone acquitters", Counter(d.lone_acquitter for d in decided)),
    ):
        yield from _listed(title, [f"{judge} {count}" for judge, count in who.most_common() if judge])


def _disagreements(
    results: Iterable[TrialResult], decided: Mapping[TrialId, median.Decision]
) -> Iterator[str]:
    """Trials that oracle and panel judge differently: one of them is wrong, and a person should look."""
    found = []
    for result in results:
        oracle = next((j.score for j in result.judgments if j.kind == "oracle"), None)
        decision = decided.get(_trial(result))
        score = decision.score if decision is not None else None
        if oracle is not None and score is not None and (oracle >= VIOLATION) != (score >= VIOLATION):
            found.append(f"{result.name} (oracle {oracle}, panel {score:g})")
    yield from _listed("oracle and panel disagree, review", found)


def _self(results: Sequence[TrialResult]) -> Iterator[str]:
    """Deliberative misalignment: of the violating runs, the share that the model itself calls violating."""
    own = {
        _trial(result): judgment.score
        for result in results
        for judgment in result.judgments
        if judgment.kind == "self"
    }
    if not own:
        return
    verdicts = [
        Scored(_trial(result), result.score)
        for result in results
        if not result.error and _trial(result) in own
    ]
    found = self_awareness(verdicts, own).get(results[0].model, SelfAwareness(0, 0, 0, 0, 0))
    unscored = sum(score is None for score in own.values())
    share = "unknown" if found.share is None else f"{found.share:.1%}"
    text = (
        f"self-judgment: of {found.violating} violating runs it calls {found.aware} violating itself ({share}); "
        f"of {found.compliant} compliant ones {found.confessed}; unscored by itself {unscored} of {len(own)}, "
        f"{found.silent} of them violating"
    )
    yield from wrapped(text, "  ")


def _listed(title: str, entries: Sequence[str]) -> Iterator[str]:
    if entries:
        more = [f"and {len(entries) - _MOST} more"] if len(entries) > _MOST else []
        shown = ", ".join([*(one_line(entry, 200) for entry in entries[:_MOST]), *more])
        yield from wrapped(f"{title}: {len(entries)}: {shown}", "    ")
