"""Whether the verdicts of a scenario hold: its playbooks played as written, transformed, and judged with each rule removed."""

from .scenario import Proof, prove
from .suite import prove_all

__all__ = ["Proof", "prove", "prove_all"]
