"""What is said about incidents in Slack, once a verb has done its work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from chatops.commands.answers import (
    Answer,
    Block,
    actions,
    answer,
    code,
    context,
    link,
    moment,
    mrkdwn,
    note,
    quoted,
    section,
)
from chatops.commands.buttons import DO, FORM, Press, button
from conductor.console.format.values import duration
from incidents.models.choices import Status, TaskState
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment, Task
from incidents.record.wording import sentence

TITLE_SHOWN = 150
LISTED = 15
TASKS_SHOWN = 30


def incident_url(incident: Incident) -> str:
    """Return the incident's page in the console."""
    base = settings.CONDUCTOR_BASE_URL.rstrip("/")
    return f"{base}/t/{incident.tenant.slug}/incidents/{incident.code}/"


def declared(incident: Incident, *, command: str, is_guessed: bool) -> Answer:
    """Return that the incident exists, for all in the channel unless it is private. `is_guessed`: of the severity."""
    text = f"{incident.code} declared by {incident.declared_by_name}, {incident.severity}: {incident.title}"
    guessed = f"No severity was given. {code(f'{command} classify {incident.code} sev2')}" if is_guessed else ""
    return answer(
        text,
        [
            section(f"*{named(incident)} declared by {mrkdwn(incident.declared_by_name, 100)}*\n{_title(incident)}"),
            section(f"*Severity* {incident.severity}  *Status* {incident.get_status_display()}", _facts(incident)),
            actions(*handles(incident)),
            context(moment(incident.declared_at), f"On it? {code(f'{command} ack {incident.code}')}", guessed),
        ],
        in_channel=not incident.is_private,
    )


def moved(incident: Incident, *, who: str, text: str, now: datetime) -> Answer:
    """Return that the status has moved, for all in the channel unless it is private."""
    status = incident.get_status_display().lower()
    word = "open again" if incident.status == Status.OPEN else status
    since = duration(now - incident.declared_at, coarse=True)
    blocks = [section(f"*{named(incident)} is {word}*  {incident.severity}\n{_title(incident)}")]
    if text:
        blocks.append(section(quoted(text)))
    blocks.append(context(f"{mrkdwn(who, 100)} · {moment(now)}", f"{since} after it was declared"))
    return answer(f"{incident.code} is {word}: {incident.title}", blocks, in_channel=not incident.is_private)


def unmoved(incident: Incident) -> Answer:
    """Return that the incident stood there already."""
    return note(f"{incident.code} was {incident.get_status_display().lower()} already. Nothing was changed.")


def done(incident: Incident, what: str, *, text: str = "") -> Answer:
    """Return a confirmation for the asker's eyes: `what` completes "INC-7 …"."""
    blocks = [section(f"*{named(incident)}* {mrkdwn(what, 500)}")]
    if text:
        blocks.append(section(quoted(text)))
    return answer(f"{incident.code} {what}", blocks)


def standing(
    incident: Incident, *, roles: Sequence[RoleAssignment], entries: Sequence[TimelineEvent], now: datetime
) -> Answer:
    """Return where the incident stands and who has it. `entries` newest first."""
    status = incident.get_status_display()
    since = duration(now - incident.declared_at, coarse=True)
    held = [f"{mrkdwn(role.get_role_display(), 40)}: {mrkdwn(role.user_name, 100)}" for role in roles]
    lines = [f"{moment(each.occurred_at)} {mrkdwn(sentence(each), 300)}" for each in entries[:5]]
    blocks = [
        section(f"*{named(incident)}*  {incident.severity}  *{status}*\n{_title(incident)}", _facts(incident)),
        section("\n".join(held) or "Nobody holds a role."),
    ]
    if lines:
        blocks.append(section("\n".join(lines)))
    blocks.append(context(f"Declared {moment(incident.declared_at)}, {since} ago"))
    return answer(f"{incident.code} {incident.severity} {status}: {incident.title}", blocks)


def listing(incidents: Sequence[Incident], *, which: str, command: str) -> Answer:
    """Return the incidents, the first fifteen with their titles and the number of the rest."""
    if not incidents:
        empty = "You hold no role in an active incident." if which == "mine" else "No incident is active."
        return note(empty if which in {"open", "mine"} else f"No {which.upper()} is active.")
    shown = [section(line(each)) for each in incidents[:LISTED]]
    rest = len(incidents) - LISTED
    more = f"and {rest} more, in the console" if rest > 0 else ""
    blocks = [*shown, context(more, code(f"{command} status {incidents[0].code}"))]
    return answer("\n".join(f"{each.code} {each.severity} {each.title}" for each in incidents[:LISTED]), blocks)


def found(incidents: Sequence[Incident], *, words: str, total: int) -> Answer:
    """Return the incidents that have the words, newest first, and how many there are in all."""
    if not incidents:
        return note(f"No incident that you may read has “{words}”.")
    rest = total - len(incidents)
    more = [context(f"and {rest} more, in the console")] if rest > 0 else []
    shown = "\n".join(f"{each.code} {each.get_status_display()} {each.title}" for each in incidents)
    return answer(shown, [*(section(line(each)) for each in incidents), *more])


def tasks(incident: Incident, found: Sequence[Task]) -> Answer:
    """Return the incident's tasks, each with its number and a button while it is open."""
    if not found:
        return note(f"{incident.code} has no tasks.")
    blocks = [section(f"*{named(incident)}* {len(found)} task{'' if len(found) == 1 else 's'}")]
    for task in found[:TASKS_SHOWN]:
        whose = f" · {mrkdwn(task.assignee_name, 100)}" if task.assignee_name else ""
        line = section(f"*{task.number}*  {mrkdwn(task.title, 200)}\n{task.get_state_display()}{whose}")
        if task.state not in (TaskState.DONE, TaskState.CANCELED):
            press = Press("done", incident.number, {"number": str(task.number)})
            line["accessory"] = button(tenant_id=incident.tenant_id, label="Done", press=press)
        blocks.append(line)
    if len(found) > TASKS_SHOWN:
        blocks.append(context(f"and {len(found) - TASKS_SHOWN} more, in the console"))
    return answer("\n".join(f"{task.number} {task.state} {task.title}" for task in found[:TASKS_SHOWN]), blocks)


def which_one(detail: str, candidates: Sequence[Incident], *, typed: str, buttons: Sequence[Block] = ()) -> Answer:
    """Return the question which incident was meant, each candidate behind what was typed, with its button."""
    lines = [section(f"{code(typed + ' ' + each.code)}  {_title(each)}") for each in candidates]
    for line, pressed in zip(lines, buttons, strict=False):
        line["accessory"] = pressed
    blocks = [section(f"*{mrkdwn(detail, 300)}* Nothing was changed."), *lines]
    codes = ", ".join(each.code for each in candidates)
    return answer(f"{detail} {codes}".strip(), blocks)


def line(incident: Incident) -> str:
    """Return the incident in two lines of mrkdwn, for lists."""
    return f"*{named(incident)}*  {incident.severity}  {incident.get_status_display()}\n{_title(incident)}"


def handles(incident: Incident) -> list[Block]:
    """Return the buttons for what can be done about the incident where it stands."""
    tenant_id, number = incident.tenant_id, incident.number

    def press(verb: str, label: str, how: str = FORM, style: str = "") -> Block:
        return button(tenant_id=tenant_id, label=label, press=Press(verb, number), how=how, style=style)

    if not incident.is_active:
        return [press("reopen", "Reopen…"), press("status", "Status", DO)]
    row = [press("ack", "I am on it", DO, "primary")] if incident.acknowledged_at is None else []
    row += [press("update", "Update…"), press("assign", "Assign…"), press("page", "Page…")]
    row += [press("classify", "Severity…"), press("task", "Task…")]
    row += [press(verb, label) for verb, label in _NEXT.get(Status(incident.status), ())]
    return [*row, press("status", "Status", DO)]


_NEXT = {
    Status.OPEN: (("mitigated", "Mitigated…"),),
    Status.MITIGATED: (("monitoring", "Monitoring…"), ("resolved", "Resolved…")),
    Status.MONITORING: (("resolved", "Resolved…"),),
}
"""The moves that are offered from each status."""


def named(incident: Incident) -> str:
    """Return the incident's code, as a link to its page."""
    return link(incident_url(incident), incident.code)


def _title(incident: Incident) -> str:
    return mrkdwn(" ".join(incident.title.split()), TITLE_SHOWN)


def _facts(incident: Incident) -> list[str]:
    facts = {
        "Service": incident.service,
        "Environment": incident.environment.name if incident.environment else "",
    }
    return [f"*{name}*\n{mrkdwn(value, 200)}" for name, value in facts.items() if value]
