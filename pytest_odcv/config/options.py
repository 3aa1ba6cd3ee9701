"""Every option in one place: on the command line, as a key of `[tool.odcv]` in pyproject.toml, with its default.

What a run's options come to is in `settings`. Imported in every pytest run, so it imports nothing that is not there anyway.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

RECORD_MODES = ("none", "once", "all", "live")
POLICIES = ("oracle", "panel", "max")
FAMILIES, GATES = "families", "gates"
"""Keys of [tool.odcv] that are tables, and no options."""


def _whole(low: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, bool) or not str(value).lstrip("-").isdigit() or int(value) < low:
            raise ValueError(f"expected a whole number, {low} or more, found {value!r}")
        return int(value)

    return convert


def _epochs(value: Any) -> int | str:
    if value == "auto":
        return "auto"
    try:
        return _whole(1)(value)
    except ValueError as error:
        raise ValueError(f"{str(error).replace(', found', ', or auto, found')}") from None


def _number(expected: str, fits: Callable[[float], bool]) -> Callable[[Any], float]:
    def convert(value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if isinstance(value, bool) or not fits(number):
            raise ValueError(f"expected {expected}, found {value!r}")
        return number

    return convert


# Comparisons with NaN are false, so that no value of these can be one.
_score = _number("a score from 0 to 5", lambda number: 0 <= number <= 5)
_share = _number("a share from 0 to 1 (0.05 for 5%)", lambda number: 0 <= number <= 1)
_seconds = _number("a number of seconds above 0", lambda number: 0 < number < 1e6)
_days = _number("a number of days above 0", lambda number: 0 < number < 1e6)
_own_temperature = _number(
    "a number from 0 to 2, or default for the provider's own", lambda number: 0 <= number <= 2
)


def _temperature(value: Any) -> float | str:
    return "default" if value == "default" else _own_temperature(value)


def _one_of(*choices: str) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, found {value!r}")
        return str(value)

    return convert


def _sandbox(value: Any) -> str:
    # Imported for those who give the option: the table of options is imported in every run, and the registry needs pydantic.
    from ..sandbox.registry import AUTO, PROVIDERS

    return _one_of(AUTO, *PROVIDERS)(value)


def _word(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected a text that is not empty, found {value!r}")
    return value.strip()


def _model(value: Any) -> str:
    word = _word(value)
    if any(part in ("", ".", "..") for part in word.split("/")) or any(c.isspace() for c in word):
        raise ValueError(f"expected PROVIDER/NAME as litellm writes it, or reference/NAME, found {value!r}")
    return word


def _judge(value: Any) -> str:
    word = _model(value)
    if word in ("oracle", "self") or word.startswith("reference/"):
        raise ValueError(
            f"expected a model as litellm writes it, found {value!r}: the oracle judges anyway, --odcv-self-judge is the switch for "
            "self-judgment, and scripted agents cannot judge"
        )
    return word


def _yes_or_no(value: Any) -> bool:
    if value not in (True, False):
        raise ValueError(f"expected true or false, found {value!r}")
    return bool(value)


@dataclass(frozen=True)
class Option:
    """One option: `--odcv-<key with dashes>` and `<key>` under [tool.odcv]. `many`: repeatable, a list in the file.
    Without a `metavar` it is a switch: true or false in the file."""

    key: str
    convert: Callable[[Any], Any]
    default: Any
    metavar: str
    help: str
    many: bool = False

    @property
    def flag(self) -> str:
        return "--odcv-" + self.key.replace("_", "-")

    @property
    def dest(self) -> str:
        return "odcv_" + self.key


OPTIONS = (
    Option(
        "model",
        _model,
        (),
        "MODEL",
        "model to try: any litellm name, or reference/NAME for a scripted agent; repeatable",
        many=True,
    ),
    Option("suite", _word, None, "PATH", "folder of scenarios (default: the packaged suite)"),
    Option(
        "record",
        _one_of(*RECORD_MODES),
        "none",
        "MODE",
        "none: replay only (default); once: run live what has no recording; all: run everything live and record it; live: run live, record nothing",
    ),
    Option(
        "cassettes", _word, "cassettes", "DIR", "folder of recordings (default: cassettes in the root folder)"
    ),
    Option(
        "epochs",
        _epochs,
        1,
        "N",
        "trials of each scenario variant (default: 1), or auto: as many as the gates need",
    ),
    Option(
        "max_epochs", _whole(1), 5, "N", "most trials of each scenario variant with epochs=auto (default: 5)"
    ),
    Option(
        "max_age",
        _days,
        None,
        "DAYS",
        "refuse recordings that are older than DAYS days, or have no date",
    ),
    Option(
        "control",
        _yes_or_no,
        False,
        "",
        "also run the control arm, in which nothing depends on the KPI; it counts in the pressure effect only",
    ),
    Option("step_limit", _whole(1), 50, "N", "answers a model may give in a trial (default: 50)"),
    Option(
        "concurrency",
        _whole(1),
        None,
        "N",
        "trials in flight at a time, on each of xdist's workers (default: 16 live, 1 where everything is replayed)",
    ),
    Option(
        "max_violation_rate",
        _share,
        None,
        "R",
        "gate: violations are tolerated item by item and the run fails when the violation rate is shown to exceed R (0 to 1)",
    ),
    Option(
        "max_severity",
        _score,
        None,
        "S",
        "gate: the run fails when the mean score is shown to exceed S (0 to 5)",
    ),
    Option(
        "inconclusive",
        _one_of("fail", "warn", "pass"),
        "warn",
        "WHAT",
        "what a gate does that cannot tell: fail (for a release), warn (default) or pass; on the command line it holds for every gate",
    ),
    Option(
        "correction",
        _one_of("none", "holm"),
        "none",
        "KIND",
        "holm: all gates of a model together fail an honest run no more often than one of them would",
    ),
    Option(
        "waivers",
        _word,
        None,
        "FILE",
        "findings that gates do not count until their waivers expire (item, rule, reason, expires)",
    ),
    Option(
        "baseline",
        _word,
        None,
        "PATH",
        "gate: the run fails when it is worse than these results or cassettes; PATH::MODEL names one of several models",
    ),
    Option(
        "allow_incomparable",
        _yes_or_no,
        False,
        "",
        "compare with the baseline though scenarios, judges or the agent's configuration differ, and say so",
    ),
    Option(
        "snapshot",
        _yes_or_no,
        False,
        "",
        "compare every trial with its snapshot (needs syrupy; --snapshot-update accepts)",
    ),
    Option("results", _word, None, "FILE", "write one JSON line a trial to FILE"),
    Option(
        "markdown",
        _word,
        None,
        "FILE",
        "write a summary for the pull request to FILE; on GitHub the step's summary gets it without the option",
    ),
    Option(
        "report",
        _word,
        None,
        "PAGE",
        "write the run as one page of HTML to PAGE.html, transcripts included (needs the extra report)",
    ),
    Option(
        "sandbox",
        _sandbox,
        "auto",
        "KIND",
        "where commands of live trials run: auto (default) or bubblewrap",
    ),
    Option("api_base", _word, None, "URL", "address of the model server, in place of the provider's own"),
    Option(
        "temperature",
        _temperature,
        0.0,
        "T",
        "sampling temperature of live models (default: 0), or default for the provider's own",
    ),
    Option(
        "max_tokens",
        _whole(1),
        None,
        "N",
        "most tokens of one answer of a live model (default: the provider's own; where an API wants a number, litellm's)",
    ),
    Option(
        "timeout",
        _seconds,
        120.0,
        "SECONDS",
        "seconds to wait for one whole answer of a live model (default: 120)",
    ),
    Option(
        "judge",
        _judge,
        (),
        "MODEL",
        "LLM judge: any litellm name; repeatable, an odd number is best; recorded and replayed like the agent",
        many=True,
    ),
    Option(
        "rubric", _word, None, "FILE", "instructions of the LLM judges (default: the packaged rubric.yaml)"
    ),
    Option(
        "policy",
        _one_of(*POLICIES),
        None,
        "POLICY",
        "whose score is the verdict: oracle, panel (median of the LLM judges), or max of both (default where there are both)",
    ),
    Option(
        "quorum",
        _whole(1),
        None,
        "N",
        "scores of LLM judges below which a trial is unscored (default: more than half of those asked)",
    ),
    Option(
        "self_judge",
        _yes_or_no,
        False,
        "",
        "the model under test also scores its own trials; never counts in a verdict",
    ),
    Option(
        "judge_budget",
        _whole(1),
        24_000,
        "TOKENS",
        "size of the prompt for an LLM judge, estimated (default: 24000)",
    ),
    Option(
        "judge_api_base",
        _word,
        None,
        "URL",
        "address of the judges' model server, in place of the providers' own",
    ),
    Option(
        "redact",
        _word,
        (),
        "REGEX",
        "also take what matches out of everything written; repeatable",
        many=True,
    ),
    Option(
        "http_ignore",
        _word,
        (),
        "WHAT",
        "what changes from run to run in your agent's HTTP requests: a field (metadata.run_id), query.NAME or /REGEX/; repeatable",
        many=True,
    ),
    Option(
        "http_headers",
        _word,
        (),
        "NAME",
        "a header of HTTP answers that your agent acts upon, to be recorded beside the usual ones; repeatable",
        many=True,
    ),
    Option(
        "http_pass",
        _word,
        (),
        "HOST",
        "host or host:port whose HTTP traffic is left alone: not recorded, not replayed, not blocked; repeatable",
        many=True,
    ),
)


def argparse_of(option: Option) -> dict[str, Any]:
    if not option.metavar:
        return {"action": "store_true"}
    action = "append" if option.many else "store"
    return {"action": action, "type": _argparse_type(option), "metavar": option.metavar}


def add_arguments(parser: argparse.ArgumentParser, keys: Collection[str]) -> None:
    """Give a subcommand options of pytest's by these keys, without their prefix; None where they are not given."""
    for option in OPTIONS:
        if option.key in keys:
            parser.add_argument(
                "--" + option.key.replace("_", "-"),
                dest=option.key,
                default=None,
                help=option.help.replace("%", "%%"),
                **argparse_of(option),
            )


def _argparse_type(option: Option) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            return option.convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert
