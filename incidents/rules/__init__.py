"""The pages and the API of a tenant's own rules: versions of its response policy, and reporting rules."""
