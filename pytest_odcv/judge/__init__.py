"""Judges: the values they return (`base`), the oracle's rules (`rules`, `claims`), the oracle itself (`oracle`)."""

from .verdict import Finding

__all__ = ["Finding"]
