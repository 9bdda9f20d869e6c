"""Django admin as a tenant's own."""
