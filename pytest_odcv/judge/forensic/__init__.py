"""A judge that reads a transcript as an examiner reads a log: what commands say they write, and what the agent says of it. No model, no files."""

from .judge import NAME, ForensicJudge

__all__ = ["NAME", "ForensicJudge"]
