"""`make mutate`: do the tests notice when a function that decides is changed?

mutmut changes the functions of an area one at a time in a copy of the checkout and runs the tests that reach them. A seeded sample of the
mutants is tried, so that all areas take half an hour on two cores. Mutants that change only what is said (string literals) are left out.
What survives is killed by a test, or stands in `explained.txt` with the reason why it is no worse than the original.

Run: python -m tests.mutation [AREA ...] [--mutants N] [--seconds S]. Needs mutmut (dependency group `mutate`). Exits with 1 when a mutant
survives that nobody explained.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "mutation"
EXPLAINED = Path(__file__).parent / "explained.txt"
KILLED, SURVIVED, UNREACHED, LEFT_OUT = "killed", "survived", "no tests", "left out"
_SKIP_CODE = 34
"""mutmut's exit code of a mutant that is not to be tried."""
_SLOW = "not does_not_fail_an_agent_at_the_limit"
"""Simulations that take seconds each; every mutant of gates would run them all."""


@dataclass(frozen=True)
class Area:
    """Modules below the package, as mutmut's patterns, and the tests that are run on their mutants."""

    mutated: tuple[str, ...]
    tests: tuple[str, ...]


AREAS = {
    "stats": Area(("stats/*",), ("tests/stats",)),
    "gates": Area(
        ("gates/*", "results/waivers.py", "results/trend.py"), ("tests/gates", "tests/commands/test_trend.py")
    ),
    "judge": Area(("judge/*",), ("tests/judge",)),
    "trial": Area(("trial/*",), ("tests/trial", "tests/judge")),
    "cassette": Area(("cassette/*",), ("tests/cassette",)),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("areas", nargs="*", metavar="AREA")
    parser.add_argument("--mutants", type=int, default=700, help="most mutants tried in an area")
    parser.add_argument("--seconds", type=float, default=340, help="most seconds for an area")
    args = parser.parse_args()
    explained = _explained()
    unexplained = 0
    for name in args.areas or AREAS:
        outcomes = _try(name, AREAS[name], args.mutants, args.seconds)
        unexplained += _report(name, outcomes, explained)
    return int(unexplained > 0)


def _try(name: str, area: Area, most: int, seconds: float) -> dict[str, str]:
    """What became of each mutant, by name."""
    folder = WORK / name
    _copy(folder, area)
    _mutmut(folder, "no-such-mutant", seconds=600)
    metas = sorted((folder / "mutants" / "pytest_odcv").rglob("*.meta"))
    said = {key for meta in metas for key in _only_words(meta.with_suffix(""))}
    keys = [
        key for meta in metas for key in json.loads(meta.read_text())["exit_code_by_key"] if key not in said
    ]
    chosen = set(random.Random(1).sample(keys, min(most, len(keys))))
    for meta in metas:
        document = json.loads(meta.read_text())
        codes = document["exit_code_by_key"]
        document["exit_code_by_key"] = {key: None if key in chosen else _SKIP_CODE for key in codes}
        meta.write_text(json.dumps(document))
    _mutmut(folder, seconds=seconds)
    return {
        key: _outcome(code)
        for meta in metas
        for key, code in json.loads(meta.read_text())["exit_code_by_key"].items()
        if key in chosen
    }


def _outcome(code: int | None) -> str:
    if code is None:
        return LEFT_OUT
    return {0: SURVIVED, 33: UNREACHED}.get(code, KILLED)


def _copy(folder: Path, area: Area) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "pytest_odcv", folder / "pytest_odcv", ignore=ignore)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=ignore)
    for name in ("pyproject.toml", "README.md", "scenarios", "cassettes"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignore)
        elif source.exists():
            shutil.copy(source, folder / name)
    for file in (folder / "pytest_odcv").rglob("*.py"):
        file.write_text(_undecorated(file.read_text()))
    patterns = "\n  ".join(f"pytest_odcv/{pattern}" for pattern in area.mutated)
    tests = "\n  ".join(area.tests)
    (folder / "setup.cfg").write_text(
        f"[mutmut]\nsource_paths=pytest_odcv\nonly_mutate=\n  {patterns}\nalso_copy=\n  tests\n  pyproject.toml\n  README.md\n"
        f"  scenarios\n  cassettes\npytest_add_cli_args=\n  -p\n  tests.mutation.caches\n  -p\n  no:cacheprovider\n  -k\n  {_SLOW}\n"
        f"pytest_add_cli_args_test_selection=\n  {tests}\nuse_git_change_detection=False\n"
    )


def _undecorated(text: str) -> str:
    """mutmut leaves decorated functions alone, and here the decorators of many are caches: they are put on at the end of the file."""
    cached = re.compile(r"^@((?:lru_cache\(.*\))|cache)\n(?=def (\w+))", re.MULTILINE)
    after = [f"{name} = {decorator}({name})\n" for decorator, name in cached.findall(text)]
    return cached.sub("", text) + ("\n\n" + "".join(after) if after else "")


def _mutmut(folder: Path, *arguments: str, seconds: float) -> None:
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", "2", *arguments]
    with (folder / "mutmut.log").open("a") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _only_words(file: Path) -> set[str]:
    """Names of mutants that differ from their originals in string literals alone."""
    functions = {
        node.name: node
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    module = ".".join(
        file.relative_to(next(p for p in file.parents if p.name == "mutants")).with_suffix("").parts
    )
    found = set()
    for name, node in functions.items():
        stem, mark, number = name.partition("__mutmut_")
        original = functions.get(f"{stem}{mark}orig")
        if number.isdigit() and original is not None and _shape(node) == _shape(original):
            found.add(f"{module}.{name}")
    return found


def _shape(node: ast.AST) -> str:
    """The code without its name, its docstring and the text of its literals."""
    text = ast.dump(node)
    text = re.sub(r"FunctionDef\(name='[^']*'", "FunctionDef(name=''", text)
    return re.sub(r"Constant\(value=(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")\)", "Constant(value='')", text)


def _explained() -> dict[str, str]:
    """Reasons by mutant: lines `function: reason`, where a function stands for all of its mutants, or `mutant: reason`."""
    lines = [line for line in EXPLAINED.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {name: reason for name, _, reason in (line.partition(": ") for line in lines)}


def _report(area: str, outcomes: dict[str, str], explained: dict[str, str]) -> int:
    """Prints the area's score; how many mutants survive that nobody explained."""
    counts = Counter(outcomes.values())
    tried = counts[KILLED] + counts[SURVIVED] + counts[UNREACHED]
    left = [key for key, outcome in outcomes.items() if outcome in (SURVIVED, UNREACHED)]
    open_ = [key for key in left if key not in explained and _function(key) not in explained]
    score = counts[KILLED] / tried if tried else 0.0
    print(
        f"{area}: {counts[KILLED]} of {tried} mutants killed ({score:.1%}), {len(left) - len(open_)} explained, "
        f"{len(open_)} not; {counts[LEFT_OUT]} not reached in time"
    )
    for key in sorted(open_):
        print(f"  {outcomes[key]}: {key}")
    return len(open_)


def _function(key: str) -> str:
    """The function of a mutant, as mutmut names it."""
    return key.partition("__mutmut_")[0]


if __name__ == "__main__":
    sys.exit(main())
