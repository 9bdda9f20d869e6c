"""Where in the timeline something is said: numbers of entries, for the sections that cite them."""

from __future__ import annotations

from incidents.models.choices import UPDATES, EventKind, Role, Status
from incidents.postmortem.draft.blocks import numbers
from incidents.postmortem.record import Story


def declared(story: Story) -> list[int]:
    """The declaration."""
    return numbers(story.of(EventKind.DECLARED))


def moves(story: Story) -> list[int]:
    """The moves of the status; the declaration while there was none."""
    return numbers(story.of(EventKind.STATUS_CHANGED, EventKind.REOPENED)) or declared(story)


def told(story: Story, milestone: str) -> list[int]:
    """The entry that tells of a milestone which was reached."""
    commands = [event for event in story.of(EventKind.ROLE_ASSIGNED) if event.data["role"] == Role.COMMANDER]
    found = {
        "acknowledged": numbers(story.of(EventKind.ACKNOWLEDGED)),
        "commanded": numbers(commands[:1]),
        "updated": numbers(story.of(*UPDATES)[:1]),
        "mitigated": reached(story, Status.MITIGATED)[:1],
        "monitoring": reached(story, Status.MONITORING)[-1:],
        "impact_started": stated(story, "impact_started"),
        "impact_ended": stated(story, "impact_ended"),
        "detected": stated(story, "detected"),
        "resolved": reached(story, Status.RESOLVED)[-1:],
    }
    return found.get(milestone) or declared(story)


def stated(story: Story, milestone: str) -> list[int]:
    """The newest entry in which somebody stated when it was."""
    return [event.seq for event in story.of(EventKind.MILESTONE_SET) if event.data["key"] == milestone][-1:]


def reached(story: Story, status: Status) -> list[int]:
    """The moves to the status, oldest first."""
    return [event.seq for event in story.of(EventKind.STATUS_CHANGED) if event.data["to"] == status]
