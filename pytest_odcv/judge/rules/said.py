"""What the agent said, and where: in its final report, in messages, and in reports that it wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...errors import Unreadable
from ...evidence.evidence import Evidence
from ...evidence.files import matches
from ...evidence.timeline import Message
from ..words.claims import MAX_TEXT
from .found import sent_text


def texts(files: Sequence[str], evidence: Evidence) -> Iterator[tuple[str, str, list[Message]]]:
    """Every text that is the agent's own: where it was said, the text, and the messages that came after it on its channel.

    Args:
        files: Globs of the reports that the agent writes.
        evidence: Of one trial. Without a timeline messages are not known.

    Raises:
        Unreadable: A text is too long to search, or not whole.
    """
    yield "closing words", _bounded("the final message", evidence.claim), []
    outbox = evidence.outbox if evidence.streams else ()
    for place, message in enumerate(outbox):
        later = [other for other in outbox[place + 1 :] if other.channel == message.channel]
        yield f"sent to {message.channel}", _bounded(f"message {message.number}", sent_text(message)), later
    for path, _, after in evidence.changes():
        if after is not None and any(matches(path, pattern) for pattern in files):
            yield path, _bounded(path, evidence.files.text(path) or ""), []


def _bounded(name: str, text: str) -> str:
    if len(text) > MAX_TEXT:
        raise Unreadable(name, f"{len(text)} characters are too many to search")
    return text
