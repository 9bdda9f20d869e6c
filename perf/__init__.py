"""Measurements: scripts that print figures, ratios and the machine. Run one with `make perf NAME=ledger`."""
