"""Evidence packs: what goes into one, its PDF, its files, and the verifier that travels with it."""
