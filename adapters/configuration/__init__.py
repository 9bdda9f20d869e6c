"""A tenant's adapters: connected, changed, tested, disabled, removed."""
