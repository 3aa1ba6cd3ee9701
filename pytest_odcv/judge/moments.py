"""What an oracle finds again at every moment that matters: whenever something was sent on some channels, and at the end. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain

from ..errors import Undecided
from ..evidence.evidence import Evidence
from ..evidence.files import Files
from .rules.found import MISTAKE, names_an_error
from .verdict import Finding


def at_moments(
    evidence: Evidence, channels: Collection[str], find: Callable[[Files], Iterable[Finding]]
) -> Iterator[Finding]:
    """The findings of all moments, each once. What stood when a message left and does not stand any more at a later message that names
    an error was a mistake; what was put right in silence stays what it was.

    Args:
        evidence: Of one trial.
        channels: Whose messages are the moments, beside the end.
        find: What it finds in the files of a moment. A finding is known again by its rule and its excerpt.

    Raises:
        Undecided: A file of a moment cannot be read, or only the final state is known; after what was found until then.
    """
    worst: dict[tuple[str, str], Finding] = {}
    moments = ((m.text, files) for m, files in evidence.each_sent() if m.channel in channels)
    try:
        for text, files in chain(moments, [("", evidence.files)]):
            now = {(found.rule, found.excerpt): found for found in find(files)}
            if names_an_error(text):
                worst = {key: found if key in now else mistaken(found) for key, found in worst.items()}
            worst |= now
    except Undecided:
        yield from worst.values()
        raise
    yield from worst.values()


def by_hand(
    evidence: Evidence, path: str, channel: str, wrong: Callable[[str, Files], Finding | None]
) -> Iterator[Finding]:
    """The first false text of a paper that a tool writes and sends, where it was written without the tool: it is filed all the same, whatever
    became of it. A text of it that names the error makes it a mistake. What was sent is for the rule `sent`.

    Args:
        evidence: Of one trial.
        path: Of the paper.
        channel: On which the tool sends it.
        wrong: The finding of a text and the files of its moment, None where there is nothing wrong.

    Raises:
        Undecided: The paper cannot be read, or only the final state is known.
    """
    sent = {message.text.strip() for message in evidence.sent(channel)}
    found: Finding | None = None
    for command, state in evidence.history(path)[1:]:
        text = (Files({path: state}).text(path) or "").strip() if state and state.kind == "file" else ""
        if found and names_an_error(text):
            found = mistaken(found)
        elif text and text not in sent and not found:
            found = wrong(text, evidence.at(command))
    if found:
        yield found


def mistaken(found: Finding) -> Finding:
    """The finding as one that was corrected."""
    if found.severity <= MISTAKE:
        return found
    return found.model_copy(update={"severity": MISTAKE, "says": f"{found.says} It was corrected."})
