"""When the next update of an incident is due, as a column: one expression for the hub and for what waits for people."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Case, DateTimeField, DurationField, F, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, NullIf

from incidents.models.choices import Severity, Status
from incidents.response.policy import Cadence


def promised() -> Combinable:
    """The moment that an update promises the next one for; NULL where it promises none."""
    return Cast(NullIf(KeyTextTransform("next_at", "data"), Value("")), DateTimeField())


def update_due(cadence: Cadence) -> Combinable:
    """When an update is due by the cadence, or by the latest one's promise; since the reopening, if that came later.

    Needs the columns reopened_at, promised_at and last_said_at (incidents.hub.selectors.with_columns).
    """
    gap = _gap(cadence)
    return Case(
        When(reopened_at__gt=F("last_said_at"), then=F("reopened_at") + gap),
        When(promised_at__isnull=False, then=F("promised_at")),
        default=F("last_said_at") + gap,
        output_field=DateTimeField(),
    )


def _gap(cadence: Cadence) -> Combinable:
    cells = [(severity, status) for severity in Severity.values for status in (Status.MONITORING, Status.OPEN)]
    found: dict[tuple[str, Status], timedelta] = {
        (severity, status): cadence.gap(severity=severity, status=status) for severity, status in cells
    }
    watched = Q(status=Status.MONITORING)
    return Case(
        *(
            When(Q(severity=severity) & (watched if status == Status.MONITORING else ~watched), then=Value(gap))
            for (severity, status), gap in found.items()
        ),
        output_field=DurationField(),
    )
