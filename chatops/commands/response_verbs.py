"""Verbs on what goes on within a response: roles that are accepted and handed over, tasks, and what was no incident."""

from __future__ import annotations

from chatops.commands import answers, lookup, replies
from chatops.commands.arguments import Accept, Cancel, Decline, Drop, Duplicate, HandOver, TaskDone, Todo
from chatops.commands.call import Said
from chatops.commands.moments import due_of
from chatops.commands.record_verbs import person_meant
from conductor.lib.errors import Invalid, NotFound
from conductor.tenancy.actors import display_name, require
from incidents.incident.status import accept_incident, cancel_incident, decline_incident, move_incident
from incidents.models.choices import Role, Status, TaskState
from incidents.models.incident import Incident
from incidents.models.people import Task
from incidents.response.handovers import accept_role, decline_role, hand_over_role
from incidents.response.roles import release_role
from incidents.response.tasks import add_task, change_task


def accept(said: Said) -> answers.Answer:
    """Accept a role; without one, accept an incident that waits for it."""
    args: Accept = said.args
    incident = said.incident()
    if args.role:
        accept_role(incident=incident, role=args.role, actor=said.actor, now=said.now)
        return replies.done(incident, f"has you as its {Role(args.role).label.lower()}, accepted.")
    if incident.status != Status.TRIAGE:
        raise Invalid(fields={"role": ["Say which role you accept."]})
    incident = accept_incident(incident=incident, actor=said.actor, now=said.now)
    return replies.moved(incident, who=said.actor.name, text="", now=said.now)


def decline(said: Said) -> answers.Answer:
    """Say no to a role that one was given or offered."""
    args: Decline = said.args
    incident = said.incident()
    decline_role(incident=incident, role=args.role, reason=args.reason, actor=said.actor, now=said.now)
    return replies.done(incident, f"does not have you as its {Role(args.role).label.lower()}.", text=args.reason)


def drop(said: Said) -> answers.Answer:
    """Give a role back."""
    args: Drop = said.args
    incident = said.incident()
    ended = release_role(incident=incident, role=args.role, actor=said.actor, now=said.now)
    return replies.done(incident, f"has no {Role(args.role).label.lower()} now; it was {ended.user_name}.")


def hand_over(said: Said) -> answers.Answer:
    """Offer a held role to somebody."""
    args: HandOver = said.args
    incident = said.incident()
    to = lookup.member_meant(person=args.person, team_id=said.team_id)
    hand_over_role(incident=incident, role=args.role, to=to, note=args.note, actor=said.actor, now=said.now)
    what = f"offers the role of {Role(args.role).label.lower()} to {display_name(to)}, who is to accept it."
    return replies.done(incident, what, text=args.note)


def add(said: Said) -> answers.Answer:
    """Add a task."""
    args: Todo = said.args
    incident = said.incident()
    task = add_task(
        incident=incident,
        title=args.text,
        assignee=person_meant(args.person, said),
        due_at=due_of(args.due, field="due", now=said.now),
        actor=said.actor,
        now=said.now,
    )
    whose = f" for {task.assignee_name}" if task.assignee_name else ""
    until = f", due {task.due_at:%Y-%m-%d %H:%M} UTC" if task.due_at else ""
    return replies.done(incident, f"has task {task.number}{whose}{until}: {task.title}")


def listing(said: Said) -> answers.Answer:
    """Return the incident's tasks."""
    require(actor=said.actor, permission="view_incidents")
    incident = said.incident()
    return replies.tasks(incident, list(Task.objects.filter(incident=incident).order_by("number")))


def finish(said: Said) -> answers.Answer:
    """Note that a task is done."""
    args: TaskDone = said.args
    incident = said.incident()
    task = Task.objects.select_related("incident").filter(incident=incident, number=args.number).first()
    if task is None:
        raise NotFound(f"{incident.code} has no task {args.number}.", fields={"number": ["There is no such task."]})
    was_done = task.state == TaskState.DONE
    change_task(task=task, state=TaskState.DONE, actor=said.actor, now=said.now)
    return replies.done(incident, f"task {task.number} {'was done already' if was_done else 'is done'}: {task.title}")


def cancel(said: Said) -> answers.Answer:
    """Close what was no incident: declined while it waits in triage, canceled once it was open."""
    args: Cancel = said.args
    incident = said.incident()
    verb = decline_incident if incident.status == Status.TRIAGE else cancel_incident
    incident = verb(incident=incident, closure=args.closure, reason=args.reason, actor=said.actor, now=said.now)
    return replies.moved(incident, who=said.actor.name, text=args.reason, now=said.now)


def merge(said: Said) -> answers.Answer:
    """Close a duplicate of another incident."""
    args: Duplicate = said.args
    original = Incident.objects.filter(number=args.original).first()
    if original is None:
        raise NotFound(f"There is no INC-{args.original} here.", fields={"original": ["There is no such incident."]})
    incident = said.incident()
    incident = move_incident(incident=incident, to=Status.DUPLICATE, original=original, actor=said.actor, now=said.now)
    return replies.moved(incident, who=said.actor.name, text=f"Of {original.code} {original.title}", now=said.now)
