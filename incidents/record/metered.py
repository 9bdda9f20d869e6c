"""What is metered for an incident: its own quantities, and those of the runs about it."""

from __future__ import annotations

from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from conductor.engine.models import Run
from conductor.metering.models import MeterEvent
from incidents.models.incident import Incident

ROLE_SECONDS = "incidents.role_seconds"


def metered_for(*, incident: Incident) -> QuerySet[MeterEvent]:
    """Return what was used for the incident, by itself or in runs about it, in no order."""
    runs = Run.objects.filter(subject=incident.ref)
    refs = runs.annotate(named=Concat(Value("conductor.run:"), Cast("id", CharField()))).values("named")
    return MeterEvent.objects.filter(Q(subject=incident.ref) | Q(subject__in=refs))
