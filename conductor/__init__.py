"""Maestro Conductor's backbone: tenancy, graph, ledger, policy, metering, engine, console, API."""

__version__ = "0.2.0"
