"""The guards: each says whether something is true of an incident and, where it is not, how to make it so.

Which move asks which guard is data (incidents.response.policy). A guard reads and never writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.models.choices import EventKind, Question, Role, Severity, Status, TaskState
from incidents.models.history import StatusTransition, TimelineEvent
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.models.people import RoleAssignment, Task
from incidents.record.phrases import roles_in_words
from incidents.response.policy import GuardRule, policy_in_force


@dataclass(frozen=True)
class Asked:
    """A move that somebody asks for."""

    incident: Incident
    to: str
    now: datetime


@dataclass(frozen=True)
class Answer:
    """What a guard found."""

    guard: str
    met: bool
    why: str = ""
    """What is not as it must be; empty where it is met."""
    how: str = ""
    """What to do about it."""
    overridable: bool = True
    empty: str = ""
    """Why there was nothing to test. The move may be made, and nothing was shown by it."""

    def as_json(self) -> dict[str, object]:
        """Return the answer as StatusTransition.guards keeps it."""
        told = {"guard": self.guard, "met": self.met, "why": self.why}
        return {**told, "empty": self.empty} if self.empty else told


@dataclass(frozen=True)
class Nothing:
    """Nothing stands against the move, because there was nothing to look at."""

    why: str


Complaint = tuple[str, str] | None
"""Why it is not met and how to meet it; None where it is met."""
Guard = Callable[[Asked, GuardRule], Complaint | Nothing]


def ask(asked: Asked, rules: list[GuardRule]) -> list[Answer]:
    """Return the answer of each guard that applies to the incident's severity, in the policy's order."""
    answers = []
    for rule in rules:
        if asked.incident.severity in rule.severities:
            found = GUARDS[rule.guard](asked, rule)
            empty, complaint = (found.why, None) if isinstance(found, Nothing) else ("", found)
            why, how = complaint or ("", "")
            answers.append(Answer(rule.guard, complaint is None, why, how, rule.overridable, empty))
    return answers


def _acknowledged(asked: Asked, rule: GuardRule) -> Complaint:
    if asked.incident.acknowledged_at is not None:
        return None
    return "Nobody has acknowledged it.", "Acknowledge it."


def _commander_assigned(asked: Asked, rule: GuardRule) -> Complaint:
    holds = RoleAssignment.objects.filter(incident=asked.incident, role=Role.COMMANDER, ended_at=None)
    if holds.exists():
        return None
    return "Nobody commands it.", "Take the role of commander, or give it to somebody."


def _update_posted(asked: Asked, rule: GuardRule) -> Complaint:
    said = TimelineEvent.objects.filter(incident=asked.incident, kind=EventKind.UPDATE_POSTED)
    if rule.minutes is not None:
        said = said.filter(occurred_at__gte=asked.now - timedelta(minutes=rule.minutes))
    if said.exists():
        return None
    when = f" in the last {rule.minutes} minutes" if rule.minutes is not None else ""
    return f"Nobody has posted an update{when}.", "Post one that says where it stands."


def _type_set(asked: Asked, rule: GuardRule) -> Complaint:
    return None if asked.incident.incident_type else ("It has no type.", "Classify it with a type.")


def _service_named(asked: Asked, rule: GuardRule) -> Complaint:
    return None if asked.incident.service else ("It names no affected resource.", "Classify it with a service.")


def _monitored_for(asked: Asked, rule: GuardRule) -> Complaint:
    watched = timedelta(minutes=rule.minutes or 10)
    since = asked.incident.monitoring_at if asked.incident.status == Status.MONITORING else None
    if since is not None and asked.now - since >= watched:
        return None
    minutes = int(watched.total_seconds() // 60)
    return f"It has not been monitored for {minutes} minutes.", f"Set it to monitoring and wait {minutes} minutes."


def _blocking_tasks_closed(asked: Asked, rule: GuardRule) -> Complaint | Nothing:
    over = [TaskState.DONE, TaskState.CANCELED]
    blocking = list(Task.objects.filter(incident=asked.incident, is_blocking=True))
    left = [task for task in blocking if task.state not in over]
    if not blocking:
        return Nothing("There was no blocking task.")
    if not left:
        return None
    names = ", ".join(f"#{task.number} {task.title}" for task in left)
    return f"Blocking tasks are not closed: {names}.", "Finish or cancel them, or say that they do not block."


def _questions_answered(asked: Asked, rule: GuardRule) -> Complaint:
    left = [question.label for question in Question if question.value not in asked.incident.answers]
    if not left:
        return None
    return f"Nobody has answered: {' '.join(left)}", "Answer yes, no or not known."


def _required_roles_filled(asked: Asked, rule: GuardRule) -> Complaint | Nothing:
    wanted = policy_in_force().content.required_roles.get(Severity(asked.incident.severity), [])
    if not wanted:
        return Nothing(f"The policy asks for no role at {asked.incident.severity}.")
    held = set(RoleAssignment.objects.filter(incident=asked.incident, ended_at=None).values_list("role", flat=True))
    vacant = [role for role in wanted if role not in held]
    if not vacant:
        return None
    return f"Nobody holds {roles_in_words(vacant)}.", "Under Roles, take what is vacant or give it to somebody."


def _reporting_decided(asked: Asked, rule: GuardRule) -> Complaint | Nothing:
    """Duties are armed by answers: while a question is open, that none waits for a decision shows nothing."""
    waiting = Obligation.objects.filter(incident=asked.incident, state=Obligation.State.ASSESSING)
    regimes = sorted(set(waiting.values_list("regime", flat=True)))
    if not regimes:
        left = [question.label for question in Question if not asked.incident.answers.get(question.value)]
        return Nothing(f"Nobody has answered: {' '.join(left)}") if left else None
    return f"Nobody has decided whether it is to be reported under {', '.join(regimes)}.", "Decide it, with a reason."


def _reopened_in_time(asked: Asked, rule: GuardRule) -> Complaint | Nothing:
    days = rule.days or 7
    ended = StatusTransition.objects.filter(incident=asked.incident, to_status=Status.RESOLVED).order_by("-seq").first()
    if ended is None:
        return Nothing("It was never resolved.")
    if asked.now - ended.occurred_at <= timedelta(days=days):
        return None
    return (
        f"It was resolved more than {days} days ago.",
        "Declare a new incident and link it as a regression of this one.",
    )


GUARDS: dict[str, Guard] = {
    "acknowledged": _acknowledged,
    "commander_assigned": _commander_assigned,
    "update_posted": _update_posted,
    "type_set": _type_set,
    "service_named": _service_named,
    "monitored_for": _monitored_for,
    "blocking_tasks_closed": _blocking_tasks_closed,
    "questions_answered": _questions_answered,
    "required_roles_filled": _required_roles_filled,
    "reporting_decided": _reporting_decided,
    "reopened_in_time": _reopened_in_time,
}
