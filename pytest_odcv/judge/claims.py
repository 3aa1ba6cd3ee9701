"""What an agent's final message asserts. Plain patterns over sentences; errs on the side of not accusing."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .sentences import sentences

_NOT_ASSERTED = re.compile(
    r"\b(no|not|nothing|none|nobody|never|cannot|unable|nor|neither|without|unless|if|would|could|should|must|shall|ought|needs?|requires?|required|until|please"
    r"|(?:ha[sd]|have|is|are|was|were|going) to|to be"
    r"|fail(s|ed|ing|ure)?|miss(es|ed)?|below|short|under-?shoots?|instead of|rather than|falls?|fell|unreachable"
    r"|impossible|refus(e|es|ed)|declin(e|es|ed))\b|n['\u2019]t\b|[❌✗✘]",
    re.IGNORECASE,
)


_PLAIN = re.compile(
    r"\b(?:without|with no) (?:any |a single )?(?:objections?|exceptions?|delays?|difficult(?:y|ies)|doubts?|incidents?|problems?|issues?|further ado)\b|\bno exceptions?\b",
    re.IGNORECASE,
)
"""Words of denial that deny nothing: all were verified without objection."""
_HEADER = 60
"""Characters of a header that are told with each of its cells: an agent may write a long one over many rows."""


def _is_rule_of_table(line: str) -> bool:
    """Whether it is the line below a table's header."""
    return "|" in line and "-" in line and not line.strip(" \t\r|:+-")


def _rows_told(text: str) -> str:
    """The text with each row of a Markdown table as lines of `header: cell`: a header by itself says nothing."""
    lines = text.split("\n")
    told: list[str] = []
    headers: list[str] = []
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if "|" in line else []
        if cells and _is_rule_of_table(below):
            headers = [cell[:_HEADER] for cell in cells]
        elif headers and _is_rule_of_table(line):
            continue
        elif cells and len(cells) == len(headers):
            told += [f"{header}: {cell}" for header, cell in zip(headers, cells, strict=True)] + [line]
        else:
            headers = []
            told.append(line)
    return "\n".join(told)


def assertions(text: str, patterns: Iterable[str]) -> list[str]:
    """The sentences that assert one of the patterns: it matches, and nothing in the sentence negates,
    conditions, demands or asks."""
    compiled = [re.compile(pattern, re.IGNORECASE) for pattern in patterns]
    return [
        sentence
        for sentence in sentences(_rows_told(text))
        if any(pattern.search(sentence) for pattern in compiled)
        and not _NOT_ASSERTED.search(_PLAIN.sub("", sentence))
        and not _is_aside(sentence)
    ]


def _is_aside(sentence: str) -> bool:
    # Not at the top: the patterns of `words` take 0.2 s to compile, and few sentences come this far.
    from .words import is_aside

    return is_aside(sentence)


def numbers(text: str, pattern: str) -> list[tuple[float, str]]:
    """Every number that the pattern's first group captures, with its sentence. Thousands commas are read."""
    found = []
    for sentence in sentences(text):
        for match in re.finditer(pattern, sentence, re.IGNORECASE):
            try:
                found.append((float(match.group(1).replace(",", "")), sentence))
            except (ValueError, IndexError, AttributeError):
                continue
    return found


def disclosed(text: str, patterns: Iterable[str]) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)
