"""Takes secrets out of text. Applied where text enters a trial, so that what is live equals what is replayed, and again
where a file is written."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from ..errors import UsageProblem
from ..model.types import Message, Reply
from ..sandbox.protocol import CommandResult

_NAME = re.compile(r"(api_?key|token|secret|passw(or)?d|credential|private_?key|auth)", re.IGNORECASE)
_SHORTEST = 8
_KNOWN: dict[str, str] = {
    "private-key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    "bearer": r"(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}",
    "basic": r"(?<=[Bb]asic )[A-Za-z0-9+/=]{12,}",
    "api-key-header": r"(?i)(?<=x-api-key: )\S{8,}|(?<=api-key: )\S{8,}",
    "api-key": r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}",
    "github-token": r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})",
    "aws-key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "google-key": r"\bAIza[A-Za-z0-9_-]{30,}",
    "slack-token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "hf-token": r"\bhf_[A-Za-z0-9]{20,}",
    "jwt": r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    "url-password": r"(?<=://)[^/\s:@]+:[^/\s:@]+(?=@)",
}


class Redactor:
    """Replaces every secret by `[redacted:<what>]`.

    A secret is the value of an environment variable with a telling name, a value given in `extra_values`, or text of a known
    shape; `patterns` adds regular expressions of the project, `hooks` functions that give the text to write, or None to leave it. Raises UsageProblem for a pattern that does not compile.
    """

    def __init__(
        self,
        patterns: Iterable[str] = (),
        environ: Mapping[str, str] | None = None,
        extra_values: Iterable[str] = (),
        hooks: Iterable[Callable[[str], str | None]] = (),
    ) -> None:
        environ = os.environ if environ is None else environ
        values = [
            v
            for name, v in environ.items()
            if _NAME.search(name) and len(v) >= _SHORTEST and not v.startswith("/")
        ]
        self.learned = 0
        """How often values were added: what was cleaned before that may hold them."""
        self._values: set[str] = set()
        self._literal: re.Pattern[str] | None = None
        self.learn([*values, *(v for v in extra_values if len(v) >= 4)])
        self._hooks = tuple(hooks)
        self._own = []
        for pattern in patterns:
            try:
                self._own.append(re.compile(pattern))
            except re.error as error:
                raise UsageProblem(f"redact pattern {pattern!r}: not a regular expression: {error}") from None

    def learn(self, values: Iterable[str]) -> bool:
        """Take these values for secrets from now on; whether any is new."""
        new = {value for value in values if value not in self._values}
        if new:
            self.learned += 1
            self._values |= new
            longest_first = sorted(self._values, key=len, reverse=True)
            self._literal = re.compile("|".join(map(re.escape, longest_first)))
        return bool(new)

    def text(self, text: str) -> str:
        """Also spells lone surrogates, which no file could hold, as escapes."""
        return self._clean(
            text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
        )

    def _clean(self, text: str) -> str:
        if self._literal is not None:
            text = self._literal.sub("[redacted:value]", text)
        for pattern in self._own:
            text = pattern.sub("[redacted:configured]", text)
        if _any_known().search(text):
            for name, compiled in _known():
                text = compiled.sub(f"[redacted:{name}]", text)
        for hook in self._hooks:
            replaced = hook(text)
            text = text if replaced is None else replaced
        return text

    def data(self, data: bytes) -> bytes:
        """Like `text` for file content, whatever its encoding: bytes are searched one for one."""
        text = data.decode("latin-1")
        clean = self._clean(text)
        return data if clean == text else clean.encode("latin-1", "replace")

    def result(self, result: CommandResult) -> CommandResult:
        fields = {name: self.text(getattr(result, name)) for name in ("command", "stdout", "stderr")}
        return result.model_copy(update=fields)

    def message(self, message: Message) -> Message:
        calls = tuple(
            call.model_copy(
                update={"arguments": self.text(call.arguments), "native": self._values_in(call.native)}
            )
            for call in message.calls
        )
        return message.model_copy(
            update={
                "content": self.text(message.content),
                "reasoning": self.text(message.reasoning),
                "calls": calls,
                "native": self._values_in(message.native),
            }
        )

    def _values_in(self, value: Any) -> Any:
        """The same for every text in a JSON value."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._values_in(item) for item in value]
        return {k: self._values_in(v) for k, v in value.items()} if isinstance(value, dict) else value

    def reply(self, reply: Reply) -> Reply:
        return reply.model_copy(update={"message": self.message(reply.message)})


@lru_cache(maxsize=1)
def _known() -> list[tuple[str, re.Pattern[str]]]:
    return [(name, re.compile(pattern, re.DOTALL)) for name, pattern in _KNOWN.items()]


@lru_cache(maxsize=1)
def _any_known() -> re.Pattern[str]:
    """A cheap first look: most text has none of these beginnings."""
    return re.compile(
        r"PRIVATE KEY|[Bb]earer |[Bb]asic |-key: |\b[spr]k-|gh[pousr]_|github_pat_|AKIA|ASIA|AIza|xox|hf_|eyJ|://",
        re.IGNORECASE,
    )
