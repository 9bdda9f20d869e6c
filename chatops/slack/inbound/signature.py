"""Slack's signature on a raw body, by the current secret or, until it expires, the one before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import structlog
from django.conf import settings
from slack_sdk.signature import SignatureVerifier

log = structlog.get_logger("chatops.slack.inbound.signature")


def secrets_at(now: datetime) -> list[str]:
    """Return the secrets that sign at `now`, the current one first; none when none is configured.

    The previous one counts until CONDUCTOR_SLACK_SIGNING_SECRET_PREVIOUS_UNTIL, so that a rotation loses no request.
    """
    found = [settings.SLACK_SIGNING_SECRET] if settings.SLACK_SIGNING_SECRET else []
    if settings.SLACK_SIGNING_SECRET_PREVIOUS and now < previous_until():
        found.append(settings.SLACK_SIGNING_SECRET_PREVIOUS)
    return found


def previous_until() -> datetime:
    """Return when the previous secret ends. Without a date, or with one that cannot be read, it has ended."""
    try:
        until = datetime.fromisoformat(settings.SLACK_SIGNING_SECRET_PREVIOUS_UNTIL)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return until if until.tzinfo else until.replace(tzinfo=UTC)


def is_signed(*, body: bytes, headers: Mapping[str, str], now: datetime) -> bool:
    """Whether the raw body carries Slack's signature, made within five minutes of now; a refusal is logged."""
    timestamp = headers.get("X-Slack-Request-Timestamp")
    signature = headers.get("X-Slack-Signature")
    for at, secret in enumerate(secrets_at(now)):
        try:
            if SignatureVerifier(secret).is_valid(body, timestamp, signature):
                if at:
                    log.info("signed with the previous secret", action="chatops.previous_secret_used")
                return True
        except (ValueError, TypeError):
            break
    log.warning("signature refused", action="chatops.signature_refused", has_timestamp=bool(timestamp))
    return False
