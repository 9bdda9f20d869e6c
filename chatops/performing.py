"""Carries out a stored request, whatever kind it is of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chatops import capturing, commands, events, pressing, submitting
from chatops.lifecycle import Outcome
from chatops.models import SlackReceipt

Kind = SlackReceipt.Kind
_BY_KIND: dict[str, Callable[[SlackReceipt, datetime], Outcome]] = {
    Kind.COMMAND: commands.perform,
    Kind.ACTION: pressing.perform,
    Kind.VIEW: submitting.perform,
    Kind.SHORTCUT: capturing.perform_shortcut,
    Kind.EVENT: events.perform,
}


def perform(receipt: SlackReceipt, now: datetime) -> Outcome:
    """Carry the request out. Runs in the receipt's transaction and the tenant's scope."""
    return _BY_KIND[receipt.kind](receipt, now)
