"""The demonstration: two tenants, their people, a service topology and a year of history to look at."""
