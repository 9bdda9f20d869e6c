"""Evidence Packs: their files, their archive, and the verifier that travels with them. No Django in here."""
