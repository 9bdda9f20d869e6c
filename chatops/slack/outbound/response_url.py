"""Posts a late answer to a request's response_url: Slack takes five of them within half an hour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from conductor.lib.deadlines import Deadline

TIMEOUT_SECONDS = 5
SLACK_HOOKS = ("https", "hooks.slack.com")
_GONE = {403, 404, 410}
"""Slack's answers for a response_url that is used up, too old or revoked."""


class NotDelivered(Exception):
    """The answer could not be posted."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent
        """Whether trying again is useless."""


def post_answer(*, url: str, answer: Mapping[str, Any] | None) -> None:
    """Post the answer in place of the first one. Raise NotDelivered; nothing is sent to a host that is not Slack's."""
    if not is_slack(url):
        raise NotDelivered("the response URL is not Slack's", permanent=True)
    deadline = Deadline(TIMEOUT_SECONDS)
    try:
        with deadline, httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            response = client.post(url, json=dict(answer or {}), extensions={"trace": deadline.trace})
    except httpx.HTTPError as error:
        raise NotDelivered(type(error).__name__, permanent=False) from error
    if response.status_code != httpx.codes.OK:
        raise NotDelivered(f"HTTP {response.status_code}", permanent=response.status_code in _GONE)


def is_slack(url: str) -> bool:
    """Whether the URL is of hooks.slack.com over TLS, or of the host that CONDUCTOR_SLACK_API_URL names."""
    try:
        parts, ours = urlsplit(url), urlsplit(settings.SLACK_API_URL)
        port = parts.port
    except ValueError:
        return False
    if parts.username or parts.password:
        return False
    if (parts.scheme, parts.hostname) == SLACK_HOOKS and port in {None, 443}:
        return True
    return (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc)
