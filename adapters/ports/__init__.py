"""The ports: what the product asks of the outside, and the values that pass."""
