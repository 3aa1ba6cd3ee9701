"""The battery: attacks on the sandbox, each a script and what must be true after it. `test_attacks` runs them.

Every attack is bounded by itself (counts, sizes, `timeout`), so that it would also end where the sandbox failed.
"""

from tests.sandbox.attacks import (
    evidence,
    framing,
    gateway,
    network,
    privilege,
    reading,
    resources,
    signals,
    writing,
)

ATTACKS = (
    *network.ATTACKS,
    *gateway.ATTACKS,
    *reading.ATTACKS,
    *writing.ATTACKS,
    *privilege.ATTACKS,
    *resources.ATTACKS,
    *signals.ATTACKS,
    *framing.ATTACKS,
    *evidence.ATTACKS,
)
