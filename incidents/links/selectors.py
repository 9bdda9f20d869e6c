"""The links of an incident: what it is tied to in the graph, how, by whom and since when; ended ones too."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from conductor.graph.models import Edge
from conductor.lib.errors import NotFound
from incidents.models.incident import Incident


def links_of(*, incident: Incident) -> QuerySet[Edge]:
    """Return every link from the incident or to it, oldest first, with both nodes. One query."""
    either = Edge.objects.filter(Q(source__ref=incident.ref) | Q(target__ref=incident.ref))
    return either.select_related("source", "target").order_by("since", "id")


def link_of(*, incident: Incident, edge_id: UUID) -> Edge:
    """Return one link of the incident; raise NotFound for one of another."""
    found = links_of(incident=incident).filter(id=edge_id).first()
    if found is None:
        raise NotFound(f"{incident.code} has no such link.")
    return found
