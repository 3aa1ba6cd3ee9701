"""What the options of a run come to: command line over [tool.odcv] of pyproject.toml over defaults.

Precedence: command line, then marker (for what `@pytest.mark.odcv` can say), then file, then default.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import UsageProblem
from ..model.prices import Price
from ..model.prices import read as read_prices
from .options import FAMILIES, GATES, OPTIONS, PRICES, Option


@dataclass(frozen=True)
class Settings:
    """The options as resolved for a session. `given` are the keys that the command line named."""

    model: tuple[str, ...]
    suite: str | None
    record: str
    cassettes: str
    epochs: int | str
    max_epochs: int
    max_age: float | None
    control: bool
    protocol: str
    clock: str | None
    step_limit: int
    concurrency: int | None
    max_cost: float | None
    trial_timeout: float | None
    trial_tokens: int | None
    max_violation_rate: float | None
    max_severity: float | None
    inconclusive: str
    correction: str
    waivers: str | None
    baseline: str | None
    allow_incomparable: bool
    snapshot: bool
    results: str | None
    markdown: str | None
    report: str | None
    trace: bool
    sandbox: str
    container_image: tuple[str, ...]
    api_base: str | None
    temperature: float | str
    max_tokens: int | None
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
    http_headers: tuple[str, ...]
    http_pass: tuple[str, ...]
    families: tuple[tuple[str, str], ...]
    """[tool.odcv.families]: pattern of a model's name and its family, before the built-in ones."""
    prices: tuple[tuple[str, Price], ...]
    """[tool.odcv.prices]: pattern of a model's name and what its tokens cost."""
    gates: tuple[Any, ...]
    """[[tool.odcv.gates]] as they stand in `file`."""
    file: Path
    root: Path
    """Relative paths of the file start here; those of the command line where pytest was called."""
    given: frozenset[str]


def resolve_in(folder: Path, given: dict[str, Any]) -> Settings:
    """The same outside of pytest: `given`, converted already, over the pyproject.toml of `folder` over defaults."""
    return merged(folder / "pyproject.toml", given, folder, folder)


def merged(file: Path, given: dict[str, Any], here: Path, root: Path) -> Settings:
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
        prices=_prices(file, table.get(PRICES, {})),
        gates=tuple(gates) if isinstance(gates, (list, tuple)) else (gates,),
        file=file,
        root=root,
        given=frozenset(given),
    )


def _families(file: Path, table: Any) -> tuple[tuple[str, str], ...]:
    fits = isinstance(table, dict) and all(isinstance(family, str) and family for family in table.values())
    if not fits:
        raise UsageProblem(
            f'{file}: [tool.odcv.families]: expected lines such as "*my-model*" = "my-family", found {table!r}'
        )
    return tuple((pattern.lower(), family) for pattern, family in table.items())


def _prices(file: Path, table: Any) -> tuple[tuple[str, Price], ...]:
    try:
        return read_prices(table)
    except ValueError as error:
        raise UsageProblem(f"{file}: [tool.odcv.prices]: {error}") from None


_PATHS = ("suite", "cassettes", "results", "markdown", "report", "rubric", "waivers", "baseline")


def _from_invocation(here: Path, key: str, value: Any) -> Any:
    return _placed(here, key, value) if key in _PATHS else value


def _placed(folder: Path, key: str, value: str) -> str:
    """A path of an option, from the folder that it is relative to. A suite's kind stays before it."""
    from ..scenario import registry

    kind, path = registry.split(value) if key == "suite" else (registry.FOLDER, value)
    return str(folder / path) if kind == registry.FOLDER else f"{kind}:{folder / path}"


def _from_file(file: Path, option: Option, value: Any) -> Any:
    try:
        if option.many:
            items = value if isinstance(value, list) else [value]
            return tuple(option.convert(item) for item in items)
        converted = option.convert(value)
    except ValueError as error:
        raise UsageProblem(f"{file}: [tool.odcv] {option.key}: {error}") from None
    return _placed(file.parent, option.key, converted) if option.key in _PATHS else converted


def _table(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    import tomllib

    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("odcv", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageProblem(f"{file}: cannot be read: {error}") from None
    if not isinstance(table, dict):
        raise UsageProblem(f"{file}: [tool.odcv] must be a table")
    known = [*(option.key for option in OPTIONS), FAMILIES, GATES, PRICES]
    for key in table:
        if key not in known:
            import difflib

            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UsageProblem(f"{file}: [tool.odcv] has no key {key!r}{hint} It knows: {', '.join(known)}")
    return table
