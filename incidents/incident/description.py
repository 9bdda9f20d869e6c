"""The verb that words an incident anew: its title and its summary."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from conductor.tenancy.actors import Actor, require
from incidents.models.choices import EventKind
from incidents.models.incident import Incident
from incidents.record import topology
from incidents.record.input_cleaning import Complaints
from incidents.record.writer import Entry, lock, touch, write


def describe_incident(
    *, incident: Incident, actor: Actor, now: datetime, title: str | None = None, summary: str | None = None
) -> Incident:
    """Change what is given and differs, one timeline entry for each; with no difference nothing is written.

    What it was called before stays in the timeline. A summary may be emptied, a title not.
    """
    require(actor=actor, permission="respond")
    complaints = Complaints()
    wanted: dict[str, str] = {}
    if title is not None:
        wanted["title"] = complaints.line("title", title, required=True)
    if summary is not None:
        wanted["summary"] = complaints.text("summary", summary)
    complaints.refuse()
    with transaction.atomic():
        locked = lock(incident)
        changes = {name: value for name, value in wanted.items() if getattr(locked, name) != value}
        if changes:
            entries = [_entry(locked, name, value) for name, value in changes.items()]
            touch(locked, **changes)
            locked.refresh_from_db()
            topology.place(incident=locked, now=now)
            write(
                incident=locked,
                action="incident.described",
                entries=entries,
                actor=actor,
                now=now,
                body={"changed": sorted(changes)},
            )
    incident.refresh_from_db()
    return incident


def _entry(incident: Incident, name: str, value: str) -> Entry:
    if name == "title":
        return Entry(EventKind.TITLE_CHANGED, data={"from": incident.title, "to": value})
    return Entry(EventKind.SUMMARY_CHANGED, value)
