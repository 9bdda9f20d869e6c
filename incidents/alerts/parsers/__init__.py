"""The shapes in which senders put alerts, and the one that they come down to."""
