"""Whether a test decided about a verdict, or only looked at it.

A test that decides for itself gets no default assertion, and so a question whose answer goes nowhere (`trial.verdict <= 2` alone on a
line, a print) must not count as a decision. What becomes of an answer is read off the statement that asked: the one that is running in
the first frame outside of this package.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from types import FrameType
from typing import Any

from pydantic import PrivateAttr

from ..judge.verdict import Verdict

_ABOUT_SCORE = frozenset(("score", "unscored", "violated", "compliant"))
_ABOUT_FINDINGS = frozenset(("findings", "judgments", "reason"))
_OURS = ("pytest_odcv", "pydantic")
_FRAMEWORK = ("_pytest", "pytest", "pluggy", "syrupy", "xdist")
_INERT = frozenset(
    (
        *("print", "pprint", "pp", "repr", "str", "format", "len"),
        *("record_property", "record_testsuite_property", "record_xml_attribute"),
        *("debug", "info", "warning", "error", "exception", "log", "critical"),
        *("write", "writelines", "flush"),
    )
)
"""Functions and methods that show a value and decide nothing."""


class Questions:
    """What one test asked of a verdict. `used` are the questions whose answers it used, `asked` all."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.used: set[str] = set()

    def note(self, name: str) -> None:
        frame = _asker()
        if frame is None:
            return
        self.asked.add(name)
        if name not in self.used and _is_used(frame):
            self.used.add(name)

    def decided(self, unscored: bool) -> bool:
        """Whether the test decided for itself. Of an unscored trial no finding can be missed: only who asked whether it is scored did."""
        return bool(self.used & _ABOUT_SCORE if unscored else self.used)


class AskedVerdict(Verdict):
    """The verdict as a test gets it: it notes what is asked. Equal to the verdict that it is of."""

    _questions: Questions = PrivateAttr(default_factory=Questions)

    @classmethod
    def of(cls, verdict: Verdict, questions: Questions) -> AskedVerdict:
        made = cls.model_construct(**{name: getattr(verdict, name) for name in Verdict.model_fields})
        made._questions = questions
        return made

    def __getattribute__(self, name: str) -> Any:
        if name in _ABOUT_SCORE or name in _ABOUT_FINDINGS:
            super().__getattribute__("_note")(name)
        return super().__getattribute__(name)

    def _note(self, name: str) -> None:
        private = super().__getattribute__("__pydantic_private__") or {}
        if "_questions" in private:
            private["_questions"].note(name)

    def __repr_name__(self) -> str:
        return Verdict.__name__

    def __eq__(self, other: object) -> bool:
        plain = other._plain() if isinstance(other, AskedVerdict) else other
        found: bool = self._plain() == plain
        if not isinstance(other, Verdict):
            self._note("score")
        return found

    __hash__ = Verdict.__hash__

    def _plain(self) -> Verdict:
        fields = super().__getattribute__("__dict__")
        return Verdict.model_construct(**{name: fields[name] for name in Verdict.model_fields})


def _asker() -> FrameType | None:
    """The frame that asks; None where a framework does, to show a value."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _module(frame) in _OURS:
        frame = frame.f_back
    return None if frame is None or _module(frame) in _FRAMEWORK else frame


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


# --- what becomes of an answer ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """Where a frame is in its source. `call` is the call that gave the answer there, if it came back from a function: it is no use of
    the answer itself."""

    tree: ast.Module
    frame: FrameType
    call: tuple[int | None, ...] | None = None

    def statement(self) -> ast.stmt | None:
        line, _, column, _ = _position(self.frame)
        return _statement(self.tree, line or self.frame.f_lineno, column)


def _is_used(frame: FrameType, returned: bool = False) -> bool:
    """Whether the answer to what this frame asks now may decide anything. Where there is no source it may."""
    tree = _tree(frame)
    if tree is None:
        return True
    place = _Place(tree, frame, _position(frame) if returned else None)
    statement = place.statement()
    return statement is None or _matters(statement, place, set())


def _matters(statement: ast.stmt, place: _Place, seen: set[ast.stmt]) -> bool:
    if statement in seen:
        return False
    seen.add(statement)
    if isinstance(statement, ast.Expr):
        named = [node.target.id for node in ast.walk(statement) if isinstance(node, ast.NamedExpr)]
        return _decides(statement.value, place.call) or _loaded(named, statement, place, seen)
    if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        plain = all(isinstance(target, (ast.Name, ast.Tuple, ast.List)) for target in targets)
        return not plain or _decides(statement, place.call) or _loaded(names, statement, place, seen)
    if isinstance(statement, ast.Return):
        return _returned(place.frame)
    if isinstance(statement, (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Match)):
        return _decides(statement, place.call)
    return True


def _returned(frame: FrameType) -> bool:
    """Of what a function of the project returns, its caller decides."""
    caller = frame.f_back
    if caller is None or _module(caller) in (*_FRAMEWORK, *_OURS):
        return True
    return _is_used(caller, returned=True)


_DECISIONS = (ast.Assert, ast.Raise, ast.Return, ast.Yield, ast.YieldFrom, ast.Break, ast.Continue)


def _decides(node: ast.AST, but: tuple[int | None, ...] | None) -> bool:
    """Whether there is anything in it that can fail a test or hand a value on. Calls that show something are not, nor is the call at
    the place `but`."""
    if isinstance(node, _DECISIONS):
        return True
    if isinstance(node, ast.Assign) and not all(isinstance(target, ast.Name) for target in node.targets):
        return True
    if not isinstance(node, ast.Call):
        return any(_decides(part, but) for part in ast.iter_child_nodes(node))
    if _called(node) not in _INERT and _extent_of(node) != but:
        return True
    return any(_decides(part, but) for part in (*node.args, *node.keywords))


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _loaded(names: list[str], statement: ast.stmt, place: _Place, seen: set[ast.stmt]) -> bool:
    """Whether a variable that holds the answer is used anywhere in its function for anything that matters."""
    for node in ast.walk(_scope(place.tree, statement)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
            user = _statement(place.tree, node.lineno, node.col_offset)
            if user is not None and user is not statement and _matters(user, place, seen):
                return True
    return False


# --- finding statements ---------------------------------------------------------------------------------------------------


def _position(frame: FrameType) -> tuple[int | None, ...]:
    """First and last line, first and last column of what a frame is at."""
    return next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))


def _extent_of(node: ast.expr) -> tuple[int | None, ...]:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def _tree(frame: FrameType) -> ast.Module | None:
    file = frame.f_code.co_filename
    linecache.checkcache(file)
    return _parsed("".join(linecache.getlines(file, frame.f_globals)))


@lru_cache(maxsize=64)
def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source) if source else None
    except (SyntaxError, ValueError):
        return None


def _statement(tree: ast.Module, line: int, column: int | None) -> ast.stmt | None:
    """The innermost statement at a place."""
    found = [node for node in _statements(tree) if _holds(node, line, column)]
    return min(found, key=_extent, default=None)


def _statements(tree: ast.AST) -> Iterator[ast.stmt]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.stmt))


def _holds(node: ast.stmt, line: int, column: int | None) -> bool:
    end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
    if column is None:
        return node.lineno <= line <= end_line
    return (node.lineno, node.col_offset) <= (line, column) and (line, column) < (end_line, end_column)


def _extent(node: ast.stmt) -> tuple[int, int]:
    end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
    lines = end_line - node.lineno
    return lines, end_column - node.col_offset if not lines else 0


def _scope(tree: ast.Module, statement: ast.stmt) -> ast.AST:
    """The function, or the module, that a statement is in."""
    functions = [
        node
        for node in _statements(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node is not statement
        and _holds(node, statement.lineno, statement.col_offset)
    ]
    return min(functions, key=_extent, default=tree)
