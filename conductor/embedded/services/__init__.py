"""PostgreSQL and the broker, as processes of this project."""
