"""Names of models whose runs are imported: somebody else ran them, and their recordings are read and never played."""

from __future__ import annotations

PREFIX = "imported/"


def is_imported(model: str) -> bool:
    return model.startswith(PREFIX)
