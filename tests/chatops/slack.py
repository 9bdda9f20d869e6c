"""Speaks as Slack does: signed forms from a workspace's members."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client
from slack_sdk.signature import SignatureVerifier

NORTHWIND_TEAM = "T0NORTHWIND"
GLOBEX_TEAM = "T0GLOBEX"
ANA, BEN, CORA, CLEO, MAX, STRANGER = "U0ANA", "U0BEN", "U0CORA", "U0CLEO", "U0MAX", "U0STRANGER"

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


def send(payload: dict[str, Any]) -> Any:
    """Send an interaction as Slack does: JSON in a form's field, signed."""
    body = urlencode({"payload": json.dumps(payload)})
    return post(body, headers(body), path="/slack/interactions")


def send_event(event: dict[str, Any], *, event_id: str, team: str = NORTHWIND_TEAM, retry: int = 0, **more: Any) -> Any:
    """Send an event as Slack pushes it, signed; `retry` is its number when it is a repeat."""
    envelope = {
        "token": "deprecated-verification-token",
        "team_id": team,
        "api_app_id": "A0CONDUCTOR",
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(time.time()),
        "authorizations": [{"team_id": team, "user_id": "U0BOT", "is_bot": True}],
        "is_ext_shared_channel": False,
        "event": event,
        **more,
    }
    body = json.dumps(envelope)
    given = headers(body)
    if retry:
        given |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
    return Client(enforce_csrf_checks=True).post(
        "/slack/events", data=body, content_type="application/json", headers=given
    )


def interaction(kind: str, *, user: str = BEN, team: str = NORTHWIND_TEAM, trigger: str = "", **more: Any) -> Any:
    """Return the payload of a button, a modal or a shortcut, with every field that Slack sends."""
    return {
        "type": kind,
        "team": {"id": team, "domain": "northwind"},
        "user": {"id": user, "username": user.lower(), "team_id": team},
        "api_app_id": "A0CONDUCTOR",
        "token": "deprecated-verification-token",
        "trigger_id": trigger or f"{next(_triggers)}.{team}.trigger",
        **more,
    }


def press(element: dict[str, Any], *, channel: str = "C0INCIDENTS", **more: Any) -> Any:
    """Press a button that Slack shows."""
    action = {"type": "button", "action_id": element["action_id"], "value": element.get("value", ""), "block_id": "b"}
    response_url = more.pop("response_url", "https://hooks.slack.com/actions/T/1/x")
    payload = interaction(
        "block_actions",
        actions=[action],
        channel={"id": channel, "name": "incidents"},
        container={"type": "message", "message_ts": "1.1", "channel_id": channel},
        response_url=response_url,
        **more,
    )
    return send(payload)


def fill_in(view: dict[str, Any], values: dict[str, Any], **more: Any) -> Any:
    """Submit a modal with these values, by field; the rest is as it was prefilled."""
    state: dict[str, Any] = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element, given = block["element"], values.get(block["block_id"])
            state[block["block_id"]] = {element["action_id"]: _filled(element, given)}
    sent = {**{key: view[key] for key in view if key != "user"}, "state": {"values": state}, "team_id": NORTHWIND_TEAM}
    return send(interaction("view_submission", view=sent, **more))


def _filled(element: dict[str, Any], given: Any) -> dict[str, Any]:
    if element["type"] == "static_select":
        options = {option["value"]: option for option in element["options"]}
        chosen = options.get(given) if given else element.get("initial_option")
        return {"type": "static_select", "selected_option": chosen}
    if element["type"] == "users_select":
        return {"type": "users_select", "selected_user": given or element.get("initial_user")}
    return {"type": element["type"], "value": given or element.get("initial_value")}


def buttons(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every button of a message or view, by its label."""
    found: dict[str, dict[str, Any]] = {}
    for block in message["blocks"]:
        elements = [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]
        found |= {each["text"]["text"]: each for each in elements if each.get("type") == "button"}
    return found
