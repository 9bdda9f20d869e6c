"""What every page shows round its content."""
