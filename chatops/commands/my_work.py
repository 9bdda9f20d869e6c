"""What waits for one member: roles to accept, tasks, action items, and deadlines that run out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import User

from chatops.commands.answers import Block, header, moment, mrkdwn, section
from chatops.commands.buttons import DO, FORM, Press, button
from chatops.commands.replies import named
from conductor.console.format.values import duration
from incidents.models.action_item import ActionItem
from incidents.models.choices import TaskState
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.models.people import RoleAssignment, RoleOffer, Task
from incidents.record.wording import role_word

SHOWN = 5
"""Rows of each kind; a Home tab has at most a hundred blocks."""


@dataclass(frozen=True)
class Work:
    """What waits for a member, the most urgent first."""

    roles: Sequence[RoleAssignment | RoleOffer] = field(default_factory=list)
    """Given or offered, and not answered."""
    tasks: Sequence[Task] = field(default_factory=list)
    items: Sequence[ActionItem] = field(default_factory=list)
    duties: Sequence[Obligation] = field(default_factory=list)
    """Reporting obligations that run, or wait for a decision, in active incidents in which the member holds a role."""

    def __bool__(self) -> bool:
        return bool(self.roles or self.tasks or self.items or self.duties)


def work_of(*, user: User) -> Work:
    """Return what waits for the member. Five queries."""
    seen = Incident.objects.all()
    active = Incident.objects.active()
    given = RoleAssignment.objects.filter(user=user, ended_at=None, accepted_at=None, incident__in=active)
    offered = RoleOffer.objects.filter(user=user, answered_at=None, incident__in=active)
    tasks = Task.objects.filter(assignee=user, incident__in=active).exclude(
        state__in=[TaskState.DONE, TaskState.CANCELED]
    )
    items = ActionItem.objects.filter(owner=user, status=ActionItem.Status.OPEN, incident__in=seen)
    mine = RoleAssignment.objects.filter(user=user, ended_at=None).values("incident_id")
    duties = Obligation.objects.filter(
        state__in=[Obligation.State.APPLICABLE, Obligation.State.ASSESSING],
        due_at__isnull=False,
        incident_id__in=mine,
        incident__in=seen,
    )
    near = "incident__tenant"
    return Work(
        [
            *offered.select_related(near).order_by("offered_at"),
            *given.select_related(near).order_by("assumed_at"),
        ],
        list(tasks.select_related(near).order_by("due_at", "added_at")),
        list(items.select_related(near).order_by("due_date", "number")),
        list(duties.select_related(near).order_by("due_at")),
    )


def blocks_of(work: Work, *, now: datetime) -> list[Block]:
    """Return what waits, under headings, each with the button that answers it; empty if nothing does."""
    return [
        *_group("Roles that wait for your answer", [line for each in work.roles[:SHOWN] for line in _role(each)]),
        *_group("Deadlines", [_duty(each, now) for each in work.duties[:SHOWN]], more=len(work.duties) - SHOWN),
        *_group("My tasks", [_task(each, now) for each in work.tasks[:SHOWN]], more=len(work.tasks) - SHOWN),
        *_group("My action items", [_item(each, now) for each in work.items[:SHOWN]], more=len(work.items) - SHOWN),
    ]


def _group(title: str, lines: Sequence[Block], *, more: int = 0) -> list[Block]:
    rest = [section(f"and {more} more, in the console")] if more > 0 else []
    return [header(title), *lines, *rest] if lines else []


def _role(waiting: RoleAssignment | RoleOffer) -> list[Block]:
    incident, given = waiting.incident, {"role": waiting.role}
    said = "offered to you" if isinstance(waiting, RoleOffer) else "given to you"
    text = section(f"*{named(incident)}*  {role_word(waiting.role)}, {said}\n{mrkdwn(incident.title, 150)}")
    accept = button(
        tenant_id=incident.tenant_id,
        label="Accept",
        press=Press("accept", incident.number, given),
        how=DO,
        style="primary",
        place=waiting.role.lower(),
    )
    decline = button(
        tenant_id=incident.tenant_id,
        label="Decline…",
        press=Press("decline", incident.number, given),
        how=FORM,
        place=waiting.role.lower(),
    )
    return [text, {"type": "actions", "elements": [accept, decline]}]


def _duty(duty: Obligation, now: datetime) -> Block:
    title = mrkdwn(str(duty.rule["title"]), 150)
    what = "to be decided" if duty.state == Obligation.State.ASSESSING else "due"
    due = _until(duty.due_at, now) if duty.due_at else "without a date"
    return section(f"*{named(duty.incident)}*  {mrkdwn(duty.regime, 40)} {what}, {due}\n{title}")


def _task(task: Task, now: datetime) -> Block:
    due = f", due {_until(task.due_at, now)}" if task.due_at else ""
    line = section(f"*{named(task.incident)}*  task {task.number}{due}\n{mrkdwn(task.title, 150)}")
    press = Press("done", task.incident.number, {"number": str(task.number)})
    return {**line, "accessory": button(tenant_id=task.tenant_id, label="Done", press=press, place=str(task.number))}


def _item(item: ActionItem, now: datetime) -> Block:
    late = bool(item.due_date and item.due_date < now.date())
    due = f", due {item.due_date:%Y-%m-%d}{' (late)' if late else ''}" if item.due_date else ""
    return section(f"*{item.code}*  of {named(item.incident)}{due}\n{mrkdwn(item.title, 150)}")


def _until(at: datetime, now: datetime) -> str:
    span = duration(abs((at - now).total_seconds()), coarse=True)
    return f"{moment(at)}, {f'in {span}' if at > now else f'{span} ago'}"
