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
from functools import lru_cache
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


def _is_used(frame: FrameType) -> bool:
    """Whether the answer to what this frame asks now may decide anything. Where there is no source it may."""
    tree = _tree(frame)
    found = None if tree is None else _statement(tree, *_place(frame))
    return True if tree is None or found is None else _matters(found, tree, frame, set())


def _matters(statement: ast.stmt, tree: ast.Module, frame: FrameType, seen: set[ast.stmt]) -> bool:
    if statement in seen:
        return False
    seen.add(statement)
    if isinstance(statement, ast.Expr):
        named = [node.target.id for node in ast.walk(statement) if isinstance(node, ast.NamedExpr)]
        return _decides(statement.value) or _loaded(named, statement, tree, frame, seen)
    if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        plain = all(isinstance(target, (ast.Name, ast.Tuple, ast.List)) for target in targets)
        return not plain or _decides(statement) or _loaded(names, statement, tree, frame, seen)
    if isinstance(statement, ast.Return):
        return _returned(frame)
    if isinstance(statement, (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Match)):
        return _decides(statement)
    return True


def _returned(frame: FrameType) -> bool:
    """Of what a function of the project returns, its caller decides."""
    caller = frame.f_back
    return True if caller is None or _module(caller) in (*_FRAMEWORK, *_OURS) else _is_used(caller)


def _decides(node: ast.AST) -> bool:
    """Whether there is anything in it that can fail a test or hand a value on."""
    return any(
        isinstance(
            part, (ast.Assert, ast.Raise, ast.Return, ast.Yield, ast.YieldFrom, ast.Break, ast.Continue)
        )
        or (isinstance(part, ast.Call) and _called(part) not in _INERT)
        or (isinstance(part, ast.Assign) and not all(isinstance(t, ast.Name) for t in part.targets))
        for part in ast.walk(node)
    )


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _loaded(
    names: list[str], statement: ast.stmt, tree: ast.Module, frame: FrameType, seen: set[ast.stmt]
) -> bool:
    """Whether a variable that holds the answer is used anywhere in its function for anything that matters."""
    scope = _scope(tree, statement)
    for node in ast.walk(scope):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
            user = _statement(tree, node.lineno, node.col_offset)
            if user is not None and user is not statement and _matters(user, tree, frame, seen):
                return True
    return False


# --- finding statements ---------------------------------------------------------------------------------------------------


def _place(frame: FrameType) -> tuple[int, int | None]:
    """Line and column of what a frame is at."""
    positions = list(frame.f_code.co_positions())
    line, _, column, _ = positions[frame.f_lasti // 2]
    return line or frame.f_lineno, column


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
