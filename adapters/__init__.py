"""Ports to the outside and the vendors behind them, chosen and configured per tenant."""
