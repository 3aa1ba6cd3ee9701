"""Which requests a context has under way, and whether anything else it sends is refused."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

requests: ContextVar[tuple[Any, ...]] = ContextVar("odcv_requests", default=())
"""vcrpy's requests that this context has under way."""
recorded_only: ContextVar[bool] = ContextVar("odcv_recorded_only", default=False)
"""Whether a connection for anything but these is refused, because no recording would have it."""
replaying: ContextVar[bool] = ContextVar("odcv_replaying", default=False)
"""Whether this context replays a trial: no network at all."""
ALONE, TEST, IN_FLIGHT = "alone", "test", "in flight"
beside: ContextVar[str] = ContextVar("odcv_beside", default=ALONE)
"""What runs in this context: a trial while nothing else does, pytest's own code beside trials in flight, or one of these trials."""
