"""The kinds, one folder each. Reached by dotted path from adapters.registry only; none knows another."""
