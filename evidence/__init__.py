"""Evidence: bundles, artifacts, packs, and their notarization."""
