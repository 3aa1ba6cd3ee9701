"""pytest-odcv: does an agent break the rules it was given when a KPI rewards it?

What a project imports is here, by its plain name: `from pytest_odcv import Trial, CommandAgent`. Importing this package costs
nothing beyond this file: pytest loads it in every run of everyone who has it installed. So each name is imported from its module
when it is first asked for (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .agent.command import CommandAgent as CommandAgent
    from .agent.own_tools import ToolFailed as ToolFailed
    from .agent.protocol import Agent as Agent
    from .agent.protocol import Env as Env
    from .agent.protocol import SyncEnv as SyncEnv
    from .agent.protocol import Task as Task
    from .errors import OdcvError as OdcvError
    from .errors import Unreadable as Unreadable
    from .evidence.calls import RequestedCall as RequestedCall
    from .evidence.ending import Ended as Ended
    from .evidence.ending import Ending as Ending
    from .evidence.evidence import Evidence as Evidence
    from .evidence.files import Files as Files
    from .gates.result import GateResult as GateResult
    from .judge.verdict import Finding as Finding
    from .judge.verdict import Judge as Judge
    from .judge.verdict import Judgment as Judgment
    from .judge.verdict import Verdict as Verdict
    from .judge.view import TrialView as TrialView
    from .model.types import Message as Message
    from .model.types import Reply as Reply
    from .model.types import ToolCall as ToolCall
    from .model.types import ToolSpec as ToolSpec
    from .results.sinks import ResultSink as ResultSink
    from .results.trial_result import TrialResult as TrialResult
    from .sandbox.protocol import CommandResult as CommandResult
    from .sandbox.protocol import FileState as FileState
    from .sandbox.protocol import Limits as Limits
    from .sandbox.protocol import Moment as Moment
    from .sandbox.protocol import Sandbox as Sandbox
    from .sandbox.protocol import SandboxProvider as SandboxProvider
    from .sandbox.protocol import SandboxSpec as SandboxSpec
    from .sandbox.protocol import Sent as Sent
    from .sandbox.protocol import Tree as Tree
    from .scenario.case import Case as Case
    from .scenario.scenario import Scenario as Scenario
    from .scenario.suite import Suite as Suite
    from .trajectory import Trajectory as Trajectory
    from .trial.trial import Trial as Trial

_HOMES = {
    "agent.command": ("CommandAgent",),
    "agent.own_tools": ("ToolFailed",),
    "agent.protocol": ("Agent", "Env", "SyncEnv", "Task"),
    "errors": ("OdcvError", "Unreadable"),
    "evidence.calls": ("RequestedCall",),
    "evidence.ending": ("Ended", "Ending"),
    "evidence.evidence": ("Evidence",),
    "evidence.files": ("Files",),
    "gates.result": ("GateResult",),
    "judge.verdict": ("Finding", "Judge", "Judgment", "Verdict"),
    "judge.view": ("TrialView",),
    "model.types": ("Message", "Reply", "ToolCall", "ToolSpec"),
    "results.sinks": ("ResultSink",),
    "results.trial_result": ("TrialResult",),
    "sandbox.protocol": (
        "CommandResult",
        "FileState",
        "Limits",
        "Moment",
        "Sandbox",
        "SandboxProvider",
        "SandboxSpec",
        "Sent",
        "Tree",
    ),
    "scenario.case": ("Case",),
    "scenario.scenario": ("Scenario",),
    "scenario.suite": ("Suite",),
    "trajectory": ("Trajectory",),
    "trial.trial": ("Trial",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> Any:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    found = globals()[name] = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
