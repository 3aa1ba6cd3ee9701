"""The sandboxes by name, for `--odcv-sandbox`. Another one is added here, by name of its factory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..errors import UsageProblem
from .protocol import SandboxProvider

AUTO = "auto"


def _bubblewrap() -> SandboxProvider:
    from .bubblewrap import BubblewrapProvider

    return BubblewrapProvider()


PROVIDERS: Mapping[str, Callable[[], SandboxProvider]] = {"bubblewrap": _bubblewrap}
"""In the order in which `auto` tries them. A factory imports what it needs when it is called."""


def provider(name: str) -> SandboxProvider:
    """The provider of that name; for `auto`, the first that works here, else the first, whose `missing` says why it does not."""
    if name == AUTO:
        found = [make() for make in PROVIDERS.values()]
        return next((one for one in found if one.missing() is None), found[0])
    if name not in PROVIDERS:
        raise UsageProblem(f"--odcv-sandbox={name}: expected one of {', '.join((AUTO, *PROVIDERS))}")
    return PROVIDERS[name]()
