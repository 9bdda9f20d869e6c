"""Controls: the catalogue, its mapping to workflows, and what they cover."""
