"""Alert intake: the shapes that senders use, what they have in common, and what becomes of each alert."""

from __future__ import annotations

from incidents.alerts.alertmanager import AlertmanagerWebhook, GrafanaWebhook
from incidents.alerts.generic import GenericWebhook
from incidents.alerts.intake import Disposition, take_in
from incidents.alerts.pagerduty import PagerDutyEvent, PagerDutyWebhook
from incidents.alerts.signal import Signal, severity_of
from incidents.models import Outcome

__all__ = [
    "AlertmanagerWebhook",
    "Disposition",
    "GenericWebhook",
    "GrafanaWebhook",
    "Outcome",
    "PagerDutyEvent",
    "PagerDutyWebhook",
    "Signal",
    "severity_of",
    "take_in",
]
