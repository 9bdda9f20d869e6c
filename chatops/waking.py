"""Wakes the keeping of an incident's channel up when something was done to the incident, at whatever door."""

from __future__ import annotations

from conductor.engine.wake import send
from conductor.ledger.models import Receipt

PREFIX = "incidents.incident:"
WITHDRAWING = frozenset({"incidents.entry.redacted", "incidents.visibility.changed"})
"""Acts after which copies of an incident's words must go."""


def on_receipt(receipt: Receipt) -> None:
    """Have a worker follow the incident that the receipt is about. What is lost here, the sweep finds."""
    if receipt.subject.startswith(PREFIX) and receipt.action.startswith("incidents."):
        arguments = {"tenant_id": str(receipt.tenant_id), "incident_id": receipt.subject.removeprefix(PREFIX)}
        send("chatops.follow_incident", arguments, queue="incident")
    if receipt.action in WITHDRAWING:
        send("chatops.forget_words", {"tenant_id": str(receipt.tenant_id)}, queue="incident")
