"""What happened before Conductor: the import of another system's incidents."""
