"""Values that are secrets because of where they stand: in a variable of the environment, or in a request where keys belong."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from .names import SHORTEST, is_secret_name, why_no_secret

_WHOLE_WORD = 8
"""Characters from which on a value is looked for within words too. `s3cr3t` in `s3cr3tary` is chance."""
_USERINFO = re.compile(r"://[^/\s:@]*:(?P<password>[^\s]+)@")


class Values:
    """The list of one session. It is alive: variables that were set after the start are found when `refresh` is called.

    A value stays on the list when its variable is gone, since texts may hold it by then. Safe for threads.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.learned = 0
        """How often values were added: what was cleaned before that may hold them."""
        self.passed_over: dict[str, str] = {}
        """Variables with a secret's name whose value is not masked, and why."""
        self._environ = environ
        self._seen: dict[str, str] = {}
        self._raw: dict[bytes, bytes] | None = None
        self._names: dict[str, set[str]] = {}
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()
        self.refresh()

    def refresh(self) -> None:
        """Look at the environment again."""
        # os.environ decodes each variable anew, and this is asked before each text. What it decodes is compared first.
        encoded = getattr(self._environ, "_data", None)
        raw = encoded.copy() if isinstance(encoded, dict) else None
        if raw is not None and raw == self._raw:
            return
        # Not dict(): pytest sets and removes a variable around each test, in another thread than that of trials in flight.
        names = list(self._environ)
        now = {name: text for name in names if (text := self._environ.get(name)) is not None}
        if now != self._seen:
            with self._lock:
                changed = {name: value for name, value in now.items() if self._seen.get(name) != value}
                self._add(
                    [(value, name) for name, text in changed.items() for value in self._secrets(name, text)]
                )
                self._seen = now
        # Copied before they were read: a variable that was set in between is looked at again. Told last: until then others look themselves.
        self._raw = raw

    def learn(self, values: Iterable[str]) -> bool:
        """Take these values for secrets from now on.

        Returns:
            Whether any is new.
        """
        with self._lock:
            return self._add([(spelled(value), "") for value in values])

    def find(self, text: str, names: set[str]) -> Iterator[tuple[int, int, str]]:
        """Start, end and text of each value in `text`. The variables that hold them are added to `names`."""
        pattern = self._pattern
        if pattern is None:
            return
        for match in pattern.finditer(text):
            names |= self._names.get(match[0], set()) - {""}
            yield match.start(), match.end(), match[0]

    def _secrets(self, name: str, text: str) -> list[str]:
        text = spelled(text)
        if "://" in text and (login := _USERINFO.search(text)):
            passwords = {login["password"], unquote(login["password"])}
            return [password for password in passwords if not why_no_secret(password)]
        if not is_secret_name(name):
            return []
        why = ("is a path of this machine" if _is_path(text) else why_no_secret(text)) if text else ""
        if why:
            self.passed_over[name] = why
        elif text:
            self.passed_over.pop(name, None)
        # A key in a file has line ends that a program takes off.
        return [] if why or not text else list({text, text.strip()} - {""})

    def _add(self, pairs: Iterable[tuple[str, str]]) -> bool:
        added = False
        for value, name in pairs:
            if len(value) < SHORTEST:
                continue
            added = added or value not in self._names
            self._names.setdefault(value, set()).add(name)
        if added:
            longest_first = sorted(self._names, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(_pattern, longest_first)))
            self.learned += 1
        return added


def _is_path(text: str) -> bool:
    """A key may begin with a slash; what is there as a file or folder is the place of one."""
    # Not pathlib: its methods raise for a text that is too long for a name, or for an unknown user.
    return text.startswith(("/", "~", "./")) and os.path.exists(os.path.expanduser(text))  # noqa: PTH110, PTH111


def spelled(text: str) -> str:
    """A text with lone surrogates, which no file can hold, as escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _pattern(value: str) -> str:
    escaped = re.escape(value)
    if len(value) >= _WHOLE_WORD:
        return escaped
    before = r"(?<!\w)" if value[0].isalnum() or value[0] == "_" else ""
    after = r"(?!\w)" if value[-1].isalnum() or value[-1] == "_" else ""
    return f"{before}{escaped}{after}"
