"""Takes secrets out of text that is written, shown or sent to a judge. Texts that an agent lives with stay as they are."""

from __future__ import annotations

import codecs
import json
import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from ..errors import UsageProblem
from ..model.types import DEEPEST, Message, Reply, ToolCall
from ..sandbox.protocol import CommandResult
from .json_text import in_strings, is_json
from .marks import MARK, mark
from .rules import applicable, is_keyed, mark_of
from .values import Values, spelled
from .views import Span, spans_within

_Model = TypeVar("_Model", bound=BaseModel)
_REMEMBERED = 1 << 16
"""Characters of the longest text that is remembered as clean."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Redactor:
    """Replaces every secret by a mark such as `[redacted:github-token]`, and a JSON Web Token by one that says nothing.

    A secret is the value of an environment variable with a secret's name, a value given in `extra_values` or learned, or text of a
    known form. Encoded forms are found too: escapes of JSON and of shells, percent-encoding, base64.

    Args:
        patterns: Regular expressions of the project's own.
        environ: Where variables are read, again and again; by default the environment of this process. An empty mapping for none.
        extra_values: Texts that are secrets wherever they occur.
        hooks: Functions that give the text to write, or None to leave it.

    Raises:
        UsageProblem: A pattern is no regular expression.
    """

    def __init__(
        self,
        patterns: Iterable[str] = (),
        environ: Mapping[str, str] | None = None,
        extra_values: Iterable[str] = (),
        hooks: Iterable[Callable[[str], str | None]] = (),
    ) -> None:
        self.masked: set[str] = set()
        """Variables whose value was found so far."""
        self._values = Values(os.environ if environ is None else environ)
        self._values.learn(extra_values)
        self._hooks = tuple(hooks)
        self._own = [_compiled(pattern) for pattern in patterns]
        self._clean_texts: set[str] | None = None
        self._clean_since = 0

    def for_trial(self) -> Redactor:
        """One with the same lists that counts its own `masked`, and remembers for the time of a trial which texts it found clean."""
        return self._like(self._values)

    def for_replay(self) -> Redactor:
        """One that knows forms, patterns and hooks alone. What a replay compares must not depend on this machine's variables."""
        return self._like(Values({}))

    def _like(self, values: Values) -> Redactor:
        other = object.__new__(Redactor)
        other.masked, other._values, other._hooks, other._own = set(), values, self._hooks, self._own
        other._clean_texts, other._clean_since = set(), values.learned
        return other

    @property
    def learned(self) -> int:
        """How often values were added: what was cleaned before that may hold them."""
        return self._values.learned

    @property
    def passed_over(self) -> dict[str, str]:
        """Variables with a secret's name whose value is not masked, and why as the end of a sentence."""
        return self._values.passed_over

    def learn(self, values: Iterable[str]) -> bool:
        """Take these values for secrets from now on; whether any is new."""
        return self._values.learn(values)

    def refresh(self) -> None:
        """Look at the environment again: a test's fixture or `load_dotenv` may have set a key since."""
        self._values.refresh()

    def text(self, text: str) -> str:
        """Also spells lone surrogates, which no file could hold, as escapes."""
        self.refresh()
        return self._clean(spelled(text))

    def data(self, data: bytes) -> bytes:
        """Like `text` for file content, in UTF-8, UTF-16 with its mark, or any encoding of single bytes."""
        self.refresh()
        for encoding in (
            "utf-16" if data.startswith(_UTF16) else "utf-8",
            "latin-1",
        ):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            clean = self._clean(text)
            return data if clean == text else _encoded(clean, encoding, data)
        raise AssertionError("latin-1 reads every byte")

    def result(self, result: CommandResult) -> CommandResult:
        self.refresh()
        fields = {
            name: self._clean(spelled(getattr(result, name))) for name in ("command", "stdout", "stderr")
        }
        return _updated(result, fields)

    def message(self, message: Message) -> Message:
        self.refresh()
        return _updated(
            message,
            {
                "content": self._clean(spelled(message.content)),
                "reasoning": self._clean(spelled(message.reasoning)),
                "calls": tuple(map(self._call, message.calls)),
                "native": self._value(message.native),
            },
        )

    def reply(self, reply: Reply) -> Reply:
        return _updated(reply, {"message": self.message(reply.message)})

    def value(self, value: Any) -> Any:
        """The same for every text in a JSON value."""
        self.refresh()
        return self._value(value)

    def _call(self, call: ToolCall) -> ToolCall:
        return _updated(
            call,
            {
                "id": self._clean(spelled(call.id)),
                "name": self._clean(spelled(call.name)),
                "arguments": self._arguments(call),
                "native": self._value(call.native),
            },
        )

    def _arguments(self, call: ToolCall) -> str:
        """Cleaned as values: the text has them escaped, which hooks and patterns of a project do not expect."""
        parsed = call.parsed()
        clean = None if parsed is None else self._value(parsed)
        if parsed == clean:
            return self._clean(spelled(call.arguments))
        return self._clean(json.dumps(clean, ensure_ascii=False))

    def _value(self, value: Any, level: int = 0) -> Any:
        """The same for every text in a JSON value. What is nested too deeply is left out: nothing of it could be shown to be clean."""
        if isinstance(value, str):
            return self._clean(spelled(value))
        if level > DEEPEST and isinstance(value, (list, tuple, dict)):
            return "[nested too deeply]"
        if isinstance(value, (list, tuple)):
            return [self._value(item, level + 1) for item in value]
        if isinstance(value, dict):
            return {self._clean(spelled(key)): self._value(inner, level + 1) for key, inner in value.items()}
        return value

    def _clean(self, text: str) -> str:
        if text and not self._is_known(text):
            learned = self._values.learned
            if is_json(text):
                text = in_strings(text, self._clean, is_keyed, mark("assigned"))
            elif spans := spans_within(text, self._find):
                text = _replaced(text, spans)
            elif self._clean_texts is not None and learned == self._clean_since and len(text) <= _REMEMBERED:
                self._clean_texts.add(text)
        for hook in self._hooks:
            replaced = hook(text)
            text = text if replaced is None else replaced
        return text

    def _is_known(self, text: str) -> bool:
        """Whether a text was found clean before, with the values that are known now. A trial's texts are written several times."""
        if self._clean_texts is None:
            return False
        if self._clean_since != self._values.learned:
            self._clean_texts, self._clean_since = set(), self._values.learned
        return text in self._clean_texts

    def _find(self, text: str) -> list[Span]:
        found = [
            Span(start, end, mark_of("value", secret), 0)
            for start, end, secret in self._values.find(text, self.masked)
        ]
        for pattern in self._own:
            found += [Span(*m.span(), mark("configured"), 1) for m in pattern.finditer(text) if m[0]]
        for rank, rule in applicable(text):
            found += [
                Span(start, end, mark_of(rule.kind, secret), 2 + rank)
                for start, end, secret in rule.find(text)
            ]
        return _without_marks(text, found) if found else found


def _updated(model: _Model, fields: dict[str, Any]) -> _Model:
    """The model with these fields; itself where it has them, as is usual."""
    return (
        model
        if all(getattr(model, name) == value for name, value in fields.items())
        else model.model_copy(update=fields)
    )


def _without_marks(text: str, found: list[Span]) -> list[Span]:
    """Marks are no secrets, though they may stand where a secret would: cleaning twice is cleaning once."""
    marks = [match.span() for match in MARK.finditer(text)]
    ends = [end for _, end in marks]

    def is_clear(span: Span) -> bool:
        after = bisect_right(ends, span.start)
        return after == len(marks) or marks[after][0] >= span.end

    return [span for span in found if is_clear(span)]


def _replaced(text: str, spans: list[Span]) -> str:
    """The text with each span replaced; where spans overlap, their union by the mark of the first rank."""
    parts: list[str] = []
    end, best = -1, spans[0]
    for span in sorted(spans, key=lambda span: span.start):
        if span.start < end:
            end, best = max(end, span.end), min(best, span, key=lambda span: span.rank)
            parts[-1] = best.mark
        else:
            parts += [text[max(end, 0) : span.start], span.mark]
            end, best = span.end, span
    return "".join([*parts, text[end:]])


def _encoded(clean: str, encoding: str, before: bytes) -> bytes:
    if encoding != "utf-16":
        return clean.encode(encoding, "replace")
    # The codec would write this machine's byte order, with a mark of its own.
    little = before.startswith(codecs.BOM_UTF16_LE)
    return before[:2] + clean.encode("utf-16-le" if little else "utf-16-be")


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UsageProblem(f"redact pattern {pattern!r}: not a regular expression: {error}") from None
