"""The sections that tell what happened: header, summary, impact, detection, timeline, decisions, metrics."""

from __future__ import annotations

from datetime import timedelta

from conductor.console.formatting import duration
from conductor.lib.clock import elapsed
from incidents.metrics import DEFINITIONS, OPEN_KEY, State
from incidents.models import EventKind, Role, Status
from incidents.postmortem.blocks import Block, block, counted, numbers, when
from incidents.story import UPDATES, Story
from incidents.wording import CHANNELS, KEY_KINDS, name_list, sentence, status_word


def header(story: Story) -> list[Block]:
    """What, how bad, where, since when, and who had it."""
    incident, declared = story.incident, _declared(story)
    blocks = [
        block(
            f"{incident.code}, {incident.severity}, {status_word(incident.status).lower()}"
            + ("" if incident.kind == "REAL" else f", {incident.get_kind_display().lower()}"),
            [*declared, *numbers(story.of(EventKind.SEVERITY_CHANGED)), *_moves(story)[-1:]],
        ),
        block(f"Declared {when(incident.declared_at)} by {incident.declared_by_name}", declared),
    ]
    if incident.resolved_at is not None:
        blocks.append(block(f"Resolved {when(incident.resolved_at)}", _moves(story)[-1:]))
    if holders := _holders(story):
        blocks.append(block(holders, numbers(story.of(EventKind.ROLE_ASSIGNED))))
    return blocks


def summary(story: Story) -> list[Block]:
    """How long it took from declaration to the end; then the declarer's words and the last word on it."""
    incident, declared = story.incident, _declared(story)
    open_time = next(metric for metric in story.metrics if metric.key == OPEN_KEY)
    said = f"{incident.code} was declared as {_first_severity(story)} {CHANNELS.get(incident.origin, '')}".rstrip()
    ended = {
        State.OK: f" and was unresolved for {duration(open_time.seconds or 0)} in all.",
        State.MISSING: f". It is {status_word(incident.status).lower()}.",
        State.INVALID: ". Its times contradict each other.",
        State.PENDING: f". It is {status_word(incident.status).lower()}.",
        State.EXCLUDED: f". It is {status_word(incident.status).lower()}.",
    }[open_time.state]
    blocks = [block(said + ended, [*declared, *_moves(story)])]
    if incident.summary:
        blocks.append(block(incident.summary, declared, by=incident.declared_by_name))
    words = [event for event in story.of(*UPDATES, EventKind.STATUS_CHANGED) if event.body]
    for event in words[-1:]:
        blocks.append(block(event.body, [event.seq], at=event.occurred_at, by=event.actor_name))
    return blocks


def impact(story: Story) -> list[Block]:
    """What was affected, how badly, and from when to when, as far as the record says."""
    incident, declared = story.incident, _declared(story)
    blocks = []
    if incident.service:
        where = f" in {incident.environment.name}" if incident.environment else ""
        sources = [*declared, *numbers(story.of(EventKind.SERVICE_CHANGED))]
        blocks.append(block(f"Chiefly affected: {incident.service}{where}.", sources))
    for event in story.of(EventKind.IMPACT_CHANGED, EventKind.SEVERITY_CHANGED):
        blocks.append(block(f"{sentence(event)}.", [event.seq], at=event.occurred_at))
    return [*blocks, *_interval(story)]


def _interval(story: Story) -> list[Block]:
    """From when to when: as somebody stated it, else from the first known moment to mitigation."""
    incident = story.incident
    began = incident.impact_started_at or incident.detected_at or incident.declared_at
    ended = incident.impact_ended_at or incident.mitigated_at
    if ended is None or ended < began:
        return []
    first = "its start" if incident.impact_started_at else "the first known moment"
    last = "its end" if incident.impact_ended_at else "mitigation"
    is_guess = not incident.impact_ended_at and "mitigated" in story.milestones.inferred
    guessed = " Nobody stated the end: it is inferred." if is_guess else ""
    text = f"From {first}, {when(began)}, to {last}, {when(ended)}: {duration(elapsed(began, ended))}.{guessed}"
    starts = _stated(story, "impact_started") if incident.impact_started_at else _declared(story)
    ends = _stated(story, "impact_ended") if incident.impact_ended_at else _reached(story, Status.MITIGATED)[:1]
    return [block(text, [*(starts or _declared(story)), *ends])]


def detection(story: Story) -> list[Block]:
    """How it came to be known."""
    incident, declared = story.incident, _declared(story)
    blocks = [
        block(f"{sentence(event)}.", [event.seq], at=event.occurred_at) for event in story.of(EventKind.ALERT_FIRED)
    ]
    if not blocks:
        how = CHANNELS.get(incident.origin, "")
        text = f"No alert is on record. {incident.declared_by_name} declared it {how}".rstrip() + "."
        blocks.append(block(text, [*declared, *story.seqs]))
    elif incident.detected_at is not None and incident.detected_at <= incident.declared_at:
        at_once = incident.declared_at - incident.detected_at < timedelta(seconds=1)
        waited = elapsed(incident.detected_at, incident.declared_at)
        after = "with the alert" if at_once else f"{duration(waited)} after the alert began"
        blocks.append(block(f"It was declared {after}.", declared))
    return blocks


def timeline(story: Story) -> list[Block]:
    """The entries that tell the story, in their order, each with its own words."""
    kinds = [*KEY_KINDS, *UPDATES]
    blocks = []
    for event in story.of(*kinds):
        said = sentence(event)
        text = f"{said}: {event.body}" if event.body else f"{said}."
        by = "" if event.actor_name in said else event.actor_name
        blocks.append(block(text, [event.seq], at=event.occurred_at, by=by))
    return blocks


def decisions(story: Story) -> list[Block]:
    """What was decided, or decided against, by whom and with whose agreement."""
    blocks = []
    for event in story.of(EventKind.DECISION_RECORDED):
        agreed = [person["name"] for person in event.data.get("agreed_by", [])]
        text = event.body + (f" Agreed by {name_list(agreed)}." if agreed else "")
        blocks.append(block(text, [event.seq], at=event.occurred_at, by=event.actor_name))
    return blocks or [block("No decision is on record.", story.seqs)]


def metrics(story: Story) -> list[Block]:
    """How many metrics can be read. The figures themselves stand in `Postmortem.metrics`."""
    readable = [metric for metric in story.metrics if metric.state == State.OK]
    blocks = [block(f"{len(readable)} of {counted(len(story.metrics), 'metric')} can be read.", story.seqs)]
    ends = {definition.key: definition for definition in DEFINITIONS}
    for metric in story.metrics:
        if metric.state != State.OK:
            continue
        definition = ends.get(metric.key)
        sources = _told(story, definition.start) + _told(story, definition.end) if definition else _moves(story)
        note = f" {metric.why}" if metric.why else ""
        blocks.append(block(f"{metric.label}: {duration(metric.seconds or 0)}.{note}", sources))
    return blocks


def _declared(story: Story) -> list[int]:
    return numbers(story.of(EventKind.DECLARED))


def _moves(story: Story) -> list[int]:
    """The moves of the status; the declaration while there was none."""
    return numbers(story.of(EventKind.STATUS_CHANGED, EventKind.REOPENED)) or _declared(story)


def _told(story: Story, milestone: str) -> list[int]:
    """The entry that tells of a milestone which was reached."""
    commands = [event for event in story.of(EventKind.ROLE_ASSIGNED) if event.data["role"] == Role.COMMANDER]
    told = {
        "acknowledged": numbers(story.of(EventKind.ACKNOWLEDGED)),
        "commanded": numbers(commands[:1]),
        "updated": numbers(story.of(*UPDATES)[:1]),
        "mitigated": _reached(story, Status.MITIGATED)[:1],
        "monitoring": _reached(story, Status.MONITORING)[-1:],
        "impact_started": _stated(story, "impact_started"),
        "impact_ended": _stated(story, "impact_ended"),
        "detected": _stated(story, "detected"),
        "resolved": _reached(story, Status.RESOLVED)[-1:],
    }
    return told.get(milestone) or _declared(story)


def _stated(story: Story, milestone: str) -> list[int]:
    """The newest entry in which somebody stated when it was."""
    return [event.seq for event in story.of(EventKind.MILESTONE_SET) if event.data["key"] == milestone][-1:]


def _reached(story: Story, status: Status) -> list[int]:
    return [event.seq for event in story.of(EventKind.STATUS_CHANGED) if event.data["to"] == status]


def _first_severity(story: Story) -> str:
    changes = story.of(EventKind.SEVERITY_CHANGED)
    return str(changes[0].data["from"]) if changes else story.incident.severity


def _holders(story: Story) -> str:
    """Return `Commander: Ben, then Cora. Scribe: Ana.`"""
    parts = []
    for role in Role:
        names = list(dict.fromkeys(each.user_name for each in story.roles if each.role == role))
        if names:
            parts.append(f"{role.label}: {', then '.join(names)}.")
    return " ".join(parts)
