"""Which other incidents this one may belong to: shared resources, the same service, close in time, alike in words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from conductor.graph.models import Edge
from incidents.models.choices import SIDE_EXITS, Kind
from incidents.models.incident import Incident

NEAR = timedelta(days=7)
"""Incidents declared further apart than this are not suggested."""
DUPLICATE_WITHIN = timedelta(hours=2)
CANDIDATES = 200


@dataclass(frozen=True)
class Suggestion:
    """Another incident, and why it may belong to this one."""

    incident: Incident
    score: float
    """Higher is likelier; only the order means anything."""
    reasons: list[str]
    is_likely_duplicate: bool
    """Active, close in time, and on the same resource or service."""


def related_to(*, incident: Incident, limit: int = 5) -> list[Suggestion]:
    """Return the likeliest others, best first, with every reason; never one that is linked already. One query.

    Whoever looks is shown only what they may see.
    """
    shared = _edges_to_shared_resources(incident)
    near = Q(declared_at__gte=incident.declared_at - NEAR, declared_at__lte=incident.declared_at + NEAR)
    same = Q(node_key__in=shared.values("source__key"))
    if incident.service:
        same |= Q(service=incident.service)
    found: Iterable[Any] = (
        Incident.objects.annotate(
            node_key=Cast("id", CharField()),
            shared=ArraySubquery(
                shared.filter(source__key=Cast(OuterRef("id"), CharField())).values("target__name").distinct()
            ),
        )
        .filter(near & same, kind=incident.kind if incident.kind != Kind.IMPORTED else Kind.REAL)
        .exclude(id=incident.id)
        .exclude(_linked(incident))
        .exclude(status__in=SIDE_EXITS)
        .order_by("-declared_at")[:CANDIDATES]
    )
    suggestions = [_judged(incident, other, other.shared) for other in found]
    return sorted(suggestions, key=lambda each: (-each.score, -each.incident.number))[:limit]


def _edges_to_shared_resources(incident: Incident) -> QuerySet[Edge]:
    """Filter for the edges by which other incidents affect a resource that this one affects."""
    mine = Edge.objects.filter(source__ref=incident.ref, kind=Edge.Kind.AFFECTS, ended_at=None).values("target_id")
    theirs = Edge.objects.filter(target_id__in=mine, kind=Edge.Kind.AFFECTS, source__kind="incident")
    return theirs.exclude(source__ref=incident.ref)


def _linked(incident: Incident) -> Q:
    """Filter for the incidents that are linked to this one in either direction, asked within the same query."""
    live = Edge.objects.filter(ended_at=None)
    after = live.filter(source__ref=incident.ref, target__kind="incident").values("target__key")
    before = live.filter(target__ref=incident.ref, source__kind="incident").values("source__key")
    return Q(node_key__in=after) | Q(node_key__in=before)


def _judged(incident: Incident, other: Incident, resources: list[str]) -> Suggestion:
    apart = abs(other.declared_at - incident.declared_at)
    reasons, score = [], 0.0
    if resources:
        score += 2.0 * len(resources)
        reasons.append(f"Both affect {', '.join(sorted(resources))}.")
    if incident.service and other.service == incident.service:
        score += 1.5
        reasons.append(f"Both name {incident.service}.")
    score += 1.0 - apart / NEAR
    reasons.append(f"Declared {_apart(apart)} apart.")
    if alike := _alike(incident.title, other.title):
        score += alike
        reasons.append("Their titles use the same words.")
    close = apart <= DUPLICATE_WITHIN and bool(resources or other.service == incident.service)
    return Suggestion(other, round(score, 3), reasons, close and other.is_active)


def _alike(one: str, other: str) -> float:
    """Return the share of words that two titles have in common, where it is a third or more; else 0."""
    first, second = (set(re.findall(r"\w{3,}", text.lower())) for text in (one, other))
    share = len(first & second) / len(first | second) if first | second else 0.0
    return share if share >= 1 / 3 else 0.0


def _apart(gap: timedelta) -> str:
    minutes = int(gap.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
