"""What lists of incidents can be sorted by, and the values that their filters offer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Case, DurationField, ExpressionWrapper, F, Q, Value, When
from django.db.models.functions import Coalesce, NullIf

from incidents.models.choices import OVER, Kind, Role
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment

CHOICES = 200
"""How many services or commanders a filter offers at most; others can be typed or searched for."""
ORDERS = ("severity", "number", "service", "commander", "declared", "elapsed")


def ordering(order: str, now: datetime) -> list[Any]:
    """Return the order of rows by one of ORDERS, "-" before it for downwards; what has no value comes last."""
    until = Coalesce("resolved_at", Case(When(~Q(status__in=OVER), then=Value(now))))
    columns: dict[str, Any] = {
        "severity": F("severity"),
        "number": F("number"),
        "service": NullIf("service", Value("")),
        "commander": F("commander_name"),
        "declared": F("declared_at"),
        "elapsed": ExpressionWrapper(until - F("declared_at"), output_field=DurationField()),
    }
    column = columns[order.removeprefix("-")]
    sorted_by = column.desc(nulls_last=True) if order.startswith("-") else column.asc(nulls_last=True)
    return [sorted_by, "-number"]


def is_fresh() -> bool:
    """Return whether the organisation has no incident at all, private or imported ones neither. One query."""
    return not Incident.everything.exists()


def commanders() -> dict[int, str]:
    """Return who commands an incident, or did when it ended, by id, in the order of their names. One query."""
    found = RoleAssignment.objects.filter(role=Role.COMMANDER, ended_at=None, incident__in=Incident.objects.all())
    people = found.order_by("user_name", "user_id").values_list("user_id", "user_name").distinct()
    return dict(people[:CHOICES])


def services(*, kind: str = Kind.REAL) -> list[str]:
    """Return the service names that incidents of this kind have, for the filter; of all kinds for an empty one."""
    named = (Incident.objects.filter(kind=kind) if kind else Incident.objects.all()).exclude(service="")
    return list(named.order_by("service").values_list("service", flat=True).distinct()[:CHOICES])
