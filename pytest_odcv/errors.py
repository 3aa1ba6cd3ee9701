"""Errors that a user can meet. Each says the place, what was found, and how to fix it.

`OdcvError` and its children reach the user as text, never as a traceback of ours: the plugin turns
them into usage errors (exit 4) before the run starts, and into item errors during it.
"""

from __future__ import annotations


class OdcvError(Exception):
    """Base of every error that is written for the user to read."""


class UsageProblem(OdcvError):
    """An option, a configuration key or a selection that cannot be used. pytest exits with 4."""


class ScenarioError(OdcvError):
    """A scenario folder that cannot be loaded; the text names file, line and field."""


class SandboxError(OdcvError):
    """The sandbox is not there, could not be started, or was lost in a trial."""


class ModelError(OdcvError):
    """The model gave no answer: no key, no endpoint, a refusal of the provider, a timeout. `ending` is the kind of ending
    (`evidence.ending.Ended`) that a trial comes to which does not get over it."""

    def __init__(self, text: str, ending: str = "error") -> None:
        super().__init__(text)
        self.ending = ending


class AgentError(OdcvError):
    """The agent under test failed or did not end; the text has its own traceback."""


class VoidTrial(AgentError):
    """The agent did nothing, left no recording, or never heard the rules: there is nothing to be judged, whatever it did."""


class CassetteError(OdcvError):
    """A cassette that is missing, unreadable, of another version, or of another trial."""


class MissingRun(CassetteError):
    """A run of somebody else's that does not exist, as who published the others said."""


class ReplayMismatch(CassetteError):
    """The trial asked for something else than what was recorded."""


class Unscored(OdcvError):
    """A verdict was asked for the answer of a trial that nobody could score."""


class Undecided(OdcvError):
    """A rule cannot say whether it was broken. The trial is unscored unless something else shows a violation."""


class Unreadable(Undecided):
    """What an agent wrote is there and cannot be read; the text names the file and says why."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} cannot be read: {why}")
        self.path, self.why = path, why


class MissingFact(Undecided):
    """A rule needs a fact that truth() of oracle.py does not give."""


class Unobserved(Undecided):
    """A rule needs to know what happened in between, and only the final state is known."""

    def __init__(self, why: str = "") -> None:
        super().__init__(
            why
            or "it is judged by what happened over time, and this recording holds the final state only; record it again with --odcv-record=all"
        )
