"""The recorded notification of Alertmanager as it is sent here: about a service of this company, and as of now.

Only the shape is replayed as it was recorded (incidents/data/README.md). The alert's start is moved to shortly before
it is sent: nobody would believe an incident that was declared eight days after its alert began.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from chatops.demo.topology import SERVICES
from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.clock import rfc3339

RECORDING = Path(settings.BASE_DIR) / "incidents/data/alertmanager-webhook.json"
"""A notification recorded from a running Alertmanager 0.25.0."""
ENVIRONMENT = "production"
ALERTMANAGER = "https://alertmanager.northwind.example"
PROMETHEUS = "https://prometheus.northwind.example"


@dataclass(frozen=True)
class Firing:
    """An alert that fires."""

    name: str
    service: str
    severity: str
    """As the sender words it."""
    summary: str
    began_before: timedelta
    """How long it has been firing when its notification is sent."""

    def __post_init__(self) -> None:
        if self.service not in SERVICES:
            raise ValueError(f"{self.service} is no service of the demonstration's company")


CHECKOUT = Firing(
    "HighErrorRate",
    "checkout-web",
    "critical",
    "error ratio 16.73%",
    timedelta(minutes=2),
)


def notification(firing: Firing, *, now: datetime, run: str = "") -> dict[str, Any]:
    """Return the recording with the labels of `firing`, begun `began_before` before `now`.

    With `run` it is an alert of its own, which joins no other one's incident.
    """
    body: dict[str, Any] = json.loads(RECORDING.read_bytes())
    labels = {
        "alertname": firing.name,
        "service": firing.service,
        "environment": ENVIRONMENT,
        "severity": firing.severity,
        **({"replay": run} if run else {}),
    }
    group = {name: value for name, value in labels.items() if name != "severity"}
    notes = {
        "summary": firing.summary,
        "runbook_url": f"https://runbooks.northwind.example/{firing.service}/{firing.name}",
    }
    body["alerts"][0].update(
        labels=labels,
        annotations=notes,
        startsAt=rfc3339(now - firing.began_before),
        fingerprint=sha256_hex(canonical_json(labels))[:16],
        generatorURL=f"{PROMETHEUS}/graph?g0.expr=job%3Ahttp_errors%3Aratio_rate30s+%3E+0.05&g0.tab=1",
    )
    matchers = ", ".join(f'{name}="{value}"' for name, value in group.items())
    body.update(
        groupLabels=group,
        commonLabels=labels,
        commonAnnotations=notes,
        externalURL=ALERTMANAGER,
        groupKey=f"{{}}:{{{matchers}}}",
    )
    return body
