"""The first page: a headline, the summary, four figures. What happened, to whom and why stand before when.

Everything comes from entries of the timeline, from what metrics sources said and from what people wrote as
contributing factors; a part that nothing is known of is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from conductor.console.format.values import clock_time, day, duration
from conductor.graph.models import Edge
from conductor.lib.clock import elapsed
from incidents.models.choices import EventKind, Impact, MilestoneKey, Status
from incidents.models.history import TimelineEvent
from incidents.postmortem.draft.blocks import Block, block, numbers, stop
from incidents.postmortem.draft.citations import declared, moves, reached, stated, told
from incidents.postmortem.draft.measures import amount, course
from incidents.postmortem.draft.written import is_written, statements
from incidents.postmortem.record import Story
from incidents.record.metrics import OPEN_KEY, TO_ACKNOWLEDGE, TO_DETECT, TO_MITIGATE, Definition, State
from incidents.record.wording import CHANNELS

MOST_FIGURES = 4
_WHOM = {
    Impact.ONE: ("1", "customer affected", "one customer"),
    Impact.SOME: ("Some", "customers affected", "some customers"),
    Impact.MOST: ("Most", "customers affected", "most customers"),
    Impact.ALL: ("All", "customers affected, or data or safety at risk", "all customers, or data or safety at risk"),
}
"""Impact -> the figure, what it counts, and its words in a sentence."""
_FIGURES: tuple[tuple[Definition, str], ...] = (
    (TO_MITIGATE, "from the declaration to mitigation"),
    (TO_DETECT, "from the beginning of the impact to its detection"),
    (TO_ACKNOWLEDGE, "from the declaration until somebody took it"),
)
_SENTENCE_END = re.compile(r"(?<=[.!?。])\s+")


def headline(story: Story) -> list[Block]:
    """What happened, to how many, for how long: as far as somebody said."""
    incident = story.incident
    title = incident.title.strip().rstrip(".")
    whom, length = _whom(story), _length(story)
    said = title
    if whom:
        said = f"{title}: {whom} for {length[0]}" if length else f"{title}: {whom}"
    elif length:
        said = f"{title} for {length[0]}"
    sources = [*declared(story), *numbers(story.of(EventKind.TITLE_CHANGED)), *(length[1] if length else [])]
    return [block(said, [*sources, *_impact_entries(story)] if whom else sources)]


def summary(story: Story, sections: Iterable[Mapping[str, Any]] = ()) -> list[Block]:
    """What was hit and for whom, in the declarer's words; why; what ended it; and last, when it was."""
    return [*_what(story), *_why(story, sections), *_ending(story), *_when(story)]


def figures(story: Story) -> list[Block]:
    """At most four numbers that a reader of the first page needs, each with what it counts."""
    found = [_long(story), *_worst(story), _affected(story), *(_measured(story, *each) for each in _FIGURES)]
    return [each for each in found if each is not None][:MOST_FIGURES]


def impact_interval(story: Story) -> tuple[datetime, datetime, list[int]] | None:
    """Return from when to when people were hit, as somebody stated it, and the entries that say so."""
    began, ended = story.incident.impact_started_at, story.incident.impact_ended_at
    if began is None or ended is None or ended < began:
        return None
    return began, ended, [*stated(story, "impact_started"), *stated(story, "impact_ended")] or declared(story)


def _what(story: Story) -> list[Block]:
    incident = story.incident
    blocks = []
    whom, where = _whom(story), incident.service
    if where and incident.environment:
        where = f"{where} in {incident.environment.name}"
    named = [*declared(story), *numbers(story.of(EventKind.SERVICE_CHANGED))]
    if where and whom:
        blocks.append(block(f"{where} was hit: {whom}.", [*named, *_impact_entries(story)]))
    elif where:
        blocks.append(block(f"{where} was hit.", named))
    elif whom:
        blocks.append(block(f"It hit {whom}.", _impact_entries(story)))
    if incident.summary:
        changed = story.of(EventKind.SUMMARY_CHANGED)[-1:]
        by = changed[0].actor_name if changed else incident.declared_by_name
        blocks.append(block(stop(incident.summary), numbers(changed) or declared(story), by=by))
    read = numbers(story.of(EventKind.MEASURES_READ))[-1:]
    readable = [chart for chart in story.charts if chart["state"] == "ok" and chart["worst"] is not None]
    if readable and read:
        blocks.append(block(course(readable[0]), read))
    return blocks


def _why(story: Story, sections: Iterable[Mapping[str, Any]]) -> list[Block]:
    """The first sentence of what people wrote; else what was said when the cause was found, and links to causes."""
    for section in sections:
        if section["key"] == "factors" and is_written(section):
            first = statements(section)[0]
            said = _SENTENCE_END.split(first["text"].strip())[0]
            return [block(stop(said), first["sources"], by=first.get("by", ""))]
    identified = [
        event
        for event in story.of(EventKind.MILESTONE_SET)
        if event.data["key"] == MilestoneKey.IDENTIFIED and event.body
    ]
    blocks = [block(f"Cause: {stop(event.body)}", [event.seq], by=event.actor_name) for event in identified[-1:]]
    return blocks + [block(f"It was caused by {event.data['name']}.", [event.seq]) for event in _causes(story)]


def _causes(story: Story) -> list[TimelineEvent]:
    """The entries that link this incident to what caused it, without those whose link was ended."""
    about = {
        kind: [
            event
            for event in story.of(kind)
            if event.data["kind"] == Edge.Kind.CAUSED_BY and not event.data.get("leads_here")
        ]
        for kind in (EventKind.LINK_ADDED, EventKind.LINK_ENDED)
    }
    ended = {event.data["name"]: event.seq for event in about[EventKind.LINK_ENDED]}
    return [event for event in about[EventKind.LINK_ADDED] if ended.get(event.data["name"], 0) < event.seq]


def _ending(story: Story) -> list[Block]:
    """The last decision before it was mitigated, then the words of the moves that ended it."""
    mitigated = reached(story, Status.MITIGATED)
    limit = mitigated[0] if mitigated else None
    decided = [
        event for event in story.of(EventKind.DECISION_RECORDED) if event.body and (limit is None or event.seq < limit)
    ]
    blocks = [block(f"Decision: {stop(event.body)}", [event.seq], by=event.actor_name) for event in decided[-1:]]
    ends = set(reached(story, Status.MITIGATED)[-1:] + reached(story, Status.RESOLVED)[-1:])
    for event in story.of(EventKind.STATUS_CHANGED):
        if event.seq in ends and event.body:
            word = Status(event.data["to"]).label
            blocks.append(block(f"{word}: {stop(event.body)}", [event.seq], by=event.actor_name))
    return blocks


def _when(story: Story) -> list[Block]:
    incident = story.incident
    blocks = []
    if (impact := impact_interval(story)) is not None:
        began, ended, sources = impact
        said = f"The impact lasted {duration(elapsed(began, ended))}, from {_span(began, ended)}"
        blocks.append(block(f"{said}.", sources))
    through = CHANNELS.get(incident.origin, "")
    said = f"Declared as {_first_severity(story)} {through}".rstrip() + f" on {day(incident.declared_at)},"
    said += f" {_minute(incident.declared_at)} UTC"
    if incident.resolved_at is not None:
        open_time = next(metric for metric in story.metrics if metric.key == OPEN_KEY)
        at = f"{_minute(incident.resolved_at)} UTC"
        if day(incident.resolved_at) != day(incident.declared_at):
            at = f"{day(incident.resolved_at)}, {at}"
        said += f"; resolved {at}"
        if open_time.state == State.OK:
            said += f", after {duration(open_time.seconds or 0)}"
    blocks.append(block(f"{said}.", [*declared(story), *moves(story)]))
    return blocks


def _long(story: Story) -> Block | None:
    found = _length(story)
    return block(f"{found[0]} {found[2]}.", found[1], cells=(found[0], found[2])) if found else None


def _length(story: Story) -> tuple[str, list[int], str] | None:
    """Return how long it lasted, the entries that say so and what the number counts; None where nobody knows."""
    if (impact := impact_interval(story)) is not None:
        return duration(elapsed(impact[0], impact[1])), impact[2], "of impact"
    open_time = next(metric for metric in story.metrics if metric.key == OPEN_KEY)
    if open_time.state != State.OK or not open_time.seconds:
        return None
    return duration(open_time.seconds), moves(story), "from declaration to resolution"


def _worst(story: Story) -> list[Block]:
    read = numbers(story.of(EventKind.MEASURES_READ))[-1:]
    for chart in story.charts:
        if read and chart["state"] == "ok" and chart["worst"] is not None:
            value = amount(chart["worst"], chart["unit"])
            before = f", {amount(chart['before'], chart['unit'])} before" if chart["before"] is not None else ""
            label = f"{chart['label'][:1].lower()}{chart['label'][1:]}"
            counts = f"{label} at its highest{before}"
            return [block(f"{value} {counts}.", read, cells=(value, counts))]
    return []


def _affected(story: Story) -> Block | None:
    found = _WHOM.get(Impact(story.incident.impact)) if story.incident.impact else None
    sources = _impact_entries(story)
    return block(f"{found[0]} {found[1]}.", sources, cells=found[:2]) if found and sources else None


def _measured(story: Story, definition: Definition, counts: str) -> Block | None:
    metric = next(each for each in story.metrics if each.key == definition.key)
    if metric.state != State.OK or not metric.seconds:
        return None
    value = duration(metric.seconds)
    sources = told(story, definition.start) + told(story, definition.end)
    return block(f"{value} {counts}.", sources, cells=(value, counts))


def _whom(story: Story) -> str:
    """Return whom it hit, in words; empty where nobody said, or said nobody."""
    if not story.incident.impact or not _impact_entries(story):
        return ""
    return _WHOM.get(Impact(story.incident.impact), ("", "", ""))[2]


def _impact_entries(story: Story) -> list[int]:
    """The newest entry that says how many are hit; the declaration where it was given with that."""
    changed = [event.seq for event in story.of(EventKind.IMPACT_CHANGED) if event.data["what"] == "impact"]
    return changed[-1:] or (declared(story) if story.incident.impact else [])


def _first_severity(story: Story) -> str:
    changes = story.of(EventKind.SEVERITY_CHANGED)
    return str(changes[0].data["from"]) if changes else story.incident.severity


def _span(began: datetime, ended: datetime) -> str:
    """Return `20 Nov 2026, 10:50 to 11:21 UTC`; both days where they differ."""
    if day(began) == day(ended):
        return f"{day(began)}, {_minute(began)} to {_minute(ended)} UTC"
    return f"{day(began)}, {_minute(began)} to {day(ended)}, {_minute(ended)} UTC"


def _minute(at: datetime) -> str:
    return clock_time(at)[:5]
