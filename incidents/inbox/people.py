"""Roles that wait for a yes or no, and tasks to be done, each for the one person whom they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import DateTimeField, ExpressionWrapper, F, QuerySet
from django.urls import reverse

from conductor.console.inbox.registry import Act, Asker, Told, keyed
from incidents.models.choices import TaskState
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment, RoleOffer, Task
from incidents.record.phrases import role_word
from incidents.response.policy import Content


def given(asker: Asker, policy: Content) -> QuerySet[Any]:
    """Roles that somebody gave them in active incidents, due as soon as the policy wants an answer."""
    found = RoleAssignment.objects.filter(
        user_id=asker.user_id, ended_at=None, accepted_at=None, incident__in=Incident.objects.active()
    )
    patience = timedelta(minutes=policy.accept_within_minutes)
    due = ExpressionWrapper(F("assumed_at") + patience, output_field=DateTimeField())
    return keyed(found, since="assumed_at", due=due)


def offered(asker: Asker) -> QuerySet[Any]:
    """Roles that somebody offers to hand over to them in active incidents."""
    found = RoleOffer.objects.filter(user_id=asker.user_id, answered_at=None, incident__in=Incident.objects.active())
    return keyed(found, since="offered_at")


def tasks(asker: Asker) -> QuerySet[Any]:
    """Their tasks in active incidents that are neither done nor canceled."""
    found = Task.objects.filter(assignee_id=asker.user_id, incident__in=Incident.objects.active())
    return keyed(found.exclude(state__in=[TaskState.DONE, TaskState.CANCELED]), since="added_at", due="due_at")


def told_given(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    found = RoleAssignment.objects.filter(id__in=ids).select_related("incident")
    return {each.id: _role(asker, each, "You were given this role.", each.handover_note) for each in found}


def told_offered(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    found = RoleOffer.objects.filter(id__in=ids).select_related("incident")
    return {each.id: _role(asker, each, f"{each.offered_by_name} offers it to you.", each.note) for each in found}


def told_tasks(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    return {
        each.id: Told(
            title=f"{each.title}",
            why=f"Task {each.number} of {each.incident.code}, assigned to you."
            + (" The incident cannot be resolved before it is done." if each.is_blocking else ""),
            href=(page := f"{address_of(asker, each.incident)}?tab=tasks"),
            act=Act("Open task", page),
            subject=each.incident.code,
        )
        for each in Task.objects.filter(id__in=ids).select_related("incident")
    }


def address_of(asker: Asker, incident: Incident) -> str:
    """The incident's page."""
    return reverse("incidents:detail", args=[asker.slug, incident.number])


def _role(asker: Asker, asked: RoleAssignment | RoleOffer, why: str, note: str) -> Told:
    incident = asked.incident
    answer = reverse("incidents:role_answer", args=[asker.slug, incident.number])
    return Told(
        title=f"Take the role of {role_word(asked.role)} in {incident.code}",
        why=f"{why} “{note}”" if note else f"{why} {incident.title}",
        href=address_of(asker, incident),
        act=Act("Accept", answer, {"role": asked.role}),
        subject=incident.code,
    )
