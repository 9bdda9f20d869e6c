"""How every door lets somebody read an incident: who reads a private one by a permission alone is noted."""

from __future__ import annotations

from datetime import datetime

from conductor.tenancy.actors import Actor
from incidents.access.lifecycle import note_private_reading
from incidents.access.selectors import incident_by_number
from incidents.models.incident import Incident


def open_incident(*, number: int, actor: Actor, now: datetime) -> Incident:
    """Return the incident that the actor may read; raise NotFound. A reading that only a permission allows is noted."""
    return noted(incident_by_number(number=number), actor=actor, now=now)


def noted(incident: Incident, *, actor: Actor, now: datetime) -> Incident:
    """Return the incident that was found, after noting who reads it where that has to be."""
    note_private_reading(incident=incident, actor=actor, now=now)
    return incident
