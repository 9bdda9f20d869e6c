"""The log itself: entries, Merkle tree, tiles, checkpoints, and the one process that writes them."""
