"""Verbs on tasks: what is to be done while the incident lasts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from conductor.lib.clock import rfc3339
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, display_name, require
from incidents.models.choices import EventKind, TaskState
from incidents.models.incident import Incident
from incidents.models.people import Task
from incidents.record.input_cleaning import Complaints
from incidents.record.writer import Entry, lock, touch, write
from incidents.response.roles import require_responder

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def add_task(
    *,
    incident: Incident,
    title: str,
    actor: Actor,
    now: datetime,
    assignee: User | None = None,
    is_blocking: bool = False,
    due_at: datetime | None = None,
) -> Task:
    """Add a task to the incident. A blocking one must be closed before the incident is resolved."""
    require(actor=actor, permission="respond")
    complaints = Complaints()
    said = complaints.line("title", title, required=True)
    if due_at is not None and due_at.tzinfo is None:
        complaints.add("due_at", "Name the time zone.")
    complaints.refuse()
    if assignee is not None:
        require_responder(assignee)
    with transaction.atomic():
        locked = lock(incident)
        newest = Task.objects.filter(incident=locked).aggregate(newest=Max("number"))["newest"] or 0
        task = Task.objects.create(
            tenant_id=locked.tenant_id,
            incident=locked,
            number=newest + 1,
            title=said,
            is_blocking=is_blocking,
            assignee=assignee,
            assignee_name=display_name(assignee) if assignee else "",
            due_at=due_at,
            added_by=actor.ref,
            added_by_name=actor.name,
            added_at=now,
        )
        data = {"task": task.number, "title": said, "blocking": is_blocking, **_assigned(assignee)}
        if due_at is not None:
            data["due_at"] = rfc3339(due_at)
        _write(locked, EventKind.TASK_ADDED, "task.added", data, actor, now)
    incident.refresh_from_db()
    return task


def change_task(
    *,
    task: Task,
    actor: Actor,
    now: datetime,
    state: str | None = None,
    assignee: User | None = None,
    is_blocking: bool | None = None,
) -> Task:
    """Change what is given and differs, as one timeline entry; with no difference nothing is written."""
    require(actor=actor, permission="respond")
    complaints = Complaints()
    if state is not None:
        complaints.choice("state", state, TaskState)
    complaints.refuse()
    if assignee is not None:
        require_responder(assignee)
    with transaction.atomic():
        locked = lock(task.incident)
        # Under the incident's lock nobody else changes a task of it.
        task.refresh_from_db()
        changes, data = _changes(task, state, assignee, is_blocking, now)
        if changes:
            Task.objects.filter(id=task.id).update(**changes)
            facts = {"task": task.number, "title": task.title, **data}
            _write(locked, EventKind.TASK_CHANGED, "task.changed", facts, actor, now)
    task.refresh_from_db()
    return task


def _changes(
    task: Task, state: str | None, assignee: User | None, is_blocking: bool | None, now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    changes: dict[str, Any] = {}
    data: dict[str, Any] = {}
    if state is not None and state != task.state:
        changes["state"], data["state"] = state, {"from": task.state, "to": state}
        changes["ended_at"] = now if state in (TaskState.DONE, TaskState.CANCELED) else None
    if assignee is not None and assignee.pk != task.assignee_id:
        changes["assignee"], changes["assignee_name"] = assignee, display_name(assignee)
        data |= _assigned(assignee)
    if is_blocking is not None and is_blocking != task.is_blocking:
        changes["is_blocking"], data["blocking"] = is_blocking, is_blocking
    return changes, data


def _assigned(user: User | None) -> dict[str, Any]:
    return {"assignee": {"ref": ref("tenancy.user", user.pk), "name": display_name(user)}} if user else {}


def _write(incident: Incident, kind: EventKind, action: str, data: dict[str, Any], actor: Actor, now: datetime) -> None:
    write(incident=incident, action=action, entries=[Entry(kind, data=data)], actor=actor, now=now, body=data)
    touch(incident)
