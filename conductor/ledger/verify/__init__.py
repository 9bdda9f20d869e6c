"""Whether what the ledger says still is what was signed."""
