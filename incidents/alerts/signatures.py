"""Whether a webhook was sent by who shares its source's secret: by its signature, or by showing it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from incidents.models.alert import AlertSource

PREFIX = "whsec_"
WINDOW = timedelta(minutes=5)
"""A signed time further away than this is refused: what was recorded once cannot be sent again later."""


def is_signed(*, shape: str, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether the request's signature holds for exactly these bytes. Headers are looked up in any case."""
    given = {name.lower(): value for name, value in headers.items()}
    if shape == AlertSource.Shape.GENERIC:
        return _standard(secret, given, body, now)
    if shape == AlertSource.Shape.ALERTMANAGER:
        # Alertmanager signs nothing; it sends the credentials that its configuration holds.
        scheme, _, shown = given.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), secret.encode())
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if shape == AlertSource.Shape.PAGERDUTY:
        signatures = given.get("x-pagerduty-signature", "").split(",")
        return any(hmac.compare_digest(each.strip().encode(), f"v1={digest}".encode()) for each in signatures)
    signature = given.get("x-grafana-alerting-signature", "")
    return hmac.compare_digest(signature.strip().encode(), digest.encode())


def is_plausible(*, shape: str, secret: str, headers: Mapping[str, str], now: datetime) -> bool:
    """Whether the headers alone leave open that the signature holds. What needs no body is decided here."""
    given = {name.lower(): value for name, value in headers.items()}
    if shape == AlertSource.Shape.ALERTMANAGER:
        return is_signed(shape=shape, secret=secret, headers=given, body=b"", now=now)
    if shape == AlertSource.Shape.GENERIC:
        return _is_timely(given, now) and "v1," in given.get("webhook-signature", "")
    name = "x-pagerduty-signature" if shape == AlertSource.Shape.PAGERDUTY else "x-grafana-alerting-signature"
    return bool(given.get(name))


def _is_timely(given: Mapping[str, str], now: datetime) -> bool:
    stamp = given.get("webhook-timestamp", "")
    if not given.get("webhook-id") or not (stamp.isascii() and stamp.isdigit()) or len(stamp) > 12:
        return False
    return abs(now.timestamp() - int(stamp)) <= WINDOW.total_seconds()


def _standard(secret: str, given: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Standard Webhooks: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, several by spaces."""
    if not _is_timely(given, now):
        return False
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return False
    signed = f"{given['webhook-id']}.{given['webhook-timestamp']}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    return any(hmac.compare_digest(each.encode(), expected) for each in given.get("webhook-signature", "").split())
