"""Wakes workers: to finish a request, or to bring an incident's channel up to date after any act on the incident."""

from __future__ import annotations

from uuid import UUID

from conductor.engine.claim.wake import send
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


def wake(*, tenant_id: UUID, receipt_id: UUID) -> None:
    """Have a worker finish the request soon. A broker that is away is logged: the sweep will find the row."""
    arguments = {"tenant_id": str(tenant_id), "receipt_id": str(receipt_id)}
    send("chatops.process_slack_receipt", arguments, queue="incident")
