"""Where an answer goes when the request's own response cannot carry it: to its response URL, else to the person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from chatops.models.inbound_request import SlackReceipt
from chatops.models.outbox import Lane
from chatops.slack.outbound.lifecycle import Say, enqueue


def reply(receipt: SlackReceipt, answer: Mapping[str, Any], *, now: datetime, name: str = "answer") -> None:
    """Queue the answer, once per request and `name`, in the running transaction."""
    url = response_url(receipt)
    if url:
        message = {**answer, "replace_original": False}
        say = Say("response_url", {"url": url, "message": message}, dedupe_key=f"{name}:{receipt.id}")
    else:
        message = {"channel": receipt.slack_user_id, "text": answer["text"], "blocks": answer["blocks"]}
        say = Say(
            "chat.postMessage",
            message,
            channel_id=receipt.slack_user_id,
            dedupe_key=f"{name}:{receipt.id}",
            lane=Lane.RESPONSE,
        )
    enqueue(tenant_id=receipt.tenant_id, team_id=receipt.team_id, say=say, now=now)


def response_url(receipt: SlackReceipt) -> str:
    """Return the address at which Slack takes answers to this request; empty where it gave none."""
    return str(receipt.payload.get("response_url") or "")


def origin_of(receipt_id: str) -> SlackReceipt | None:
    """Return the request that opened a modal. Needs the tenant's scope."""
    try:
        return SlackReceipt.objects.filter(id=UUID(receipt_id)).first()
    except ValueError:
        return None
