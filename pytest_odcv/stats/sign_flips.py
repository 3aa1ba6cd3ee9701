"""Did scenarios like these get worse? The test of the differences of scenarios by their signs.

If the versions are alike, each scenario's difference is as likely to be positive as negative. The distribution of their sum over all
2**m ways to set the signs is computed as it is, or by a saddlepoint where more than a few scenarios differ. With m scenarios no p-value
is below 1 / 2**m: six show little.

Sources: R. A. Fisher, The Design of Experiments (1935), section 21; H. E. Daniels, International Statistical Review 55 (1987).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import cosh, log, sqrt, tanh

from .sequential import p_of

_FEW = 12
"""Scenarios that differ, up to which all ways are gone through; beyond, the saddlepoint is within 2% of them."""


def p_worse(differences: Sequence[float]) -> float:
    """One-sided, for a positive mean difference; 1 where no scenario differs."""
    own = [abs(value) for value in differences if value]
    observed = sum(differences)
    if not own:
        return 1.0
    if len(own) <= _FEW:
        # Sums that are equal may differ in their last bits.
        least = observed - 1e-9 * sum(own)
        sums = (sum(map(_signed, own, signs)) for signs in product((1, -1), repeat=len(own)))
        return float(sum(total >= least for total in sums) / 2 ** len(own))
    return _saddlepoint(own, observed)


def _signed(value: float, sign: int) -> float:
    return value * sign


def _saddlepoint(own: Sequence[float], observed: float) -> float:
    if abs(observed) >= sum(own) * (1 - 1e-9):
        return 0.5 ** len(own) if observed > 0 else 1.0
    tilt = _tilt(own, abs(observed))
    if tilt * max(own) < 1e-4:
        return 0.5
    level = sum(log(cosh(tilt * value)) for value in own)
    variance = sum(value * value / cosh(tilt * value) ** 2 for value in own)
    root = sqrt(2 * (tilt * abs(observed) - level))
    above = p_of(root + log(tilt * sqrt(variance) / root) / root)
    return above if observed > 0 else 1.0 - above


def _tilt(own: Sequence[float], observed: float) -> float:
    low, high = 0.0, 300.0 / max(own)
    for _ in range(60):
        middle = (low + high) / 2
        mean = sum(value * tanh(middle * value) for value in own)
        low, high = (middle, high) if mean < observed else (low, middle)
    return (low + high) / 2
