"""What a workflow is, and what its steps are given."""
