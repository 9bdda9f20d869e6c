"""Which controls have evidence, and how fresh it is."""
