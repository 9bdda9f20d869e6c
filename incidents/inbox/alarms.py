"""What goes wrong while nobody looks: overdue updates, alerts that fire on, and alerts that nobody decided about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse

from conductor.console.inbox.registry import Act, Asker, Told, keyed
from incidents.alerts.selectors import alerts_waiting
from incidents.hub.selectors import with_columns
from incidents.inbox.people import address_of
from incidents.models.alert import AlertRecord, Outcome
from incidents.models.choices import Role, Status
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.response.policy import Content
from incidents.response.silence import update_due

SPEAK = (Role.COMMANDER, Role.COMMUNICATIONS)
"""The roles whose holders keep people informed."""


def silent(asker: Asker, policy: Content) -> QuerySet[Any]:
    """Active incidents that they command or speak for, and whose update is overdue."""
    mine = RoleAssignment.objects.filter(incident=OuterRef("pk"), user_id=asker.user_id, role__in=SPEAK, ended_at=None)
    found = with_columns(Incident.objects.active().filter(Exists(mine))).select_related(None)
    overdue = found.annotate(update_due_at=update_due(policy.cadence)).filter(update_due_at__lt=asker.now)
    return keyed(overdue, since="last_said_at", due="update_due_at")


def firing(asker: Asker) -> QuerySet[Any]:
    """Resolved incidents with an alert seen firing since, that they command or that nobody commands."""
    commands = RoleAssignment.objects.filter(incident=OuterRef("pk"), role=Role.COMMANDER, ended_at=None)
    alert = AlertRecord.objects.filter(
        incident=OuterRef("pk"), ended_at=None, has_fired=True, last_seen_at__gt=OuterRef("resolved_at")
    )
    found = Incident.objects.filter(
        Q(Exists(commands.filter(user_id=asker.user_id))) | Q(~Exists(commands)), Exists(alert), status=Status.RESOLVED
    )
    return keyed(found, since="resolved_at")


def undecided(asker: Asker) -> QuerySet[Any]:
    """The alert that waits longest for a decision: one row for all of them, however many a storm brings."""
    waiting = keyed(AlertRecord.objects.filter(outcome=Outcome.PENDING), since="first_seen_at")
    return waiting.order_by("first_seen_at", "id")[:1]


def told_silent(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    mine = RoleAssignment.objects.filter(incident__in=ids, user_id=asker.user_id, role__in=SPEAK, ended_at=None)
    found = mine.select_related("incident").order_by("role")
    told = {}
    for each in found:
        told[each.incident_id] = Told(
            title=f"Post an update on {each.incident.code}",
            why=f"You are its {Role(each.role).label.lower()}. {each.incident.title}",
            href=(page := address_of(asker, each.incident)),
            act=Act("Write update", f"{page}#upd"),
            subject=each.incident.code,
        )
    return told


def told_firing(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    mine = RoleAssignment.objects.filter(
        incident=OuterRef("pk"), role=Role.COMMANDER, ended_at=None, user_id=asker.user_id
    )
    return {
        each.id: Told(
            title=f"Reopen {each.code}, or end its alert",
            why=f"An alert still fires after it was resolved. {_why(each)} {each.title}",
            href=(page := address_of(asker, each)),
            act=Act("Open incident", page),
            subject=each.code,
        )
        for each in Incident.objects.filter(id__in=ids).annotate(is_mine=Exists(mine))
    }


def told_undecided(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    count = alerts_waiting()
    page = f"{reverse('incidents:alerts', args=[asker.slug])}?outcome={Outcome.PENDING}"
    told = Told(
        title="Decide whether an alert is an incident"
        if count == 1
        else f"Decide which of {count:,} alerts are incidents",
        why="You may respond, and nobody has decided yet.",
        href=page,
        act=Act("Decide", page),
    )
    return dict.fromkeys(ids, told) if count else {}


def _why(incident: Any) -> str:
    return "You are its commander." if incident.is_mine else "Nobody commands it, and you may respond."
