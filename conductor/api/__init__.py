"""The HTTP API: tokens, problem+json, idempotency, and the routers of every app, named as strings."""
