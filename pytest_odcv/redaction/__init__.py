"""Keeping secrets out of what is written, shown or sent to a judge."""
