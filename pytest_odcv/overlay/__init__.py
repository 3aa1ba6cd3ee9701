"""Oracles for ODCV-Bench's scenarios, a folder each; `facts` is what they share."""
