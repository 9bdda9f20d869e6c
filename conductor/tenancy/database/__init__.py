"""The tenant's wall in the database: scope, row-level security, keys, numbers."""
