"""One trial: an agent on a scenario variant, live or replayed, then judged. Knows nothing of pytest."""
