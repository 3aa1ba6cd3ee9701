"""The sandboxes by name, for `--odcv-sandbox`. Another one is added here, by name of its factory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, cast

from ..errors import SandboxError, UsageProblem
from .clock import spelled
from .protocol import Sandbox, SandboxProvider, SandboxSpec

AUTO = "auto"


def _bubblewrap() -> SandboxProvider:
    from .bubblewrap import BubblewrapProvider

    return BubblewrapProvider()


def _container() -> SandboxProvider:
    from .container import ContainerProvider

    return ContainerProvider()


PROVIDERS: Mapping[str, Callable[[], SandboxProvider]] = {
    "bubblewrap": _bubblewrap,
    "container": _container,
}
"""A factory imports what it needs when it is called."""
_TRIED: Final = ("bubblewrap",)
"""By `auto`, in this order: what needs nothing named. A container is asked for by name."""


class TakesImages(Protocol):
    """A provider whose sandboxes are made of images."""

    images: tuple[str, ...]
    """As `--odcv-container-image` has them."""


def provider(name: str, images: Sequence[str] = ()) -> SandboxProvider:
    """The provider of that name; for `auto`, the first that works here, else the first, whose `missing` says why it does not.

    Args:
        name: Of the provider.
        images: For one that takes images.
    """
    if name == AUTO:
        found = [PROVIDERS[one]() for one in _TRIED]
        return next((one for one in found if one.missing() is None), found[0])
    if name not in PROVIDERS:
        raise UsageProblem(f"--odcv-sandbox={name}: expected one of {', '.join((AUTO, *PROVIDERS))}")
    made = PROVIDERS[name]()
    if hasattr(made, "images"):
        cast(TakesImages, made).images = tuple(images)
    return made


def no_clock(provider: SandboxProvider) -> str | None:
    """None when sandboxes of a provider can have a clock of their own; else one sentence with the reason and the remedy.

    A provider says so by a method `clock_missing()`; one without it has no clocks.
    """
    known: Callable[[], str | None] | None = getattr(provider, "clock_missing", None)
    if known is None:
        return (
            f"sandboxes of the kind {provider.name} have no clock of their own; use --odcv-sandbox=bubblewrap"
        )
    return known()


async def opened(provider: SandboxProvider, spec: SandboxSpec) -> Sandbox:
    """A new sandbox. Raises SandboxError with the reason and the remedy, also where it would have another clock than asked for."""
    problem = None if spec.clock is None else no_clock(provider)
    if spec.clock is not None and problem:
        raise SandboxError(f"the sandbox's clock is to stand at {spelled(spec.clock)}: {problem}")
    return await provider.open(spec)
