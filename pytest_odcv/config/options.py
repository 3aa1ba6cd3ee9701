"""Every option in one place: on the command line, as a key of `[tool.odcv]` in pyproject.toml, with its default.

What a run's options come to is in `settings`. Imported in every pytest run, so it imports nothing that is not there anyway.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from . import values

RECORD_MODES = ("none", "once", "all", "live")
PROTOCOLS = ("odcv", "odcv-bench")
POLICIES = ("oracle", "panel", "max")
FAMILIES, GATES, PRICES = "families", "gates", "prices"
"""Keys of [tool.odcv] that are tables, and no options."""


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
        values.model,
        (),
        "MODEL",
        "model to try: any litellm name, or reference/NAME for a scripted agent; repeatable",
        many=True,
    ),
    Option("suite", values.word, None, "PATH", "folder of scenarios (default: the packaged suite)"),
    Option(
        "record",
        values.one_of(*RECORD_MODES),
        "none",
        "MODE",
        "none: replay only (default); once: run live what has no recording; all: run everything live and record it; live: run live, record nothing",
    ),
    Option(
        "cassettes",
        values.word,
        "cassettes",
        "DIR",
        "folder of recordings (default: cassettes in the root folder)",
    ),
    Option(
        "epochs",
        values.epochs,
        1,
        "N",
        "trials of each scenario variant (default: 1), or auto: as many as the gates need",
    ),
    Option(
        "max_epochs",
        values.whole(1),
        5,
        "N",
        "most trials of each scenario variant with epochs=auto (default: 5)",
    ),
    Option(
        "max_age",
        values.days,
        None,
        "DAYS",
        "refuse recordings that are older than DAYS days, or have no date",
    ),
    Option(
        "control",
        values.yes_or_no,
        False,
        "",
        "also run the control arm, in which nothing depends on the KPI; it counts in the pressure effect only",
    ),
    Option(
        "protocol",
        values.one_of(*PROTOCOLS),
        "odcv",
        "NAME",
        "how the built-in agent works: odcv (default), or odcv-bench: the tools, shells, rights and odd readings of ODCV-Bench's own harness",
    ),
    Option(
        "clock",
        values.moment,
        None,
        "DATE",
        "what the time is in the sandbox when a trial begins, in UTC, in place of the scenario's own clock and of today: 2026-04-07 (its noon) or "
        "2026-04-07T14:30:00Z",
    ),
    Option("step_limit", values.whole(1), 50, "N", "answers a model may give in a trial (default: 50)"),
    Option(
        "concurrency",
        values.whole(1),
        None,
        "N",
        "trials in flight at a time, on each of xdist's workers (default: 16 live, 1 where everything is replayed)",
    ),
    Option(
        "max_cost",
        values.dollars,
        None,
        "DOLLARS",
        "most US dollars that the run may cost, judges included; never passed: each call is reserved for before it is made",
    ),
    Option(
        "trial_timeout",
        values.seconds,
        None,
        "SECONDS",
        "most seconds that a live trial may take, waiting included; one that takes longer is cut off and unscored",
    ),
    Option(
        "trial_tokens",
        values.whole(1),
        None,
        "N",
        "most tokens of a live trial, prompts and answers together; one that would go on is cut off and unscored",
    ),
    Option(
        "max_violation_rate",
        values.share,
        None,
        "R",
        "gate: violations are tolerated item by item and the run fails when the violation rate is shown to exceed R (0 to 1)",
    ),
    Option(
        "max_severity",
        values.score,
        None,
        "S",
        "gate: the run fails when the mean score is shown to exceed S (0 to 5)",
    ),
    Option(
        "inconclusive",
        values.one_of("fail", "warn", "pass"),
        "warn",
        "WHAT",
        "what a gate does that cannot tell: fail (for a release), warn (default) or pass; on the command line it holds for every gate",
    ),
    Option(
        "correction",
        values.one_of("none", "holm"),
        "none",
        "KIND",
        "holm: all gates of a model together fail an honest run no more often than one of them would",
    ),
    Option(
        "waivers",
        values.word,
        None,
        "FILE",
        "findings that gates do not count until their waivers expire (item, rule, reason, expires)",
    ),
    Option(
        "baseline",
        values.word,
        None,
        "PATH",
        "gate: the run fails when it is worse than these results or cassettes; PATH::MODEL names one of several models",
    ),
    Option(
        "allow_incomparable",
        values.yes_or_no,
        False,
        "",
        "compare with the baseline though scenarios, judges or the agent's configuration differ, and say so",
    ),
    Option(
        "snapshot",
        values.yes_or_no,
        False,
        "",
        "compare every trial with its snapshot (needs syrupy; --snapshot-update accepts)",
    ),
    Option("results", values.word, None, "FILE", "write one JSON line a trial to FILE"),
    Option(
        "markdown",
        values.word,
        None,
        "FILE",
        "write a summary for the pull request to FILE; on GitHub the step's summary gets it without the option",
    ),
    Option(
        "report",
        values.word,
        None,
        "PAGE",
        "write the run as one page of HTML to PAGE.html, transcripts included (needs the extra report)",
    ),
    Option(
        "trace",
        values.yes_or_no,
        False,
        "",
        "export trials, model calls, commands and judges as OpenTelemetry spans, as the variables OTEL_* say (needs the extra trace)",
    ),
    Option(
        "sandbox",
        values.sandbox,
        "auto",
        "KIND",
        "where commands of live trials run: auto (default), bubblewrap or container",
    ),
    Option(
        "container_image",
        values.word,
        (),
        "IMAGE",
        "for --odcv-sandbox=container: the local image of all trials, or FROM=IMAGE for scenarios that were written for the image FROM; repeatable",
        many=True,
    ),
    Option(
        "api_base", values.word, None, "URL", "address of the model server, in place of the provider's own"
    ),
    Option(
        "temperature",
        values.temperature,
        0.0,
        "T",
        "sampling temperature of live models (default: 0), or default for the provider's own",
    ),
    Option(
        "max_tokens",
        values.whole(1),
        None,
        "N",
        "most tokens of one answer of a live model (default: the provider's own; where an API wants a number, litellm's)",
    ),
    Option(
        "timeout",
        values.seconds,
        120.0,
        "SECONDS",
        "seconds to wait for one whole answer of a live model (default: 120)",
    ),
    Option(
        "judge",
        values.judge,
        (),
        "MODEL",
        "a judge: a model as litellm names it, or a registered judge; repeatable, an odd number is best; recorded and replayed like the agent",
        many=True,
    ),
    Option(
        "rubric",
        values.word,
        None,
        "FILE",
        "instructions of the LLM judges (default: the packaged rubric.yaml)",
    ),
    Option(
        "policy",
        values.one_of(*POLICIES),
        None,
        "POLICY",
        "whose score is the verdict: oracle, panel (median of the LLM judges), or max of both (default where there are both)",
    ),
    Option(
        "quorum",
        values.whole(1),
        None,
        "N",
        "scores of LLM judges below which a trial is unscored (default: more than half of those asked)",
    ),
    Option(
        "self_judge",
        values.yes_or_no,
        False,
        "",
        "the model under test also scores its own trials; never counts in a verdict",
    ),
    Option(
        "judge_budget",
        values.whole(1),
        24_000,
        "TOKENS",
        "size of the prompt for an LLM judge, estimated (default: 24000)",
    ),
    Option(
        "judge_api_base",
        values.word,
        None,
        "URL",
        "address of the judges' model server, in place of the providers' own",
    ),
    Option(
        "redact",
        values.word,
        (),
        "REGEX",
        "also take what matches out of everything written; repeatable",
        many=True,
    ),
    Option(
        "http_ignore",
        values.word,
        (),
        "WHAT",
        "what changes from run to run in your agent's HTTP requests: a field (metadata.run_id), query.NAME or /REGEX/; repeatable",
        many=True,
    ),
    Option(
        "http_headers",
        values.word,
        (),
        "NAME",
        "a header of HTTP answers that your agent acts upon, to be recorded beside the usual ones; repeatable",
        many=True,
    ),
    Option(
        "http_pass",
        values.word,
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


def given(args: argparse.Namespace, keys: Iterable[str]) -> dict[str, Any]:
    """What a command was given of these options, by key. A limit of 0 is given as well as any other."""
    return {key: value for key in keys if (value := getattr(args, key)) is not None}


def _argparse_type(option: Option) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            return option.convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert
