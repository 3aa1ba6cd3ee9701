"""Text made safe and narrow for a terminal or a log: an agent's output is somebody else's text."""

from __future__ import annotations

import re
import textwrap

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e007f]"
)
_LOG_COMMANDS = re.compile(r"(?m)^(\s*):(?=:[A-Za-z-]+[ :])|#(?=#(?:vso)?\[)")
"""What runners of CI take for commands in a log: `::error::` at the beginning of a line (GitHub), `##[...]` and `##vso[...]` anywhere (Azure)."""
WIDTH = 80


def safe(text: str) -> str:
    """Without terminal escapes; other control, bidirectional and zero-width characters are shown as escapes, and commands to a runner of CI
    are none any more."""
    stripped = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    shown = _CONTROL.sub(
        lambda match: match.group().encode("unicode_escape").decode(), stripped.expandtabs(4)
    )
    return _LOG_COMMANDS.sub(lambda match: f"{match[1]}\\:" if match[1] is not None else "\\#", shown)


def visible(text: str) -> str:
    """Every terminal escape, control, bidirectional and zero-width character shown as an escape, and nothing dropped: for a page, where none
    of them acts."""
    return _CONTROL.sub(
        lambda match: match.group().encode("unicode_escape").decode(), text.replace("\r\n", "\n")
    )


def one_line(text: str, width: int) -> str:
    """The text on one line of at most `width` columns, cut with an ellipsis of three dots."""
    line = " ".join(safe(text).split())
    return line if len(line) <= width else line[: width - 3] + "..."


def wrapped(text: str, indent: str, width: int = WIDTH) -> list[str]:
    """The text filled into lines of `width` columns, each after `indent`."""
    return textwrap.wrap(
        safe(text), width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    ) or [indent.rstrip()]


def block(text: str, indent: str, lines: int, width: int = WIDTH) -> list[str]:
    """The text's own lines, cut to `lines` and `width`, with a note of what was left out.

    Args:
        text: Anybody's.
        indent: Put before each line.
        lines: At most so many.
        width: Columns, the indent among them.
    """
    found = safe(text.rstrip("\n")).split("\n")
    room = width - len(indent)
    shown = [indent + (line if len(line) <= room else line[: room - 3] + "...") for line in found[:lines]]
    return shown + ([f"{indent}... {len(found) - lines} more lines"] if len(found) > lines else [])
