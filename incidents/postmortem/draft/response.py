"""The section that assesses how the response was staffed and kept informed."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from conductor.console.format.values import duration
from conductor.lib.clock import elapsed
from incidents.models.choices import UPDATES, EventKind, Role
from incidents.models.people import RoleAssignment
from incidents.postmortem.draft.blocks import Block, block, counted, numbers, when
from incidents.postmortem.record import Story


def response(story: Story) -> list[Block]:
    """Roles with their intervals, the share of time with a commander, updates and the longest silence."""
    blocks = []
    assigned = numbers(story.of(EventKind.ROLE_ASSIGNED, EventKind.ROLE_RELEASED))
    for interval in story.roles:
        blocks.append(block(_interval(interval), assigned, cells=_cells(interval)))
    if (coverage := _command(story)) and assigned:
        blocks.append(block(coverage, [*assigned, *story.seqs]))
    updates = story.of(*UPDATES)
    blocks.append(block(_cadence(story), numbers(updates) or story.seqs))
    reopened = numbers(story.of(EventKind.REOPENED))
    if reopened:
        blocks.append(block(f"It went back to open {counted(len(reopened), 'time')}.", reopened))
    return blocks


def _cells(interval: RoleAssignment) -> tuple[str, ...]:
    ended = when(interval.ended_at) if interval.ended_at else "Still held"
    return str(Role(interval.role).label), interval.user_name, when(interval.assumed_at), ended


def _interval(interval: RoleAssignment) -> str:
    role = Role(interval.role).label
    since = f"{role}: {interval.user_name} from {when(interval.assumed_at)}"
    if interval.ended_at is None:
        return f"{since}, still held."
    return f"{since} to {when(interval.ended_at)}, {duration(elapsed(interval.assumed_at, interval.ended_at))}."


def _command(story: Story) -> str:
    """Return how much of the time from declaration to resolution somebody commanded."""
    incident = story.incident
    end = incident.resolved_at
    if end is None or end <= incident.declared_at:
        return ""
    held = timedelta()
    for interval in story.roles:
        if interval.role == Role.COMMANDER:
            began = max(interval.assumed_at, incident.declared_at)
            held += max(min(interval.ended_at or end, end) - began, timedelta())
    share = held / (end - incident.declared_at)
    return f"Somebody commanded for {share:.0%} of the time from declaration to resolution."


def _cadence(story: Story) -> str:
    every = story.update_every
    updates = [event.occurred_at for event in story.of(*UPDATES)]
    expected = f"{story.incident.severity} expects one every {duration(every, coarse=True)}"
    said = f"{counted(len(updates), 'update')} posted; {expected}."
    silence = _longest_silence(story, updates)
    return f"{said} The longest silence before the end was {duration(silence, coarse=True)}." if silence else said


def _longest_silence(story: Story, updates: list[datetime]) -> timedelta | None:
    end = story.incident.resolved_at
    if end is None or end <= story.incident.declared_at:
        return None
    moments = [story.incident.declared_at, *(at for at in updates if story.incident.declared_at < at < end), end]
    return max(elapsed(before, after) for before, after in pairwise(moments))
