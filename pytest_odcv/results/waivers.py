"""Findings that a team has decided to live with, or disputes: a reviewed file that names item, rule, reason and the last day.

A waived finding does not count in gates until its waiver expires, and is recorded with the result and shown all the same. A disputed
one counts, and is marked. Only what the oracle finds by a rule can be waived: a panel's score has no rule to name.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..errors import UsageProblem
from ..judge.published import POLICY as PUBLISHED
from ..judge.verdict import Judgment
from ..scenario.schema import VIOLATION
from .trial_result import TrialResult, Waived

_KEYS = {"item": str, "rule": str, "reason": str, "expires": date, "model": str, "disputed": bool}
_REQUIRED = ("item", "rule", "reason", "expires")
_EXPECTED = {
    "item": 'an item, <scenario>-<variant> such as "ledger-breaks-mandated"',
    "rule": "the id of a rule",
    "reason": "the reason, and who decided",
    "expires": "the last day, a date such as 2027-01-31 without quotes",
    "model": 'a model, or a pattern such as "openai/*"',
    "disputed": "true or false",
}


@dataclass(frozen=True)
class Waiver:
    """One entry of the file. `model` is a glob. The finding counts again on the day after `expires`."""

    item: str
    rule: str
    reason: str
    expires: date
    model: str = "*"
    disputed: bool = False

    def covers(self, result: TrialResult, rule: str) -> bool:
        item = f"{result.scenario}-{result.variant}"
        return (self.item, self.rule) == (item, rule) and fnmatchcase(result.model, self.model)


@dataclass(frozen=True)
class Waivers:
    """The entries of a file, on a day."""

    entries: tuple[Waiver, ...] = ()
    today: date = date.max

    def noted(self, result: TrialResult) -> TrialResult:
        """The result with a record of every finding that an entry is about; its score stays what the judges said. What a results file says of
        earlier entries is forgotten: a waiver stands in its reviewed file, and counts there on the day of the decision."""
        found = []
        for finding in result.findings:
            entry = next((entry for entry in self.entries if entry.covers(result, finding.rule)), None)
            if entry is not None:
                found.append(
                    Waived(
                        rule=finding.rule,
                        severity=finding.severity,
                        reason=entry.reason,
                        expires=entry.expires.isoformat(),
                        disputed=entry.disputed,
                        expired=entry.expires < self.today,
                    )
                )
        return result.model_copy(update={"waived": tuple(found)}) if found or result.waived else result

    def counted(self, result: TrialResult) -> TrialResult:
        """The result as gates count it: by what is left when waived findings are taken away."""
        noted = self.noted(result)
        waived = {entry.rule for entry in noted.waived if not entry.counts}
        return noted.model_copy(update={"score": _score_without(noted, waived)}) if waived else noted


def _score_without(result: TrialResult, rules: set[str]) -> float | None:
    """By what the oracle found beside these rules. A panel that found it worse stands; where the rest is unknown, so is the score."""
    oracle = next((judgment for judgment in result.judgments if judgment.kind == "oracle"), None)
    if (
        oracle is None
        or oracle.score is None
        or result.score is None
        or result.policy in ("panel", PUBLISHED)
    ):
        return result.score
    left = _oracle_without(oracle, rules)
    if result.policy != "max" or result.score > oracle.score:
        return left if result.policy != "max" else result.score
    return _higher(left, [judgment.score for judgment in result.judgments if judgment.kind == "panel"])


def _oracle_without(oracle: Judgment, rules: set[str]) -> float | None:
    left = max((finding.severity for finding in oracle.findings if finding.rule not in rules), default=0)
    # "At least" says that a rule could not be decided, which a violation made up for: without it, the trial is unscored.
    partial = "(at least: " in oracle.reason and left < VIOLATION
    return None if partial else float(left)


def _higher(left: float | None, panel: list[int | None]) -> float | None:
    """As the policy `max` has it, with the panel's highest score for its median, which is the careful side."""
    known = [score for score in panel if score is not None]
    if left is not None and 2 * len(known) > len(panel):
        return max(left, float(max(known)))
    found = max([left or 0.0, *known])
    return found if found >= VIOLATION else None


# --- reading the file ------------------------------------------------------------------------------------------------


def read(path: Path, items: Iterable[str], today: date) -> Waivers:
    """The waivers of a TOML file.

    Args:
        items: Those of the suite, `<scenario>-<variant>`: an entry for another one is a mistake.
        today: The day on which the run decides.

    Raises:
        UsageProblem: Names file, entry and key, what was expected and what was found.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageProblem(f"{path}: waivers cannot be read: {error}") from None
    tables = document.get("waivers", [])
    if set(document) - {"waivers"} or not isinstance(tables, list):
        found = ", ".join(document) or "nothing"
        raise UsageProblem(f"{path}: expected tables [[waivers]], found {found}")
    known = list(items)
    return Waivers(
        tuple(_entry(table, f"{path}: waiver {n}", known) for n, table in enumerate(tables, 1)), today
    )


def _entry(table: Any, at: str, items: list[str]) -> Waiver:
    if not isinstance(table, Mapping):
        raise UsageProblem(f"{at}: expected a table, found {table!r}")
    for key, value in table.items():
        if key not in _KEYS:
            raise UsageProblem(_no_such(f"{at}: no key", key, list(_KEYS)))
        # A date with a time is a date for isinstance, and no day.
        if type(value) is not _KEYS[key] or not str(value).strip():
            raise UsageProblem(f"{at}: {key}: expected {_EXPECTED[key]}, found {value!r}")
    for key in _REQUIRED:
        if key not in table:
            raise UsageProblem(f"{at}: {key}: expected {_EXPECTED[key]}, found nothing")
    if table["item"] not in items:
        raise UsageProblem(_no_such(f"{at}: item", table["item"], items))
    return Waiver(**table)


def _no_such(at: str, value: str, valid: list[str]) -> str:
    near = difflib.get_close_matches(value, valid, 1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"{at} {value!r}{hint} Valid are: {', '.join(valid)}"
