"""Node and Edge: resources, and the domain rows that act on them, in one graph per tenant."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from conductor.tenancy.models import Environment, TenantModel


class Node(TenantModel):
    """A resource (service, database, queue, …) or a domain row standing in the graph."""

    kind = models.CharField(max_length=40)
    """service, database, queue, host, … for resources; incident, run, bundle, control, user for domain rows."""
    key = models.CharField(max_length=200)
    """Unique within its kind: `production/ledger-core`, or the domain row's id."""
    name = models.CharField(max_length=200)
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    attributes = models.JSONField(default=dict)
    """Flat object of strings, numbers and booleans, as imported."""
    ref = models.CharField(max_length=120, blank=True)
    """The domain row's Ref; empty for a resource."""
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "kind", "key"], name="node_unique")]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "ref"], name="node_ref"),
            models.Index(fields=["tenant", "name"], name="node_name"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}/{self.key}"


class Edge(TenantModel):
    """A directed, typed, dated link. It is ended, never deleted."""

    class Kind(models.TextChoices):
        DEPENDS_ON = "DEPENDS_ON", "depends on"
        CONTAINS = "CONTAINS", "contains"
        AFFECTS = "AFFECTS", "affects"
        ACTED_ON = "ACTED_ON", "acted on"
        EVIDENCES = "EVIDENCES", "is evidence for"
        PART_OF = "PART_OF", "is part of"
        RESPONDS_TO = "RESPONDS_TO", "responds to"
        RELATED_TO = "RELATED_TO", "is related to"
        CAUSED_BY = "CAUSED_BY", "is caused by"
        CHILD_OF = "CHILD_OF", "is part of the larger"
        REGRESSES = "REGRESSES", "is a return of"
        DUPLICATE_OF = "DUPLICATE_OF", "is a duplicate of"
        TRACKED_IN = "TRACKED_IN", "is tracked in"
        MITIGATED_BY = "MITIGATED_BY", "was mitigated by"

    source = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="outgoing")
    target = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="incoming")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    asserted_by = models.CharField(max_length=120)
    """Ref of the member who stated it."""
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "source", "target", "kind"],
                condition=Q(ended_at__isnull=True),
                name="edge_live_unique",
            ),
            models.CheckConstraint(condition=~Q(source=models.F("target")), name="edge_no_self_loop"),
        ]
        indexes: ClassVar = [
            # With `ended_at` inside, a walk over live edges reads the index alone.
            models.Index(fields=["tenant", "source", "kind", "target"], include=["ended_at"], name="edge_walk_forward"),
            models.Index(fields=["tenant", "target", "kind", "source"], include=["ended_at"], name="edge_walk_back"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.kind} {self.target_id}"
