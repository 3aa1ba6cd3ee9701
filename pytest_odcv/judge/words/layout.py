"""A text as clauses: lines, table cells, keys with values, sentences. Linear in the text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from . import lexicon
from .spelled import digits

_SPACED = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3})")
_SPACE = re.compile(r"[^\S\n]+")
_LONG = re.compile(r"[^\n]{1000}")
_JSON_KEY = re.compile(r'[{\[,]? *"([^"\n]{1,80})" *: *')
_CJK = r"\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af"
_OF_CJK = rf"(?-i:[{_CJK}])"
"""One of them. They have no case, and `re` takes 20 ms to look up the other case of each."""
# NFKC has made `；` and `！` of other languages plain: a mark before one of their characters ends a sentence without white space.
_SENTENCE = re.compile(rf"(?<=[.!?;])\s+|(?<=[。！？；])|(?<=[!?;])(?=[{_CJK}])")
_CLAUSE = re.compile(
    rf",\s+|(?<={_OF_CJK}),|(?<=%),(?={_OF_CJK})|,(?={_OF_CJK})|[、()\[\]]\s*(?![xX ]\])|\s+[–—-]+\s+|[;:]\s+|:(?={_OF_CJK}|\d)"
    r"|\s+(?=(?:but|however|although|though|because|while|weil|mais|pero|ma|maar|ale|но)\s)|\s+(?=(?:aber|jedoch)\s+\w+\s+\w)"
    r"|\s+and\s+(?=\w+\s+(?:is|was|can|may|will|has)\s)|\s+(?:and|und|et|y|e|en|i|и)\s+(?=(?:the|we|our|it|this|that|so|no|not|there|all|i|they|is|therefore|das|die|der|es|wir|liegt|l['’]|nous|se|el|la|cumple)\b)",
    re.IGNORECASE,
)
_KEY = re.compile(r"^\W{0,6}((?:[^\n:=|?!.()]|\([^()\n]{0,30}\)){1,60}?)[\"*_`]{0,3}\s{0,3}[:=]\s{0,3}(?=\S)")
_STATUS = re.compile(r"^\W{0,6}([^\n–—.!?]{3,60}?)\s+[-–—]+\s+(\W{0,3}[^\W\d]+(?:[ -][^\W\d]+){0,2})\W*$")
"""A name and a word for its state: `Punctuality - green`."""
_CHECKBOX = re.compile(r"^ {0,12}[-*+] \[([ xX])\] ", re.MULTILINE)
_RULE_OF_TABLE = re.compile(r"^\s*\|?[\s:|+-]*-[\s:|+-]*$")
_QUOTED = re.compile(
    r"“[^”\n]{1,300}”|„[^“”\n]{1,300}[“”]|«[^»\n]{1,300}»|「[^」\n]{1,300}」|\"[^\"\n]{1,300}\""
)
_QUOTES = re.compile(
    r"\b(reads?|says?|said|prints?|shows?|banner|wording|wrote|writes|clause|lautet|lautete|steht|stand|hieß|behauptet\w*|dit|disait|indiquait|affichait|formule|évoque|évoquait|dice|figuraba|rezaba|decía|dijo|ponía|pone|diz|dizia|põe|diceva|only when)\b|写|说|称|预填|声明|标题|题为|原稿",
    re.IGNORECASE,
)
_FINE_CSV = re.compile(r"[^,;\t]*(?:[,;\t][^,;\t]*)+")


@dataclass(frozen=True)
class Clause:
    """A part of a sentence that says one thing.

    `label` is the key, or the header of the column and first cell of the row; empty in prose. `sentence` is the whole
    sentence or row, `number` counts sentences of the text from 0, `first` says that the clause starts its sentence.
    """

    text: str
    label: str
    sentence: str
    number: int
    first: bool
    question: bool = False
    cell: bool = False


def normal(text: str) -> str:
    """Full-width forms, hard spaces and thousands' spaces as plain ones; the keys of JSON as lines of their own."""
    text = unicodedata.normalize("NFKC", _SPACED.sub("", text)).replace("\u2212", "-")
    # Patterns below take quadratic time of a long run of white space or a line without end.
    text = _LONG.sub(r"\g<0>\n", _SPACE.sub(" ", text))
    text = re.sub(r"\*\*|__", "", text)
    text = _CHECKBOX.sub(lambda box: "✗ " if box.group(1) == " " else "✓ ", text)
    return _JSON_KEY.sub(r"\n\1: ", text)


def clauses(text: str) -> Iterator[Clause]:
    """The clauses of a text that `normal` has prepared, in order."""
    number = 0
    headers: list[str] = []
    for line in text.splitlines():
        cells = _cells(line, len(headers))
        if not cells:
            headers = [] if line.strip() else headers
            for sentence in _SENTENCE.split(line.strip()):
                if sentence.strip():
                    yield from _of_sentence(sentence.strip(), number)
                    number += 1
            continue
        if _RULE_OF_TABLE.match(line):
            continue
        if len(headers) != len(cells) and not any(re.search(r"\d", cell) for cell in cells):
            headers = cells
            continue
        for index, cell in enumerate(cells):
            if cell:
                label = f"{headers[index] if index < len(headers) == len(cells) else ''} {cells[0] if index else ''}"
                yield Clause(cell, label.strip(), line.strip(), number, index == 0, cell=True)
        number += 1


def _cells(line: str, width: int) -> list[str]:
    """The cells of a row of a table; empty where the line is none."""
    if line.count("|") >= 2:
        return [cell.strip() for cell in line.strip().strip("|").split("|")]
    for separator in (",", ";", "\t"):
        cells = [cell.strip().strip('"') for cell in line.split(separator)]
        plain = len(cells) > 1 and not re.search(rf"{separator} ", line) and _FINE_CSV.fullmatch(line)
        header = plain and len(cells) > 2 and all(re.fullmatch(r"[\w .%/-]{1,40}", cell) for cell in cells)
        if plain and (len(cells) == width or (header and not any(re.search(r"\d", cell) for cell in cells))):
            return cells
    return []


def _of_sentence(sentence: str, number: int) -> Iterator[Clause]:
    question = bool(re.search(r"[?？]\W*$|[かの]。?$(?<=か。)", sentence))
    shown = _unquoted(sentence)
    key = _KEY.match(shown)
    label = key.group(1).replace("_", " ").strip() if key else ""
    if key and _is_key(label, shown[key.end() :]):
        shown = shown[key.end() :]
    elif stated := _STATUS.match(shown):
        label, shown = stated.group(1).strip(), stated.group(2)
    else:
        label = ""
    first = True
    for part in _CLAUSE.split(digits(shown)):
        if part and part.strip():
            yield Clause(part.strip(), label, sentence, number, first, question)
            first = False


def _is_key(label: str, value: str) -> bool:
    """Whether a text before a colon names what follows; `The target is met: 95.4%` is a sentence."""
    compared = lexicon.TARGET.search(label) and (lexicon.UP.search(label) or lexicon.DOWN.search(label))
    if not compared and not lexicon.MEET.search(label) and not lexicon.MISS.search(label):
        return True
    yes = lexicon.YES.search(value)
    return bool(yes and yes.start() == 0) or bool(lexicon.NO.match(value))


def _unquoted(sentence: str) -> str:
    """Without what is quoted: a clause, a banner, somebody's words. A single word in quotation marks is not a quotation."""
    reported = bool(_QUOTES.search(sentence))

    def blank(match: re.Match[str]) -> str:
        words = match.group().split()
        verdict = len(words) > 1 and (
            lexicon.MEET.search(match.group()) or lexicon.MISS.search(match.group())
        )
        return " " if reported or verdict or len(words) > 3 else match.group()

    return _QUOTED.sub(blank, sentence)
