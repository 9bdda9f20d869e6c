"""The OpenAPI document and the list of error codes."""
