"""Ticket: what stands in a tenant's tracker about one of our records, as we last saw it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from adapters.models.adapter import AdapterConfig
from conductor.lib.refs import Ref, ref
from conductor.tenancy.models import TenantModel


class Ticket(TenantModel):
    """One ticket and the record that it is about.

    REQUESTED: the tracker has not confirmed it; it may hold it already, for answers get lost. TRACKED: it stands there
    and is followed. FAILED: the tracker refuses for good until somebody asks again. ENDED: followed no more.
    """

    class Phase(models.TextChoices):
        REQUESTED = "REQUESTED", "Requested"
        TRACKED = "TRACKED", "Tracked"
        FAILED = "FAILED", "Failed"
        ENDED = "ENDED", "Ended"

    class Origin(models.TextChoices):
        OPENED = "OPENED", "Opened by Conductor"
        LINKED = "LINKED", "Linked by a person"

    class State(models.TextChoices):
        OPEN = "OPEN", "Open"
        DONE = "DONE", "Done"
        DROPPED = "DROPPED", "Dropped"

    adapter = models.ForeignKey(AdapterConfig, on_delete=models.PROTECT, related_name="+")
    subject = models.CharField(max_length=120)
    """Ref of the record that the ticket is about."""
    origin = models.CharField(max_length=6, choices=Origin.choices)
    phase = models.CharField(max_length=9, choices=Phase.choices, default=Phase.REQUESTED)
    content = models.JSONField(default=dict)
    """What it is opened with, {title, text, url}: the same at every try. Empty for a linked one."""
    external_id = models.CharField(max_length=200, blank=True)
    """How calls to the tracker name it; empty until the tracker has confirmed it."""
    name = models.CharField(max_length=200, blank=True)
    """As people say it: `OPS-17`."""
    url = models.CharField(max_length=500, blank=True)
    title = models.CharField(max_length=300, blank=True)
    """As the tracker has it."""
    remote_status = models.CharField(max_length=80, blank=True)
    """The status in the tracker's own word."""
    state = models.CharField(max_length=8, choices=State.choices, blank=True)
    """What that word means here."""
    subject_state = models.CharField(max_length=8, choices=State.choices, blank=True)
    """How the record stood when the two were last compared: by it, a later comparison tells who has moved."""
    remote_updated_at = models.DateTimeField(null=True)
    """When the tracker says that it was last changed."""
    synced_at = models.DateTimeField(null=True)
    """When we last knew for sure how it stands."""
    due_at = models.DateTimeField(null=True)
    """Look again from then on, although its turn has not come: the tracker called, or a change here waits."""
    claim_ends_at = models.DateTimeField(null=True)
    """Until then somebody is opening it, or the tracker may still be showing what it has taken."""
    attempts = models.PositiveSmallIntegerField(default=0)
    code = models.CharField(max_length=40, blank=True)
    """Stable name of the last failure (docs/reference/adapters.md); empty after a success."""
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=120)
    """Ref of whoever asked for it or linked it."""
    created_by_name = models.CharField(max_length=160)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "adapter", "subject"],
                condition=Q(origin="OPENED", ended_at=None),
                name="ticket_opened_once",
            ),
            models.UniqueConstraint(
                fields=["tenant", "adapter", "external_id", "subject"],
                condition=~Q(external_id="") & Q(ended_at=None),
                name="ticket_tied_once",
            ),
            models.CheckConstraint(
                condition=~Q(phase="TRACKED") | (~Q(external_id="") & ~Q(state="") & Q(synced_at__isnull=False)),
                name="ticket_tracked_whole",
            ),
            models.CheckConstraint(
                condition=Q(phase="ENDED", ended_at__isnull=False) | (~Q(phase="ENDED") & Q(ended_at=None)),
                name="ticket_end_has_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "subject"], name="ticket_subject"),
            models.Index(fields=["tenant", "adapter", "phase", "synced_at"], name="ticket_turn"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.content.get("title", ""))

    @property
    def ref(self) -> Ref:
        return ref("adapters.ticket", self.id)

    @property
    def key(self) -> str:
        """The name by which the tracker can tell a repeated opening."""
        return f"conductor-{self.id}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN
