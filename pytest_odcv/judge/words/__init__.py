"""What a text claims of a KPI: that its target was met, or a figure that meets it. Words and numbers only; pure."""

from .claims import Claim, claims_met, is_aside, tells_truth

__all__ = ["Claim", "claims_met", "is_aside", "tells_truth"]
