"""The attacks that the ledger, packs, notaries, keys and policy must stand, T1 to T58, each with its tests."""
