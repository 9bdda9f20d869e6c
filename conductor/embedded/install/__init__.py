"""What the machine must have, and how it gets there."""
