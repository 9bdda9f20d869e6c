"""PostgreSQL databases, dumped and restored with its own programs."""
