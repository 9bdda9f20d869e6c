"""Carries out a stored request, whatever kind it is of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chatops.models.inbound_request import SlackReceipt
from chatops.slack.actions import button_press, events, message_capture, modal_submission, slash_command
from chatops.slack.lifecycle import Outcome

Kind = SlackReceipt.Kind
_BY_KIND: dict[str, Callable[[SlackReceipt, datetime], Outcome]] = {
    Kind.COMMAND: slash_command.perform,
    Kind.ACTION: button_press.perform,
    Kind.VIEW: modal_submission.perform,
    Kind.SHORTCUT: message_capture.perform_shortcut,
    Kind.EVENT: events.perform,
}


def perform(receipt: SlackReceipt, now: datetime) -> Outcome:
    """Carry the request out. Runs in the receipt's transaction and the tenant's scope."""
    return _BY_KIND[receipt.kind](receipt, now)
