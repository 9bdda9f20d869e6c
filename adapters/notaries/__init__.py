"""Notaries: digests notarized, what a tenant demands, and the breaker before each."""
