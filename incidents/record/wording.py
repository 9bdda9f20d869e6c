"""What a timeline entry says, as one plain sentence: the words of the console, the postmortem, exports and chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conductor.graph.models import Edge
from incidents.models.choices import (
    SIDE_EXITS,
    Audience,
    Closure,
    EventKind,
    Impact,
    MilestoneKey,
    Question,
    Reply,
    Status,
    TaskState,
    Urgency,
    Visibility,
    Written,
)
from incidents.models.history import TimelineEvent
from incidents.record.obligation_wording import (
    due_soon,
    duty_decided,
    duty_reopened,
    filed,
    missed_deadline,
    reporting_moment,
)
from incidents.record.phrases import at_moment, for_want_of, name_list, role_word

__all__ = ["CHANNELS", "KEY_KINDS", "name_list", "role_word", "sentence", "status_word"]

KEY_KINDS = frozenset(
    {
        EventKind.DECLARED,
        EventKind.ACKNOWLEDGED,
        EventKind.STATUS_CHANGED,
        EventKind.REOPENED,
        EventKind.GUARD_OVERRIDDEN,
        EventKind.SEVERITY_CHANGED,
        EventKind.ROLE_ASSIGNED,
        EventKind.ROLE_RELEASED,
        EventKind.PAGED,
        EventKind.DECISION_RECORDED,
        EventKind.ALERT_FIRED,
        EventKind.ALERT_RESOLVED,
        EventKind.ALERT_STILL_FIRING,
        EventKind.ALERTS_LEFT_OUT,
        EventKind.EVIDENCE_ATTACHED,
        EventKind.OBLIGATION_DECIDED,
        EventKind.OBLIGATION_MISSED,
        EventKind.OBLIGATION_FILED,
        EventKind.POSTMORTEM_DRAFTED,
        EventKind.CHANNEL_SHARED,
        EventKind.MESSAGE_CAPTURED,
        EventKind.RECONSTRUCTED,
    }
)
"""The entries that tell the story without what was said in between."""

NAMED = 5
"""So many people of a group are named in a sentence."""
CHANNELS = {
    "console": "in the console",
    "api": "through the API",
    "slack": "in Slack",
    "alert": "by an alert",
    "engine": "by a workflow",
    "cli": "on the command line",
    "import": "by import",
}


def sentence(event: TimelineEvent) -> str:
    """Return what happened, naming who did it; the entry's own text (`event.body`) is not repeated."""
    if event.redacted_at is not None and not event.data:
        return f"An entry by {event.actor_name} was redacted"
    return _SENTENCES[EventKind(event.kind)](event.actor_name, event.data)


def status_word(value: str) -> str:
    """Return the status as people read it."""
    return str(Status(value).label)


Facts = Mapping[str, Any]


def _declared(who: str, data: Facts) -> str:
    through = CHANNELS.get(data.get("origin", ""), "")
    if data.get("origin") == "alert":
        return f"Declared as {data['severity']} by an alert from {who}"
    return f"{who} declared this as {data['severity']} {through}".rstrip()


def _status_changed(who: str, data: Facts) -> str:
    before, after = status_word(data["from"]), status_word(data["to"])
    if data.get("inferred"):
        return f"Passed from {before} to {after}, inferred from the next move"
    if data["from"] == Status.TRIAGE and data["to"] == Status.OPEN:
        return f"{who} accepted this as an incident"
    if data.get("original"):
        return f"{who} merged this into {data['original']['name']}"
    if data.get("closure"):
        return f"{who} {after.lower()} this: {str(Closure(data['closure']).label).lower()}"
    return f"{who} moved this from {before} to {after}"


def _reopened(who: str, data: Facts) -> str:
    if data["from"] == Status.RESOLVED:
        return f"{who} reopened this"
    if data["from"] == Status.DUPLICATE:
        return f"{who} took this apart again: it is an incident of its own"
    if data["from"] in SIDE_EXITS:
        return f"{who} restored this, it was {status_word(data['from'])}"
    return f"{who} moved this back from {status_word(data['from'])} to {status_word(data['to'])}"


def _overridden(who: str, data: Facts) -> str:
    passed = name_list([each["why"].rstrip(".") for each in data["guards"]])
    return f"{who} overrode what stood against {status_word(data['to'])}: {passed}"


def _severity_changed(who: str, data: Facts) -> str:
    verb = "raised" if data["to"] < data["from"] else "lowered"
    return f"{who} {verb} the severity from {data['from']} to {data['to']}"


def _changed(what: str) -> Callable[[str, Facts], str]:
    def say(who: str, data: Facts) -> str:
        before, after = data["from"], data["to"]
        if not after:
            return f"{who} removed the {what} {before}"
        return f"{who} changed the {what} from {before} to {after}" if before else f"{who} set the {what} to {after}"

    return say


def _role_assigned(who: str, data: Facts) -> str:
    role, holder, before = role_word(data["role"]), data["to"]["name"], data.get("from")
    if before:
        return f"{who} handed the role of {role} from {before['name']} to {holder}"
    return f"{who} took the role of {role}" if holder == who else f"{who} made {holder} {role}"


def _role_released(who: str, data: Facts) -> str:
    role, holder = role_word(data["role"]), data["from"]["name"]
    return f"{who} gave up the role of {role}" if holder == who else f"{who} took the role of {role} from {holder}"


def _impact(who: str, data: Facts) -> str:
    words = Impact if data["what"] == "impact" else Urgency
    before, after = (str(words(data[end]).label).lower() if data[end] else "" for end in ("from", "to"))
    what = data["what"]
    return f"{who} changed the {what} from “{before}” to “{after}”" if before else f"{who} set the {what} to “{after}”"


def _answered(who: str, data: Facts) -> str:
    return f"{who} answered “{Question(data['question']).label}” with {str(Reply(data['to']).label).lower()}"


def _role_offered(who: str, data: Facts) -> str:
    return f"{who} offers the role of {role_word(data['role'])} to {data['to']['name']}"


def _role_unanswered(who: str, data: Facts) -> str:
    return f"{data['to']['name']} has not accepted the role of {role_word(data['role'])}"


def _missed(who: str, data: Facts) -> str:
    times = f", miss {data['miss']} in a row" if data["miss"] > 1 else ""
    return f"No update was posted in time{times}; notified {data['escalated_to']}{for_want_of(data)}"


def _update(who: str, data: Facts) -> str:
    audience = data.get("audience", Audience.INTERNAL)
    for_whom = f" for {str(Audience(audience).label).lower()}" if audience != Audience.INTERNAL else ""
    return f"{who} posted an update{for_whom}"


def _task_added(who: str, data: Facts) -> str:
    blocking = "blocking " if data.get("blocking") else ""
    to = f", for {data['assignee']['name']}" if data.get("assignee") else ""
    return f"{who} added the {blocking}task “{data['title']}”{to}"


def _task_changed(who: str, data: Facts) -> str:
    said = []
    if "state" in data:
        said.append(f"set it to {str(TaskState(data['state']['to']).label).lower()}")
    if "assignee" in data:
        said.append(f"gave it to {data['assignee']['name']}")
    if "blocking" in data:
        said.append("marked it as blocking" if data["blocking"] else "marked it as not blocking")
    return f"Task “{data['title']}”: {who} {name_list(said)}"


def _milestone(who: str, data: Facts) -> str:
    what = str(MilestoneKey(data["key"]).label)
    corrected = f", not {at_moment(data['from'])}" if data.get("from") else ""
    return f"{who} recorded: {what.lower()} at {at_moment(data['to'])}{corrected}"


def _visibility(who: str, data: Facts) -> str:
    private = data["to"] == Visibility.PRIVATE
    return f"{who} made this private" if private else f"{who} opened this to everybody here"


def _link(verb: str) -> Callable[[str, Facts], str]:
    def say(who: str, data: Facts) -> str:
        tie = Edge.Kind(data["kind"]).label
        said = f"{data['name']} {tie} this" if data.get("leads_here") else f"this {tie} {data['name']}"
        return f"{who} {verb}: {said}"

    return say


def _ticket(verb: str) -> Callable[[str, Facts], str]:
    def say(who: str, data: Facts) -> str:
        about = f" for {data['about']}" if data["about"] else ""
        return f"{who} {verb} ticket {data['name']} in {data['tracker']}{about}"

    return say


def _ticket_changed(who: str, data: Facts) -> str:
    about = f", for {data['about']}," if data["about"] else ""
    return f"Ticket {data['name']}{about} went from {data['from']} to {data['to']} in {data['tracker']}"


def _decision(who: str, data: Facts) -> str:
    agreed = [person["name"] for person in data.get("agreed_by", [])]
    what = "Decision not to" if data.get("negative") else "Decision"
    return f"{what} by {who}" + (f", agreed by {name_list(agreed)}" if agreed else "")


def _alert(verb: str) -> Callable[[str, Facts], str]:
    def say(who: str, data: Facts) -> str:
        where = f" on {data['service']}" if data.get("service") else ""
        said = f"Alert {data['name']} {verb}{where}"
        if not data.get("unmapped"):
            return said
        return f"{said}. Nothing says what its severity “{data['unmapped']}” means: {data['assumed']} was assumed"

    return say


def _left_out(who: str, data: Facts) -> str:
    left = data["left_out"]
    return f"{left} more alert{'' if left == 1 else 's'} of a notification from {who} could not be taken in"


def _notices(who: str, data: Facts) -> str:
    sent, failed = data["sent"], data["failed"]
    said = f"{sent} notice{'' if sent == 1 else 's'} went out"
    return f"{said}, {failed} failed" if failed else said


def _measures(who: str, data: Facts) -> str:
    read, missing = data["read"], data["missing"]
    return f"{who} read {read} of {read + missing} measures from {name_list(data['sources']) or 'no source'}"


def _controls(who: str, data: Facts) -> str:
    said = [f"{data[name]} {name}" for name in ("passed", "failed", "missing", "unknown") if data[name]]
    return f"{who} read the evidence of {data['controls']} controls: {name_list(said)}"


def _approved(who: str, data: Facts) -> str:
    said = f"{who} approved version {data['version']} of the postmortem"
    without = name_list([str(Written(key).label).lower() for key in data.get("without", [])])
    return f"{said} without {without}" if without else said


def _action(verb: str) -> Callable[[str, Facts], str]:
    return lambda who, data: f"{who} {data.get('how') or verb} action item {data['code']}"


def _drafted(who: str, data: Facts) -> str:
    return f"{who} drafted postmortem version {data['version']} from {data['entries']} entries"


def _captured(who: str, data: Facts) -> str:
    return f"{who} captured a message by {data['author']} in {data['channel']}"


def _changed_in_chat(what: str) -> Callable[[str, Facts], str]:
    return lambda who, data: f"The message by {data['author']} in {data['channel']}, captured before, was {what}"


def _paged(who: str, data: Facts) -> str:
    names = [each["name"] for each in data["to"].get("people", ())]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{who} called {data['to']['name']}" + (f": {', '.join(names[:NAMED])}{more}" if names else "")


_SENTENCES: dict[EventKind, Callable[[str, Facts], str]] = {
    EventKind.DECLARED: _declared,
    EventKind.ACKNOWLEDGED: lambda who, data: f"{who} acknowledged this",
    EventKind.STATUS_CHANGED: _status_changed,
    EventKind.REOPENED: _reopened,
    EventKind.GUARD_OVERRIDDEN: _overridden,
    EventKind.SEVERITY_CHANGED: _severity_changed,
    EventKind.TYPE_CHANGED: _changed("type"),
    EventKind.SERVICE_CHANGED: _changed("service"),
    EventKind.TITLE_CHANGED: lambda who, data: f"{who} changed the title, it was “{data['from']}”",
    EventKind.SUMMARY_CHANGED: lambda who, data: f"{who} changed the summary",
    EventKind.PAGED: _paged,
    EventKind.ROLE_ASSIGNED: _role_assigned,
    EventKind.ROLE_RELEASED: _role_released,
    EventKind.NOTE_ADDED: lambda who, data: f"{who} noted",
    EventKind.ENTRY_CORRECTED: lambda who, data: f"{who} corrected entry {data['seq']}",
    EventKind.REDACTION_REQUESTED: lambda who, data: f"{who} asked to redact entry {data['seq']}",
    EventKind.REDACTION_REFUSED: lambda who, data: (
        f"{who} refused to redact entry {data['seq']}, which {data['asked_by']} had asked for"
    ),
    EventKind.REDACTION_WITHDRAWN: lambda who, data: f"{who} withdrew the request to redact entry {data['seq']}",
    EventKind.ENTRY_REDACTED: lambda who, data: f"{who} redacted entry {data['seq']}: {data['legal_basis']}",
    EventKind.MILESTONE_SET: _milestone,
    EventKind.VISIBILITY_CHANGED: _visibility,
    EventKind.ACCESS_GRANTED: lambda who, data: f"{who} let {data['to']['name']} read this",
    EventKind.PRIVATE_READ: lambda who, data: f"{who} read this by permission, without working on it",
    EventKind.ACCESS_REVOKED: lambda who, data: f"{who} ended the access of {data['from']['name']}",
    EventKind.LINK_ADDED: _link("linked"),
    EventKind.LINK_ENDED: _link("ended the link"),
    EventKind.TICKET_OPENED: _ticket("opened"),
    EventKind.TICKET_LINKED: _ticket("linked"),
    EventKind.TICKET_CHANGED: _ticket_changed,
    EventKind.TICKET_UNLINKED: _ticket("unlinked"),
    EventKind.OBLIGATION_ARMED: lambda who, data: f"{data['regime']}: “{data['title']}” is to be decided",
    EventKind.OBLIGATION_DECIDED: duty_decided,
    EventKind.OBLIGATION_REOPENED: duty_reopened,
    EventKind.OBLIGATION_DUE_SOON: due_soon,
    EventKind.OBLIGATION_MISSED: missed_deadline,
    EventKind.OBLIGATION_FILED: filed,
    EventKind.REPORTING_MOMENT: reporting_moment,
    EventKind.IMPACT_CHANGED: _impact,
    EventKind.QUESTION_ANSWERED: _answered,
    EventKind.ROLE_OFFERED: _role_offered,
    EventKind.ROLE_ACCEPTED: lambda who, data: f"{who} accepted the role of {role_word(data['role'])}",
    EventKind.ROLE_DECLINED: lambda who, data: f"{who} declined the role of {role_word(data['role'])}",
    EventKind.ROLE_UNANSWERED: _role_unanswered,
    EventKind.UPDATE_MISSED: _missed,
    EventKind.TASK_ADDED: _task_added,
    EventKind.TASK_CHANGED: _task_changed,
    EventKind.UPDATE_POSTED: _update,
    EventKind.NOTICE_SENT: _notices,
    EventKind.DECISION_RECORDED: _decision,
    EventKind.ALERT_FIRED: _alert("fired"),
    EventKind.ALERT_RESOLVED: _alert("ended"),
    EventKind.ALERT_STILL_FIRING: _alert("still fires"),
    EventKind.ALERTS_LEFT_OUT: _left_out,
    EventKind.RUN_FINISHED: lambda who, data: f"{data['name']} finished",
    EventKind.EVIDENCE_ATTACHED: lambda who, data: f"{who} attached {data['name']}",
    EventKind.MEASURES_READ: _measures,
    EventKind.CONTROLS_READ: _controls,
    EventKind.POSTMORTEM_DRAFTED: _drafted,
    EventKind.POSTMORTEM_EDITED: lambda who, data: f"{who} edited the postmortem's {data['title']}",
    EventKind.POSTMORTEM_REVIEW_ASKED: lambda who, data: f"{who} asked for a review of version {data['version']}",
    EventKind.POSTMORTEM_CHANGES_REQUESTED: lambda who, data: (
        f"{who} asked for changes to version {data['version']} of the postmortem"
    ),
    EventKind.POSTMORTEM_APPROVED: _approved,
    EventKind.POSTMORTEM_PUBLISHED: lambda who, data: f"{who} published version {data['version']} of the postmortem",
    EventKind.ACTION_ADDED: _action("added"),
    EventKind.ACTION_CHANGED: _action("changed"),
    EventKind.ACTION_CLOSED: _action("closed"),
    EventKind.IMPORTED_UPDATE: lambda who, data: (
        f"{data['by']} wrote an update" if data.get("by") else f"{data['source']} published an update"
    ),
    EventKind.CHANNEL_OPENED: lambda who, data: f"{who} opened the channel {data['channel']}",
    EventKind.CHANNEL_SHARED: lambda who, data: f"The channel {data['channel']} was shared with people outside",
    EventKind.MESSAGE_CAPTURED: _captured,
    EventKind.MESSAGE_EDITED: _changed_in_chat("edited by its author"),
    EventKind.MESSAGE_DELETED: _changed_in_chat("deleted in the chat"),
    EventKind.MESSAGE_UNPINNED: _changed_in_chat("unmarked in the chat"),
    EventKind.RECONSTRUCTED: lambda who, data: (
        f"Reconstructed: this was sent while Conductor's {data['away']} was away"
    ),
}
