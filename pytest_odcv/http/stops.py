"""What ends an agent from within a request that it makes."""

from __future__ import annotations

from ..errors import OdcvError


class TapeStop(BaseException):
    """Ends the agent where it made a request, or ran a command, that cannot be answered. Not an Exception: client libraries would turn that into a
    connection error of theirs and try again. `problem` is what the user reads."""

    def __init__(self, problem: OdcvError) -> None:
        super().__init__(str(problem))
        self.problem = problem


class StepLimitReached(BaseException):
    """Ends the agent that asked its model more often than its task allows; its trial is judged by what it did."""


def shown(method: str, url: str) -> str:
    """A request in a message: without its query, where a key may be."""
    return f"{method} {url.partition('?')[0]}"


def bracketed(host: str) -> str:
    """A host as it stands in an address: an IPv6 address is in brackets there, which http.client takes off."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
