"""The sections that tell what happened: impact, detection, timeline, decisions, metrics."""

from __future__ import annotations

from datetime import timedelta

from conductor.console.format.values import duration
from conductor.lib.clock import elapsed, parse_rfc3339
from incidents.models.choices import UPDATES, EventKind, Status
from incidents.models.history import TimelineEvent
from incidents.postmortem.draft.blocks import Block, block, numbers, stop, when
from incidents.postmortem.draft.citations import declared, moves, reached, stated, told
from incidents.postmortem.record import Story
from incidents.record.metrics import DEFINITIONS, State
from incidents.record.wording import CHANNELS, KEY_KINDS, name_list, sentence, status_word


def impact(story: Story) -> list[Block]:
    """What was affected, how badly, and from when to when, as far as the record says."""
    incident = story.incident
    blocks = []
    if incident.service:
        where = f" in {incident.environment.name}" if incident.environment else ""
        sources = [*declared(story), *numbers(story.of(EventKind.SERVICE_CHANGED))]
        blocks.append(block(f"Affected: {incident.service}{where}.", sources))
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
    starts = stated(story, "impact_started") if incident.impact_started_at else declared(story)
    ends = stated(story, "impact_ended") if incident.impact_ended_at else reached(story, Status.MITIGATED)[:1]
    return [block(text, [*(starts or declared(story)), *ends])]


def detection(story: Story) -> list[Block]:
    """How it came to be known."""
    incident = story.incident
    blocks = [
        block(f"{sentence(event)}.", [event.seq], at=event.occurred_at) for event in story.of(EventKind.ALERT_FIRED)
    ]
    if not blocks:
        how = CHANNELS.get(incident.origin, "")
        text = f"{incident.declared_by_name} declared it {how}".rstrip() + "; no alert is on record."
        blocks.append(block(text, [*declared(story), *story.seqs]))
    elif incident.detected_at is not None and incident.detected_at <= incident.declared_at:
        at_once = incident.declared_at - incident.detected_at < timedelta(seconds=1)
        waited = elapsed(incident.detected_at, incident.declared_at)
        after = "with the alert" if at_once else f"{duration(waited)} after the alert began"
        blocks.append(block(f"It was declared {after}.", declared(story)))
    return blocks


_MARKS: dict[str, str] = {
    EventKind.DECLARED: "Declared",
    EventKind.ACKNOWLEDGED: "Acknowledged",
    EventKind.DECISION_RECORDED: "Decision",
    EventKind.SEVERITY_CHANGED: "Severity",
    EventKind.ALERT_FIRED: "Alert",
    EventKind.REOPENED: "Reopened",
}
_STATED = {
    "impact_started": "Impact begins",
    "detected": "Detected",
    "identified": "Cause found",
    "impact_ended": "Impact ends",
}
_STATED_WORDS = {
    "Impact begins": "The impact began",
    "Detected": "It was detected",
    "Cause found": "The cause was found",
    "Impact ends": "The impact ended",
}
_LEFT_OUT = frozenset({EventKind.POSTMORTEM_DRAFTED})
"""How the document came to be is no part of what happened."""


def timeline(story: Story) -> list[Block]:
    """The entries that tell the story, by when it happened, each with its own words and what kind of moment it is."""
    moments = {seq: key for key in _STATED for seq in stated(story, key)}
    rows = []
    for event in story.of(*(KEY_KINDS - _LEFT_OUT), *UPDATES, EventKind.MILESTONE_SET):
        if event.kind == EventKind.MILESTONE_SET and event.seq not in moments:
            continue  # somebody stated it otherwise later
        rows.append(_row(event, _STATED.get(moments.get(event.seq, ""), "")))
    return sorted(rows, key=lambda each: (each["at"], each["sources"]))


def _row(event: TimelineEvent, mark: str) -> Block:
    said, at = sentence(event), event.occurred_at
    if mark:
        said, at = f"{_STATED_WORDS[mark]}, as {event.actor_name} recorded", parse_rfc3339(event.data["to"])
    text = f"{said}: {stop(event.body)}" if event.body else f"{said}."
    by = "" if event.actor_name in said else event.actor_name
    if event.kind == EventKind.STATUS_CHANGED:
        mark = status_word(event.data["to"])
    return block(text, [event.seq], at=at, by=by, mark=mark or _MARKS.get(event.kind, ""))


def decisions(story: Story) -> list[Block]:
    """What was decided, or decided against, by whom and with whose agreement."""
    blocks = []
    for event in story.of(EventKind.DECISION_RECORDED):
        agreed = [person["name"] for person in event.data.get("agreed_by", [])]
        if event.body:
            text = stop(event.body) + (f" Agreed by {name_list(agreed)}." if agreed else "")
            blocks.append(block(text, [event.seq], at=event.occurred_at, by=event.actor_name))
    return blocks


def metrics(story: Story) -> list[Block]:
    """Each metric that can be read, as a row. What cannot be read is said once, with what is missing."""
    blocks = []
    ends = {definition.key: definition for definition in DEFINITIONS}
    for metric in story.metrics:
        if metric.state != State.OK:
            continue
        definition = ends.get(metric.key)
        sources = told(story, definition.start) + told(story, definition.end) if definition else moves(story)
        value = duration(metric.seconds or 0)
        note = f" {metric.why}" if metric.why else ""
        cells = (metric.label, value, metric.why)
        blocks.append(block(f"{metric.label}: {value}.{note}", sources, cells=cells))
    return blocks
