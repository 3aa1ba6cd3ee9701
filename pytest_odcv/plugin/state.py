"""The session object of a pytest config, kept in its stash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .session import OdcvSession

_SESSION: pytest.StashKey[OdcvSession] = pytest.StashKey()


def session_of(config: pytest.Config) -> OdcvSession:
    """The session object, made at the first use: nothing of it is loaded in a run without odcv items."""
    active = config.stash.get(_SESSION, None)
    if active is None:
        from .session import OdcvSession

        active = config.stash[_SESSION] = OdcvSession(config)
    return active


def active_session(config: pytest.Config) -> OdcvSession | None:
    """The session object where one was made, else None."""
    return config.stash.get(_SESSION, None)
