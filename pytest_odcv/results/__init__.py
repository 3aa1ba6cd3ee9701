"""What a run found: the result of a trial, collected, scored by model, compared with a baseline or an earlier behaviour."""
