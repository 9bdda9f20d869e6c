"""One call to Slack's Web API, or to a response URL, with an end to its time and one error type."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

TIMEOUT_SECONDS = 10
TEMPORARY = frozenset(
    {"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org", "ratelimited"}
    | {"accesslimited", "rate_limited", "external_channel_migrating", "ekm_access_denied"}
)
"""Errors that go away by themselves. Any other will be the same the next time."""
TOKEN_GONE = frozenset({"token_revoked", "account_inactive", "invalid_auth", "token_expired"})
"""Errors that mean: this workspace has taken its token back."""
LONGEST_HINT = timedelta(hours=1)


class SlackFailed(Exception):
    """Slack did not do it. `error` is Slack's code, or what went wrong on the way."""

    def __init__(self, error: str, *, permanent: bool, retry_after: timedelta | None = None) -> None:
        super().__init__(error)
        self.error, self.permanent, self.retry_after = error, permanent, retry_after


def call(
    *, token: str, method: str, arguments: Mapping[str, Any], timeout_seconds: float = TIMEOUT_SECONDS
) -> dict[str, Any]:
    """Make the call once and return Slack's answer; raise SlackFailed. Repeating is the outbox's business."""
    client = WebClient(token=token, base_url=settings.SLACK_API_URL, timeout=max(1, round(timeout_seconds)))
    client.retry_handlers.clear()
    try:
        response = client.api_call(method, data={name: _in_form(value) for name, value in arguments.items()})
    except SlackApiError as refused:
        raise _failure(refused) from refused
    except (SlackClientError, OSError, ValueError) as error:
        raise SlackFailed(type(error).__name__, permanent=False) from error
    answer: dict[str, Any] = dict(response.data) if isinstance(response.data, dict) else {}
    return answer


def _in_form(value: Any) -> str:
    """Return a value as a form carries it. Every method takes forms; those that read do not take JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _failure(refused: SlackApiError) -> SlackFailed:
    response = refused.response
    if response.status_code == 429:
        return SlackFailed("ratelimited", permanent=False, retry_after=_hint(response.headers))
    error = str(response.get("error") or f"http_{response.status_code}")
    return SlackFailed(error, permanent=error not in TEMPORARY and response.status_code < 500)


def _hint(headers: Mapping[str, str]) -> timedelta:
    named = {name.lower(): value for name, value in headers.items()}
    text = str(named.get("retry-after", "")).strip()
    return min(timedelta(seconds=int(text) if text.isdigit() else 30), LONGEST_HINT)
