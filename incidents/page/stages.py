"""The response from declaring to resolving, as stages: what is done, what is next, what failed and is tried again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from incidents.access.selectors import RoleSlot
from incidents.links.surroundings import Surroundings
from incidents.models.choices import Question, Role
from incidents.models.incident import Incident
from incidents.page.runs import WorkflowStep
from incidents.record.phrases import name_list, roles_in_words

NOTIFY, WATCH = "incidents.notify_declared", "incidents.watch_response"
NOBODY = "Nobody was notified: no channel for notices is connected"


@dataclass(frozen=True)
class Stage:
    """One stage of the response."""

    title: str
    state: str
    """done, doing, todo or failed; skipped where the incident is over without it."""
    said: str
    """What is there, or what is still to do."""
    tab: str = ""
    """The tab on which it is done; empty: the incident's page itself."""
    at: datetime | None = None
    step: WorkflowStep | None = None
    """The step that does it by itself, if one does."""


def stages(
    *, incident: Incident, roles: Sequence[RoleSlot], steps: Sequence[WorkflowStep], found: Surroundings
) -> list[Stage]:
    """Return the stages in order. Needs `incident_for_page`'s; no query."""
    left, blocking = incident.tasks_open, incident.tasks_blocking  # type: ignore[attr-defined]
    made = [
        Stage("Declare", "done", f"As {incident.severity}, by {incident.declared_by_name}", at=incident.declared_at),
        _classify(incident, found),
        _tell(steps),
        _fill(roles),
        _keep_told(incident, steps),
        _work(incident, left, blocking),
        _resolve(incident),
    ]
    if incident.is_active:
        return made
    # Nobody works on it any more: what was not done was done without.
    return [
        replace(each, state="skipped", said=_left(each)) if each.state in ("todo", "doing") else each for each in made
    ]


def _left(stage: Stage) -> str:
    return f"Left undone: {stage.said[:1].lower()}{stage.said[1:]}"


def _classify(incident: Incident, found: Surroundings) -> Stage:
    left = []
    if not (incident.impact and incident.urgency):
        left.append("say impact and urgency")
    if open_questions := [each for each in Question if each.value not in incident.answers]:
        left.append(f"answer {len(open_questions)} of {len(Question)} questions")
    if not found.affected:
        left.append("link an affected resource")
    if left:
        return Stage("Classify", "todo", f"{name_list(left).capitalize()}", tab="assessment")
    names = name_list([node.name for node in found.affected][:3])
    return Stage("Classify", "done", f"Affects {names}; all questions answered", tab="assessment")


def _tell(steps: Iterable[WorkflowStep]) -> Stage:
    step = _newest(steps, NOTIFY)
    if step is None:
        return Stage("Tell people", "todo", "No notice has been started")
    state = _state_of(step)
    if state != "done":
        said = step.error if state == "failed" else "The notices are on their way"
        return Stage("Tell people", state, said, at=step.ended_at, step=step)
    sent, failed = _count(step, "sent"), _count(step, "failed")
    if not sent:
        said = f"Nobody was notified: {failed} of {failed} notices failed" if failed else NOBODY
        return Stage("Tell people", "failed", said, at=step.ended_at, step=step)
    said = f"{sent} of {sent + failed} notices delivered"
    return Stage("Tell people", "failed" if failed else "done", said, at=step.ended_at, step=step)


def _fill(roles: Sequence[RoleSlot]) -> Stage:
    held = [slot for slot in roles if slot.user_id is not None]
    silent = [slot for slot in held if not slot.is_accepted]
    if not any(slot.role == Role.COMMANDER for slot in held):
        return Stage("Fill roles", "todo", f"Take {roles_in_words([Role.COMMANDER])}, or give it to somebody")
    if silent:
        waits = name_list([f"{slot.name} ({slot.label.lower()})" for slot in silent])
        return Stage("Fill roles", "doing", f"Not accepted yet: {waits}")
    return Stage("Fill roles", "done", name_list([f"{slot.name} ({slot.label.lower()})" for slot in held]))


def _keep_told(incident: Incident, steps: Iterable[WorkflowStep]) -> Stage:
    step = _newest(steps, WATCH)
    if step is None:
        return Stage("Keep people informed", "todo", "Nothing watches that updates come")
    state = _state_of(step)
    if state == "failed":
        return Stage("Keep people informed", state, step.error, step=step)
    if not incident.is_active:
        return Stage("Keep people informed", state, "Watched until it was over", step=step)
    if state == "done":
        return Stage(
            "Keep people informed", "todo", "The watch has ended; nothing watches that updates come", step=step
        )
    return Stage("Keep people informed", state, "Updates are watched: each that is missed is announced", step=step)


def _work(incident: Incident, left: Sequence[int], blocking: Sequence[int]) -> Stage:
    if blocking:
        holds = "it holds" if len(blocking) == 1 else "they hold"
        said = f"Finish {name_list([f'#{number}' for number in blocking])}: {holds} the incident open"
        return Stage("Work off tasks", "doing", said, tab="tasks")
    if left:
        return Stage("Work off tasks", "doing", f"{len(left)} to do, none of which blocks", tab="tasks")
    if not incident.tasks_total:  # type: ignore[attr-defined]
        return Stage("Work off tasks", "skipped", "No task was added", tab="tasks")
    return Stage("Work off tasks", "done", "None is open", tab="tasks")


def _resolve(incident: Incident) -> Stage:
    if incident.is_active:
        return Stage("Resolve", "todo", f"It is {incident.get_status_display().lower()}")
    return Stage("Resolve", "done", incident.get_status_display(), at=incident.resolved_at)


def _count(step: WorkflowStep, name: str) -> int:
    """Return a number that the step put out; a step that says none did nothing of it."""
    value = step.output.get(name)
    return value if isinstance(value, int) else 0


def _newest(steps: Iterable[WorkflowStep], name: str) -> WorkflowStep | None:
    return next((step for step in reversed(list(steps)) if step.name == name), None)


def _state_of(step: WorkflowStep) -> str:
    return {"SUCCEEDED": "done", "FAILED": "failed"}.get(step.status, "doing")
