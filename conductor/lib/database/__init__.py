"""What can be known of a database from its address and its session."""
