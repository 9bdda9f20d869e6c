"""Bodies of notifications: larger than forms may be, up to a limit that the answer names."""

from __future__ import annotations

from django.http import HttpRequest

from conductor.lib.errors import Refused

MOST_BYTES = 8_000_000
"""As for alerts in the API (conductor.api.requests.bodies): some 10 000 alerts of Alertmanager.

Django's own limit is for forms and does not apply here."""


class BodyTooLarge(Refused):
    """This notification is larger than is taken in."""

    code = "too_large"
    status = 413


def body_of(request: HttpRequest) -> bytes:
    """Return the body of a notification. Raise BodyTooLarge beyond MOST_BYTES, without reading it."""
    given = request.META.get("CONTENT_LENGTH") or "0"
    if given.isdigit() and int(given) > MOST_BYTES:
        raise BodyTooLarge(
            f"This notification has {int(given)} bytes; at most {MOST_BYTES:,} are taken in."
            " Send fewer alerts at a time: in Alertmanager, set max_alerts of the webhook or group by more labels."
        )
    return request.read()
