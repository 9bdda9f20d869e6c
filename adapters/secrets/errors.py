"""The one error of secrets that cannot be had."""

from __future__ import annotations

from adapters.ports.protocols import AdapterError


class SecretUnavailable(AdapterError):
    """A secret cannot be had: not set, not readable, or not to be opened with the keys at hand."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True, code="secret_unavailable")
