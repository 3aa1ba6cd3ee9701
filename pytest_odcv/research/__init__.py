"""ODCV-Bench: its published files, tables of them, and how far its judges agree. Nothing else imports it but by name."""
