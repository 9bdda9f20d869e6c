"""Speaks as Slack does: signed forms from a workspace's members."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client
from slack_sdk.signature import SignatureVerifier

NORTHWIND_TEAM = "T0NORTHWIND"
GLOBEX_TEAM = "T0GLOBEX"
BEN, CORA, CLEO, MAX, STRANGER = "U0BEN", "U0CORA", "U0CLEO", "U0MAX", "U0STRANGER"

_triggers = itertools.count(1)


def form(text: str, *, user: str = BEN, team: str = NORTHWIND_TEAM, trigger: str = "", **more: str) -> str:
    """Return the body of a slash command, with every field that Slack sends."""
    return urlencode(
        {
            "token": "deprecated-verification-token",
            "team_id": team,
            "team_domain": "northwind",
            "channel_id": "C0INCIDENTS",
            "channel_name": "incidents",
            "user_id": user,
            "user_name": user.lower(),
            "command": "/incident",
            "text": text,
            "api_app_id": "A0CONDUCTOR",
            "is_enterprise_install": "false",
            "response_url": f"https://hooks.slack.com/commands/{team}/1/x",
            "trigger_id": trigger or f"{next(_triggers)}.{team}.trigger",
            **more,
        }
    )


def headers(body: str | bytes, *, age: float = 0, secret: str | None = None) -> dict[str, str]:
    """Return the headers that sign `body`, made `age` seconds ago."""
    timestamp = str(int(time.time() - age))
    verifier = SignatureVerifier(secret or settings.SLACK_SIGNING_SECRET)
    signature = verifier.generate_signature(timestamp=timestamp, body=body)
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature or ""}


def post(body: str | bytes, given: dict[str, str], *, path: str = "/slack/commands") -> Any:
    """Post a raw body with these headers, as a stranger to our sessions."""
    return Client(enforce_csrf_checks=True).post(
        path, data=body, content_type="application/x-www-form-urlencoded", headers=given
    )


@dataclass
class Speaker:
    """A member of a workspace who types commands."""

    user: str = BEN
    team: str = NORTHWIND_TEAM
    said: list[str] = field(default_factory=list)

    def __call__(self, text: str, **more: str) -> dict[str, Any]:
        """Say it; return Slack's view of the answer. Fails unless the answer is a 200 with a message."""
        self.said.append(text)
        body = form(text, user=self.user, team=self.team, **more)
        response = post(body, headers(body))
        assert response.status_code == 200, response.content
        answer: dict[str, Any] = response.json()
        assert set(answer) == {"response_type", "text", "blocks"}
        return answer


def words(answer: dict[str, Any]) -> str:
    """Return all text of an answer's blocks."""
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("text"), str):
                found.append(value["text"])
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(answer["blocks"])
    return "\n".join(found)
