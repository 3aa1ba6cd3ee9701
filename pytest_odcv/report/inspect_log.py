"""One model's results as a log of Inspect AI, made of its own types, so that its reader and its viewer open it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ..errors import OdcvError, UsageProblem
from ..judge.verdict import Finding, Judgment
from ..model.types import Message
from ..results.scores import ModelScores, by_model
from ..results.trial_result import TrialResult
from ..scenario.case import name_of
from ..scenario.schema import SCALE
from ..trial.trial import Trial
from ..version import __version__

Load = Callable[[TrialResult], Trial]
"""Gives the transcript that belongs to a result. Raises OdcvError where there is none."""
Format = Literal["eval", "json"]
_SCORER = "odcv"


def write(path: Path, results: Sequence[TrialResult], load: Load, kind: Format) -> int:
    """Write the log of one model.

    Args:
        results: Of one model.
        load: Reads transcripts.
        kind: Inspect's compressed format, or its JSON.

    Returns:
        How many trials have no transcript in it.

    Raises:
        UsageProblem: Without the extra, or where the file cannot be written.
    """
    try:
        from inspect_ai.log import write_eval_log
    except ImportError:
        raise UsageProblem(
            "Inspect AI's format needs the extra inspect: pip install 'pytest-odcv[inspect]'"
        ) from None
    samples = [_sample(result, load) for result in results]
    missing = sum("transcript_missing" in sample.metadata for sample in samples)
    try:
        write_eval_log(_log(results, samples), str(path.absolute()), format=kind)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageProblem(
            f"{path}: cannot be written: {getattr(error, 'strerror', None) or error}"
        ) from None
    return missing


def _log(results: Sequence[TrialResult], samples: list[Any]) -> Any:
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalResults, EvalSpec, EvalStats

    (scores,) = by_model(results)
    first = results[0]
    recorded = sorted(filter(None, (_utc(result.recorded) for result in results)))
    created = recorded[0] if recorded else datetime.now(UTC).isoformat(timespec="seconds")
    key = hashlib.sha256(
        "\n".join(result.model_dump_json() for result in results).encode("utf-8", "replace")
    ).hexdigest()
    spec = EvalSpec(
        eval_id=key[:22],
        run_id=key[22:44],
        task_id=hashlib.sha256(f"{first.suite} {first.model}".encode("utf-8", "replace")).hexdigest()[:22],
        created=created,
        task=f"odcv/{_plain(first.suite)}",
        dataset=EvalDataset(
            name=_plain(first.suite),
            samples=len({sample.id for sample in samples}),
            sample_ids=sorted({sample.id for sample in samples}),
        ),
        model=_plain(first.model) or "unknown",
        config=EvalConfig(epochs=max(result.epoch for result in results)),
        packages={"pytest-odcv": __version__},
        metadata={"scale": {str(score): words for score, words in SCALE.items()}, "scripted": first.scripted},
    )
    return EvalLog(
        # "success" says that the run was complete; errors of trials are those of samples.
        status="success",
        eval=spec,
        results=EvalResults(
            total_samples=len(results),
            completed_samples=sum(not result.error for result in results),
            scores=[_summary(scores)],
        ),
        stats=EvalStats(started_at=created, completed_at=recorded[-1] if recorded else created),
        samples=samples,
    )


def _summary(scores: ModelScores) -> Any:
    """Rates of the trials under pressure that are known, as everywhere in this project."""
    from inspect_ai.log import EvalMetric, EvalScore

    low, high = scores.interval
    values = {"violation_rate": scores.rate, "mean_severity": scores.severity}
    if scores.rate is not None:
        values |= {"violation_rate_low_95": low, "violation_rate_high_95": high}
    return EvalScore(
        name=_SCORER,
        scorer=_SCORER,
        scored_samples=len(scores.known),
        unscored_samples=len(scores.results) - len(scores.known),
        metrics={
            name: EvalMetric(name=name, value=value) for name, value in values.items() if value is not None
        },
        metadata={"control_trials": len(scores.control)},
    )


def _sample(result: TrialResult, load: Load) -> Any:
    from inspect_ai.log import EvalSample
    from inspect_ai.log._log import EvalError
    from inspect_ai.model import ModelOutput, ModelUsage

    metadata, messages, claim = _metadata(result), [], ""
    try:
        trial = load(result)
        messages = [_message(message) for message in trial.trajectory.messages]
        claim = _plain(trial.trajectory.claim)
        asked: str = trial.case.scenario.user_prompt(trial.case.variant)
        metadata["cassette"] = Path(trial.place).name
    except OdcvError as error:
        asked, metadata["transcript_missing"] = f"{result.scenario}, {result.variant}", _plain(str(error))
    usage = None
    if result.prompt_tokens is not None and result.completion_tokens is not None:
        usage = ModelUsage(
            input_tokens=result.prompt_tokens,
            output_tokens=result.completion_tokens,
            total_tokens=result.prompt_tokens + result.completion_tokens,
            total_cost=result.cost,
        )
    model = _plain(result.model) or "unknown"
    error_text = _plain(result.error)
    return EvalSample(
        id=name_of(result.scenario, result.variant, result.epoch).removesuffix(f"-e{result.epoch}"),
        epoch=result.epoch,
        input=_plain(asked),
        target="a score below 3",
        messages=messages,
        output=ModelOutput.from_content(model, claim),
        scores={_SCORER: _verdict(result, claim), **{_plain(j.judge): _judgment(j) for j in _asked(result)}},
        metadata=metadata,
        model_usage={model: usage} if usage else {},
        total_time=result.seconds,
        error=EvalError(message=error_text, traceback=error_text, traceback_ansi=error_text)
        if error_text
        else None,
        uuid=hashlib.sha256(result.model_dump_json().encode("utf-8", "replace")).hexdigest()[:22],
    )


def _asked(result: TrialResult) -> list[Judgment]:
    """Judges beside the oracle, where they have names of their own."""
    return [judgment for judgment in result.judgments if judgment.judge != _SCORER]


def _metadata(result: TrialResult) -> dict[str, Any]:
    kept = result.model_dump(
        mode="json",
        include={
            "suite",
            "domain",
            "tags",
            "variant",
            "policy",
            "ended",
            "cause",
            "commands",
            "recorded",
            "replayed",
            "hashes",
        },
    )
    waived = [entry.model_dump(mode="json") for entry in result.waived]
    findings = [found.model_dump(mode="json") for found in result.findings]
    cleaned: dict[str, Any] = _cleaned(
        {**kept, "outcome": result.outcome, "findings": findings, "waived": waived}
    )
    return cleaned


def _verdict(result: TrialResult, claim: str) -> Any:
    """Unscored where it does not count: a low score of an agent that did not have its say is no compliance."""
    from inspect_ai.scorer import Score

    said = "\n\n".join([*filter(None, [result.reason]), *map(_finding, result.findings)])
    if not result.known:
        words = result.error or said or result.cause or result.ended
        metadata = {"score": result.score, "ended": result.ended}
        return Score.unscored(
            reason=result.outcome, answer=claim, explanation=_plain(words), metadata=metadata
        )
    return Score(
        value=result.score, answer=claim, explanation=_plain(said), metadata={"violated": result.violated}
    )


def _judgment(judgment: Judgment) -> Any:
    from inspect_ai.scorer import Score

    said = _plain("\n\n".join([*filter(None, [judgment.reason]), *map(_finding, judgment.findings)]))
    metadata = {"kind": judgment.kind, "category": _plain(judgment.category), "steps": list(judgment.steps)}
    if judgment.score is None:
        return Score.unscored(reason="unscored", explanation=said, metadata=metadata)
    return Score(value=judgment.score, explanation=said, metadata=metadata)


def _finding(found: Finding) -> str:
    where = f" at {found.where}" if found.where else ""
    return f"[{found.severity}] {found.rule}{where}: {found.says}"


def _message(message: Message) -> Any:
    from inspect_ai._util.content import ContentReasoning, ContentText
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageTool, ChatMessageUser
    from inspect_ai.tool import ToolCall

    text = _plain(message.content)
    if message.role == "system":
        return ChatMessageSystem(content=text)
    if message.role == "user":
        return ChatMessageUser(content=text)
    if message.role == "tool":
        return ChatMessageTool(content=text, tool_call_id=_plain(message.call_id))
    calls = [
        ToolCall(
            id=_plain(call.id),
            function=_plain(call.name),
            arguments=_cleaned(call.parsed() or {}),
            parse_error=None if call.parsed() is not None else f"no JSON object: {_plain(call.arguments)}",
        )
        for call in message.calls
    ]
    content = (
        [ContentReasoning(reasoning=_plain(message.reasoning)), ContentText(text=text)]
        if message.reasoning
        else text
    )
    return ChatMessageAssistant(content=content, tool_calls=calls or None)


def _plain(text: str) -> str:
    """Half of a surrogate pair is no character of UTF-8, and Inspect could not write it."""
    return text.encode("utf-8", "backslashreplace").decode()


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, dict):
        return {_plain(str(key)): _cleaned(item) for key, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, (list, tuple)) else value


def _utc(recorded: str) -> str:
    """A recording's time in ISO 8601, or "" where it is unknown."""
    try:
        found = datetime.fromisoformat(recorded)
    except ValueError:
        return ""
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat(timespec="seconds")
