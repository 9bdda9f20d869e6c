"""Looking at runs and keeping them going."""
