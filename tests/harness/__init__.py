"""What the suite runs on: programs of other people, and what chooses the tests that run."""
