"""Reads of what is learned from incidents: postmortems and action items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q, QuerySet

from conductor.lib.errors import NotFound
from incidents.models.action_item import ActionItem
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem


@dataclass(frozen=True)
class ActionFigures:
    """Counts for the head of the list of action items."""

    open: int
    overdue: int
    unowned: int
    done: int
    verified: int
    """Of those that are done."""


def latest_postmortem(*, incident: Incident) -> Postmortem | None:
    """Return the newest version, or None."""
    return postmortems_of(incident=incident).first()


def postmortems_of(*, incident: Incident) -> QuerySet[Postmortem]:
    """Return every version, newest first."""
    return Postmortem.objects.filter(incident=incident).order_by("-version")


def postmortem_version(*, incident: Incident, version: object) -> Postmortem:
    """Return that version; raise NotFound."""
    text = str(version)
    found = None
    if text.isascii() and text.isdigit() and len(text) < 6:
        found = postmortems_of(incident=incident).select_related("incident").filter(version=int(text)).first()
    if found is None:
        raise NotFound(f"{incident.code} has no postmortem version {text[:9]}.")
    return found


def rendered_postmortem(*, incident: Incident) -> Postmortem | None:
    """Return the newest version that has a PDF, or None."""
    return postmortems_of(incident=incident).exclude(pdf_digest="").first()


def newest_entry(*, incident: Incident) -> int:
    """Return the number of the newest timeline entry; 0 when there is none."""
    return TimelineEvent.objects.filter(incident=incident).values_list("seq", flat=True).order_by("-seq").first() or 0


def action_items(*, incident: Incident | None = None, open_only: bool = False) -> QuerySet[ActionItem]:
    """Return the incident's action items by number; without an incident everybody's, the most urgent first."""
    found = ActionItem.objects.filter(incident__in=Incident.objects.all()).select_related("incident", "owner")
    if open_only:
        found = found.filter(status=ActionItem.Status.OPEN)
    if incident is not None:
        return found.filter(incident=incident).order_by("number")
    return found.order_by("closed_at", "due_date", "number")


def action_item_by_number(*, number: int) -> ActionItem:
    """Return the action item; raise NotFound."""
    seen = ActionItem.objects.filter(incident__in=Incident.objects.all())
    item = seen.select_related("incident__environment", "owner").filter(number=number).first()
    if item is None:
        raise NotFound(f"There is no action item A-{number}.")
    return item


def action_figures(*, today: date) -> ActionFigures:
    """Count the tenant's action items. One query."""
    is_open, is_done = Q(status=ActionItem.Status.OPEN), Q(status=ActionItem.Status.DONE)
    counts = ActionItem.objects.aggregate(
        open=Count("id", filter=is_open),
        overdue=Count("id", filter=is_open & Q(due_date__lt=today)),
        unowned=Count("id", filter=is_open & Q(owner=None)),
        done=Count("id", filter=is_done),
        verified=Count("id", filter=is_done & Q(effect=ActionItem.Effect.VERIFIED)),
    )
    return ActionFigures(**counts)
