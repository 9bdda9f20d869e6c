"""Bodies of notifications: larger than forms may be, up to a limit that the answer names."""

from __future__ import annotations

from django.http import HttpRequest

from conductor.lib.errors import Refused

EVENT_BYTES = 512 * 1024
"""Of an event, whose sender is known by what is in it: as large as PagerDuty takes them."""
MOST_BYTES = 8_000_000
"""As for alerts in the API (conductor.api.requests.bodies): some 10 000 alerts of Alertmanager.

Django's own limit is for forms and does not apply here."""


class BodyTooLarge(Refused):
    """This notification is larger than is taken in."""

    code = "too_large"
    status = 413


def body_of(request: HttpRequest, *, most: int = MOST_BYTES) -> bytes:
    """Return the body of a notification. Raise BodyTooLarge beyond `most` bytes: no more than that is read."""
    given = request.META.get("CONTENT_LENGTH") or "0"
    stated = int(given) if given.isdigit() else 0
    body = b"" if stated > most else request.read(most + 1)
    if max(stated, len(body)) > most:
        raise BodyTooLarge(
            f"This notification has {stated or f'more than {most:,}'} bytes; at most {most:,} are taken in."
            " Send fewer alerts at a time: in Alertmanager, set max_alerts of the webhook or group by more labels."
        )
    return body
