"""Headers that every answer carries unless its view decided otherwise."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

NO_STORE = "private, no-store"
"""What belongs to an organisation stays in no cache, neither in a browser that others use nor on the way there."""
PERMISSIONS = ", ".join(
    [
        *(
            f"{feature}=()"
            for feature in (
                "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone",
                "midi", "payment", "usb",
            )
        ),
        # Passkeys, and copying a code.
        *(
            f"{feature}=(self)"
            for feature in ("clipboard-write", "publickey-credentials-create", "publickey-credentials-get")
        ),
    ]
)  # fmt: skip


class ResponseHeaders:
    """Adds Cache-Control and Permissions-Policy. Static files have a Cache-Control of their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", NO_STORE)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        return response
