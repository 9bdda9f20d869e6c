"""What Slack sends, as it is kept: of which kind, from whom, and which key its repeats share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatops.models.inbound_request import SlackReceipt
from chatops.slack.actions.events import channel_of
from chatops.slack.lifecycle import Request
from conductor.lib.canonical import canonical_json, sha256_hex

Kind = SlackReceipt.Kind
_DEPRECATED = ("token",)
"""Slack's verification token, which the signature replaced, is not kept."""
_KIND_OF_INTERACTION = {
    "block_actions": Kind.ACTION,
    "view_submission": Kind.VIEW,
    "message_action": Kind.SHORTCUT,
}
ID, KEY = 40, 120


def request_of(fields: Mapping[str, Any]) -> Request:
    """Return the request that a parsed body stands for. Whatever type its values are of, this does not raise."""
    payload = {str(name): storable(value) for name, value in fields.items() if name not in _DEPRECATED}
    kind = kind_of(payload)
    digest = sha256_hex(canonical_json(payload))
    team = _text(payload, "team_id") or _text(payload.get("team"), "id")
    event = payload.get("event") if isinstance(payload.get("event"), Mapping) else {}
    return Request(
        dedupe_key=_key(kind, team[:ID], payload, digest),
        kind=kind,
        team_id=team[:ID],
        slack_user_id=_user(payload, event or {})[:ID],
        channel_id=_channel(payload, event or {})[:ID],
        message_ts=_message_ts(kind, event or {}),
        payload=payload,
        payload_digest=digest,
    )


def kind_of(payload: Mapping[str, Any]) -> str:
    """Return which kind of request the payload is."""
    if "event" in payload:
        return Kind.EVENT
    return _KIND_OF_INTERACTION.get(str(payload.get("type", "")), Kind.COMMAND)


def storable(value: Any) -> Any:
    """Return the value with what PostgreSQL's text cannot hold replaced: NUL and lone surrogates."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {str(storable(str(key))): storable(each) for key, each in value.items()}
    return [storable(each) for each in value] if isinstance(value, list | tuple) else value


def _key(kind: str, team: str, payload: Mapping[str, Any], digest: str) -> str:
    if kind == Kind.EVENT:
        return f"ev:{team}:{_short(payload.get('event_id'), digest)}"
    if kind == Kind.VIEW:
        view = payload.get("view") or {}
        # The same modal sent again with other values is another request; with the same values it is a repeat.
        filled = sha256_hex(canonical_json((view.get("state") or {}).get("values") or {}))[:24]
        return f"view:{team}:{_short(view.get('id'), digest)[:40]}:{str(view.get('hash', ''))[:40]}:{filled}"
    prefix = {Kind.ACTION: "act", Kind.SHORTCUT: "short"}.get(Kind(kind), "cmd")
    # Slack always sends a trigger; without one only the very same content counts as a repeat.
    return f"{prefix}:{team}:{_short(payload.get('trigger_id'), digest)}"


def _short(value: Any, instead: str) -> str:
    text = value if isinstance(value, str) else ""
    return text if 0 < len(text) <= KEY else instead


def _user(payload: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    user = event.get("user") or payload.get("user_id") or payload.get("user") or ""
    return _text(user, "id") if isinstance(user, Mapping) else str(user)


def _channel(payload: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    if event:
        return channel_of(event)
    return _text(payload, "channel_id") or _text(payload.get("channel"), "id")


def _message_ts(kind: str, event: Mapping[str, Any]) -> str:
    is_new = kind == Kind.EVENT and event.get("type") == "message" and not event.get("subtype")
    return str(event.get("ts", ""))[:ID] if is_new else ""


def _text(holder: Any, name: str) -> str:
    value = holder.get(name) if isinstance(holder, Mapping) else ""
    return value if isinstance(value, str) else ""
