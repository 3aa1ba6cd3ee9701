"""Agents: what one is (`base`) and the built-in bash agent (`bash`)."""
