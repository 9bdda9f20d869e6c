"""Every reporting obligation of the tenant, by its due date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef

from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.reporting.remaining_time import used

SHOWN = 200
SOON = timedelta(days=1)
VIEWS = ("open", "done")


@dataclass(frozen=True)
class Deadline:
    """A duty and how far its clock has run."""

    duty: Obligation
    used: int | None
    """Percent of its time that are over; None while the event that starts its deadline is not recorded."""
    is_overdue: bool


@dataclass(frozen=True)
class Deadlines:
    """What a reader may see of the tenant's duties, and how many more there are."""

    rows: list[Deadline]
    """At most SHOWN, the soonest due first; those without a due date last."""
    overdue: int
    soon: int
    """Due within a day."""
    undecided: int
    hidden: int
    """Open duties of private incidents that the reader may not see: counted, nothing else is told."""


def deadlines(*, view: str, now: datetime) -> Deadlines:
    """Return the open duties, or with `view` "done" those that were filed or are not reportable. Two queries."""
    visible = Obligation.objects.filter(incident__in=Incident.objects.all()).select_related("incident")
    found = visible.open() if view != "done" else visible.exclude(id__in=Obligation.objects.open().values("id"))
    order = F("due_at").asc(nulls_last=True) if view != "done" else F("decided_at").desc(nulls_last=True)
    rows = [Deadline(each, used(each, now), _is_overdue(each, now)) for each in found.order_by(order, "id")[:SHOWN]]
    counts = list(
        Obligation.objects.open()
        .annotate(is_visible=Exists(Incident.objects.filter(id=OuterRef("incident_id"))))
        .values_list("is_visible", "state", "due_at")
    )
    mine = [(state, due_at) for seen, state, due_at in counts if seen]
    return Deadlines(
        rows,
        overdue=sum(due_at is not None and due_at <= now for _, due_at in mine),
        soon=sum(due_at is not None and now < due_at <= now + SOON for _, due_at in mine),
        undecided=sum(state == Obligation.State.ASSESSING for state, _ in mine),
        hidden=len(counts) - len(mine),
    )


def _is_overdue(duty: Obligation, now: datetime) -> bool:
    return duty.due_at is not None and duty.due_at <= now and duty.state in ("ASSESSING", "APPLICABLE")
