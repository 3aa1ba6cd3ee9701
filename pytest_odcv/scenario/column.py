"""What the summary, results and gates call a model: its own name, or with an agent of the project's own `agent@model`.

A model's name may have an @ in it too, after a provider's slash (`vertex_ai/claude@20260514`); an agent's has neither.
"""

from __future__ import annotations

import re

UNKNOWN = "(agent not known)"
"""The column of a trial whose agent could not be made, where no model was named either."""
_AGENT = re.compile(r"^[^/@]+@")


def column_of(agent: str, model: str) -> str:
    """`model` may be empty: the column is then the agent's name."""
    return f"{agent}@{model}" if model else agent


def model_of(column: str) -> str:
    """The model's own name; of an agent that no model was named for, the agent's."""
    return _AGENT.sub("", column)
