"""Cassettes: the file (`format`), evidence as deltas (`delta`), where files lie (`store`), replay (`tape`), secrets (`redact`)."""
