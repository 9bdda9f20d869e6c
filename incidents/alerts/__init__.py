"""Alert intake: the shapes that senders use, what they have in common, and what becomes of each alert."""

from __future__ import annotations

from incidents.alerts.alertmanager import read_alertmanager
from incidents.alerts.generic import read_generic
from incidents.alerts.intake import Disposition, take_in
from incidents.alerts.pagerduty import read_event, read_webhook
from incidents.alerts.receiving import Unsigned, answer_of, event_answer, key_in, receive, receive_event, try_out
from incidents.alerts.signal import MOST_ALERTS, Notification, Signal
from incidents.alerts.values import Unreadable, document_of
from incidents.models import Outcome

__all__ = [
    "MOST_ALERTS",
    "Disposition",
    "Notification",
    "Outcome",
    "Signal",
    "Unreadable",
    "Unsigned",
    "answer_of",
    "document_of",
    "event_answer",
    "key_in",
    "read_alertmanager",
    "read_event",
    "read_generic",
    "read_webhook",
    "receive",
    "receive_event",
    "take_in",
    "try_out",
]
