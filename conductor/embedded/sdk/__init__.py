"""The typed Python client: generated from the API's document, built as a wheel (`make sdk`)."""
