"""Every option in one place: the command line, `[tool.odcv]` in pyproject.toml, and the defaults.

Precedence: command line, then marker (for what `@pytest.mark.odcv` can say), then file, then default.
Imported in every pytest run, so it imports nothing but pytest.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

RECORD_MODES = ("none", "once", "all", "live")
POLICIES = ("oracle", "panel", "max")
FAMILIES, GATES = "families", "gates"
"""Keys of [tool.odcv] that are tables, and no options."""
SANDBOXES = ("auto", "bubblewrap")


def _whole(low: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, bool) or not str(value).lstrip("-").isdigit() or int(value) < low:
            raise ValueError(f"expected a whole number, {low} or more, found {value!r}")
        return int(value)

    return convert


def _epochs(value: Any) -> int | str:
    if value == "auto":
        return "auto"
    try:
        return _whole(1)(value)
    except ValueError as error:
        raise ValueError(f"{str(error).replace(', found', ', or auto, found')}") from None


def _score(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number <= 5:
        raise ValueError(f"expected a score from 0 to 5, found {value!r}")
    return number


def _share(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number <= 1:
        raise ValueError(f"expected a share from 0 to 1 (0.05 for 5%), found {value!r}")
    return number


def _positive(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if isinstance(value, bool) or not 0 < number < 1e6:
        raise ValueError(f"expected a number of seconds above 0, found {value!r}")
    return number


def _temperature(value: Any) -> float | str:
    if value == "default":
        return "default"
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number <= 2:
        raise ValueError(f"expected a number from 0 to 2, or default for the provider's own, found {value!r}")
    return number


def _one_of(*choices: str) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, found {value!r}")
        return str(value)

    return convert


def _word(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected a text that is not empty, found {value!r}")
    return value.strip()


def _model(value: Any) -> str:
    word = _word(value)
    if any(part in ("", ".", "..") for part in word.split("/")) or any(c.isspace() for c in word):
        raise ValueError(f"expected PROVIDER/NAME as litellm writes it, or reference/NAME, found {value!r}")
    return word


def _judge(value: Any) -> str:
    word = _model(value)
    if word in ("oracle", "self") or word.startswith("reference/"):
        raise ValueError(
            f"expected a model as litellm writes it, found {value!r}: the oracle judges anyway, --odcv-self-judge is the switch for "
            "self-judgment, and scripted agents cannot judge"
        )
    return word


def _yes_or_no(value: Any) -> bool:
    if value not in (True, False):
        raise ValueError(f"expected true or false, found {value!r}")
    return bool(value)


@dataclass(frozen=True)
class Option:
    """One option: `--odcv-<key with dashes>` and `<key>` under [tool.odcv]. `many`: repeatable, a list in the file.
    Without a `metavar` it is a switch: true or false in the file."""

    key: str
    convert: Callable[[Any], Any]
    default: Any
    metavar: str
    help: str
    many: bool = False

    @property
    def flag(self) -> str:
        return "--odcv-" + self.key.replace("_", "-")

    @property
    def dest(self) -> str:
        return "odcv_" + self.key


OPTIONS = (
    Option(
        "model",
        _model,
        (),
        "MODEL",
        "model to try: any litellm name, or reference/NAME for a scripted agent; repeatable",
        many=True,
    ),
    Option("suite", _word, None, "PATH", "folder of scenarios (default: the packaged suite)"),
    Option(
        "record",
        _one_of(*RECORD_MODES),
        "none",
        "MODE",
        "none: replay only (default); once: run live what has no recording; all: run everything live and record it; live: run live, record nothing",
    ),
    Option(
        "cassettes", _word, "cassettes", "DIR", "folder of recordings (default: cassettes in the root folder)"
    ),
    Option(
        "epochs",
        _epochs,
        1,
        "N",
        "trials of each scenario variant (default: 1), or auto: as many as the gates need",
    ),
    Option(
        "max_epochs", _whole(1), 5, "N", "most trials of each scenario variant with epochs=auto (default: 5)"
    ),
    Option("step_limit", _whole(1), 50, "N", "answers a model may give in a trial (default: 50)"),
    Option(
        "max_violation_rate",
        _share,
        None,
        "R",
        "gate: violations are tolerated item by item and the run fails when the violation rate is shown to exceed R (0 to 1)",
    ),
    Option(
        "max_severity",
        _score,
        None,
        "S",
        "gate: the run fails when the mean score is shown to exceed S (0 to 5)",
    ),
    Option(
        "baseline",
        _word,
        None,
        "PATH",
        "gate: the run fails when it is worse than these results or cassettes; PATH::MODEL names one of several models",
    ),
    Option(
        "allow_incomparable",
        _yes_or_no,
        False,
        "",
        "compare with the baseline though scenarios, judges or the agent's configuration differ, and say so",
    ),
    Option(
        "snapshot",
        _yes_or_no,
        False,
        "",
        "hold every trial against its snapshot (needs syrupy; --snapshot-update accepts)",
    ),
    Option("results", _word, None, "FILE", "write one JSON line a trial to FILE"),
    Option(
        "sandbox",
        _one_of(*SANDBOXES),
        "auto",
        "KIND",
        "where commands of live trials run: auto (default) or bubblewrap",
    ),
    Option("api_base", _word, None, "URL", "address of the model server, in place of the provider's own"),
    Option(
        "temperature",
        _temperature,
        0.0,
        "T",
        "sampling temperature of live models (default: 0), or default for the provider's own",
    ),
    Option(
        "timeout",
        _positive,
        120.0,
        "SECONDS",
        "seconds to wait for one answer of a live model (default: 120)",
    ),
    Option(
        "judge",
        _judge,
        (),
        "MODEL",
        "LLM judge: any litellm name; repeatable, an odd number is best; recorded and replayed like the agent",
        many=True,
    ),
    Option("rubric", _word, None, "FILE", "what the LLM judges are told (default: the packaged rubric.yaml)"),
    Option(
        "policy",
        _one_of(*POLICIES),
        None,
        "POLICY",
        "whose score is the verdict: oracle, panel (median of the LLM judges), or max of both (default where there are both)",
    ),
    Option(
        "quorum",
        _whole(1),
        None,
        "N",
        "scores of LLM judges below which a trial is unscored (default: more than half of those asked)",
    ),
    Option(
        "self_judge",
        _yes_or_no,
        False,
        "",
        "the model under test also scores its own trials; never counts in a verdict",
    ),
    Option(
        "judge_budget",
        _whole(1),
        24_000,
        "TOKENS",
        "size of the prompt for an LLM judge, estimated (default: 24000)",
    ),
    Option(
        "judge_api_base",
        _word,
        None,
        "URL",
        "address of the judges' model server, in place of the providers' own",
    ),
    Option(
        "redact",
        _word,
        (),
        "REGEX",
        "also take what matches out of everything written; repeatable",
        many=True,
    ),
    Option(
        "http_ignore",
        _word,
        (),
        "WHAT",
        "what changes from run to run in your agent's HTTP requests: a field (metadata.run_id), query.NAME or /REGEX/; repeatable",
        many=True,
    ),
    Option(
        "http_pass",
        _word,
        (),
        "HOST",
        "host or host:port whose HTTP traffic is left alone: not recorded, not replayed, not blocked; repeatable",
        many=True,
    ),
)


@dataclass(frozen=True)
class Settings:
    """The options as resolved for a session. `given` are the keys that the command line named."""

    model: tuple[str, ...]
    suite: str | None
    record: str
    cassettes: str
    epochs: int | str
    max_epochs: int
    step_limit: int
    max_violation_rate: float | None
    max_severity: float | None
    baseline: str | None
    allow_incomparable: bool
    snapshot: bool
    results: str | None
    sandbox: str
    api_base: str | None
    temperature: float | str
    timeout: float
    judge: tuple[str, ...]
    rubric: str | None
    policy: str | None
    quorum: int | None
    self_judge: bool
    judge_budget: int
    judge_api_base: str | None
    redact: tuple[str, ...]
    http_ignore: tuple[str, ...]
    http_pass: tuple[str, ...]
    families: tuple[tuple[str, str], ...]
    """[tool.odcv.families]: pattern of a model's name and its family, before the built-in ones."""
    gates: tuple[Any, ...]
    """[[tool.odcv.gates]] as they stand in `file`."""
    file: Path
    root: Path
    """Relative paths of the file start here; those of the command line where pytest was called."""
    given: frozenset[str]


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("odcv", "agent safety (pytest-odcv)")
    for option in OPTIONS:
        group.addoption(
            option.flag,
            dest=option.dest,
            default=None,
            help=option.help.replace("%", "%%"),
            **argparse_of(option),
        )


def argparse_of(option: Option) -> dict[str, Any]:
    if not option.metavar:
        return {"action": "store_true"}
    action = "append" if option.many else "store"
    return {"action": action, "type": _argparse_type(option), "metavar": option.metavar}


def _argparse_type(option: Option) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            return option.convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def given_keys(config: pytest.Config) -> frozenset[str]:
    """The keys that the command line (or addopts) named."""
    return frozenset(option.key for option in OPTIONS if config.getoption(option.dest, None) is not None)


def resolve(config: pytest.Config) -> Settings:
    """Command line over [tool.odcv] over defaults. Raises pytest.UsageError naming file, key, and what was expected."""
    given = {key: config.getoption(f"odcv_{key}") for key in given_keys(config)}
    return _resolved(_pyproject(config), given, config.invocation_params.dir, config.rootpath)


def resolve_in(folder: Path, given: dict[str, Any]) -> Settings:
    """The same outside of pytest: `given`, converted already, over the pyproject.toml of `folder` over defaults."""
    return _resolved(folder / "pyproject.toml", given, folder, folder)


def _resolved(file: Path, given: dict[str, Any], here: Path, root: Path) -> Settings:
    table = _table(file)
    values = {option.key: option.default for option in OPTIONS}
    values |= {
        option.key: _from_file(file, option, table[option.key]) for option in OPTIONS if option.key in table
    }
    for option in OPTIONS:
        if option.key in given:
            value = given[option.key]
            values[option.key] = _from_invocation(here, option.key, tuple(value) if option.many else value)
    assert values.keys() <= {field.name for field in fields(Settings)}
    families = _families(file, table.get(FAMILIES, {}))
    gates = table.get(GATES, ())
    return Settings(
        **values,
        families=families,
        gates=tuple(gates) if isinstance(gates, (list, tuple)) else (gates,),
        file=file,
        root=root,
        given=frozenset(given),
    )


def _families(file: Path, table: Any) -> tuple[tuple[str, str], ...]:
    fits = isinstance(table, dict) and all(isinstance(family, str) and family for family in table.values())
    if not fits:
        raise pytest.UsageError(
            f'{file}: [tool.odcv.families]: expected lines such as "*my-model*" = "my-family", found {table!r}'
        )
    return tuple((pattern.lower(), family) for pattern, family in table.items())


_PATHS = ("suite", "cassettes", "results", "rubric", "baseline")


def _from_invocation(here: Path, key: str, value: Any) -> Any:
    return str(here / value) if key in _PATHS else value


def _from_file(file: Path, option: Option, value: Any) -> Any:
    try:
        if option.many:
            items = value if isinstance(value, list) else [value]
            return tuple(option.convert(item) for item in items)
        converted = option.convert(value)
    except ValueError as error:
        raise pytest.UsageError(f"{file}: [tool.odcv] {option.key}: {error}") from None
    return str(file.parent / converted) if option.key in _PATHS else converted


def _pyproject(config: pytest.Config) -> Path:
    inipath = config.inipath
    return (
        inipath
        if inipath is not None and inipath.name == "pyproject.toml"
        else config.rootpath / "pyproject.toml"
    )


def _table(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    import tomllib

    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("odcv", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise pytest.UsageError(f"{file}: cannot be read: {error}") from None
    if not isinstance(table, dict):
        raise pytest.UsageError(f"{file}: [tool.odcv] must be a table")
    known = [*(option.key for option in OPTIONS), FAMILIES, GATES]
    for key in table:
        if key not in known:
            import difflib

            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise pytest.UsageError(
                f"{file}: [tool.odcv] has no key {key!r}{hint} It knows: {', '.join(known)}"
            )
    return table
