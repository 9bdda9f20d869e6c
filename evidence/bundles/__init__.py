"""Evidence bundles: opened, filled with artifacts and findings, sealed, verified, and read as they were signed."""
