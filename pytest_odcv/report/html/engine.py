"""The template engine, set up so that nothing that somebody else wrote is markup."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ...errors import UsageProblem
from ..plain import visible

if TYPE_CHECKING:
    from jinja2 import Environment

TEXT = 6_000
"""Characters of one text that the page has: the first and the last half of it."""
EXTRA = "pip install 'pytest-odcv[report]'"


@cache
def environment() -> Environment:
    """Raises UsageProblem where the extra is not installed."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise UsageProblem(f"the HTML report needs the extra report: {EXTRA}") from None
    made = Environment(
        loader=PackageLoader("pytest_odcv.report.html", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["percent"] = percent
    made.filters["anchor"] = anchor
    made.filters["cut"] = made.globals["cut"] = cut
    return made


def rendered(template: str, **values: Any) -> str:
    """A template with these values."""
    return environment().get_template(template).render(**values)


def _shown(value: Any) -> Any:
    """Plain text with what is invisible made visible. Markup of ours, which has passed through here before, stays as it is."""
    if hasattr(value, "__html__") or not isinstance(value, str):
        return value
    return visible(value)


def percent(share: float | None) -> str:
    """A share of 0 to 1; `unknown` where it is None."""
    return "unknown" if share is None else f"{share:.1%}"


def anchor(name: str) -> str:
    """A name within the hash of an address."""
    from urllib.parse import quote

    return quote(name.encode("utf-8", "backslashreplace"), safe="")


def cut(text: str, most: int = TEXT) -> str:
    """The beginning and the end of a text, with a count of what is left out."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out here; odcv show has them ...]\n{text[-half:]}"
