"""Scenarios: the format (`schema`), reading a folder (`loader`), sets of them (`suite`)."""
