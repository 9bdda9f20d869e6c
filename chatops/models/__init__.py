"""Every table of the chatops app: whose workspace, who is who, what came in, what goes out, and where it is shown."""

from __future__ import annotations

from chatops.models.channel import CapturedMessage, IncidentChannel
from chatops.models.group import SlackGroup
from chatops.models.inbound_request import SlackReceipt
from chatops.models.outbox import Lane, OutboxMessage, SlackPace
from chatops.models.workspace import SlackIdentity, SlackInstallation, SlackOAuthState

__all__ = [
    "CapturedMessage",
    "IncidentChannel",
    "Lane",
    "OutboxMessage",
    "SlackGroup",
    "SlackIdentity",
    "SlackInstallation",
    "SlackOAuthState",
    "SlackPace",
    "SlackReceipt",
]
