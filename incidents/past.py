"""Reads a status page's history (the format of Slack's status API) into what the import writes.

incidents/data/README.md says how each field is understood, and what the source does not say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from incidents.models import Severity

WEEK = timedelta(weeks=1)
LONG = timedelta(hours=4)
"""An `incident` that lasted this long is SEV2."""

_SUMMARY = re.compile(r"\W*(issue|incident|outage)?\s*summary\b", re.IGNORECASE)


class _Note(BaseModel):
    date_created: AwareDatetime
    body: str


class _Entry(BaseModel):
    """An incident as the status API gives it."""

    id: int
    date_created: AwareDatetime
    title: str = Field(min_length=1)
    type: Literal["incident", "outage", "notice"]
    status: Literal["resolved"]
    url: str = ""
    services: list[str] = Field(default_factory=list)
    notes: list[_Note] = Field(min_length=1)


@dataclass(frozen=True)
class PastUpdate:
    """Something that was published while it lasted, or afterwards."""

    published_at: datetime
    """As the source says."""
    occurred_at: datetime
    """As it is imported: the same, unless history was shifted."""
    body: str


@dataclass(frozen=True)
class PastIncident:
    """An incident of the past."""

    source_id: str
    title: str
    summary: str
    severity: Severity
    type: str
    service: str
    """Empty where the source names none."""
    services: tuple[str, ...]
    url: str
    declared_at: datetime
    resolved_at: datetime | None
    """None where it was told only once, afterwards."""
    updates: tuple[PastUpdate, ...]
    """Oldest first."""


@dataclass(frozen=True)
class Unreadable:
    """A record that is left out."""

    row: str
    reason: str


def read_past(
    *, records: Sequence[Mapping[str, Any]], services: Mapping[str, str]
) -> tuple[list[PastIncident], list[Unreadable]]:
    """Return the incidents by the time they were declared, and the records that cannot be read.

    `services` renames the source's services to the tenant's; those that it does not name keep their names.
    """
    incidents, unreadable = [], []
    for row, record in enumerate(records):
        try:
            incidents.append(_incident(_Entry.model_validate(record), services))
        except ValidationError as error:
            first = error.errors()[0]
            unreadable.append(Unreadable(f"[{row}]", f"{'.'.join(map(str, first['loc']))}: {first['msg']}"))
    return sorted(incidents, key=lambda each: each.declared_at), unreadable


def shifted(*, incidents: Sequence[PastIncident], end_at: datetime) -> list[PastIncident]:
    """Return the incidents moved so that the newest update lies in the week before `end_at`.

    All move by the same whole number of weeks: weekday, time of day and every distance stay what they were.
    """
    newest = max((update.occurred_at for each in incidents for update in each.updates), default=end_at)
    by = (end_at - newest) // WEEK * WEEK
    return [_moved(each, by) for each in incidents]


def _incident(entry: _Entry, services: Mapping[str, str]) -> PastIncident:
    notes = sorted(entry.notes, key=lambda note: note.date_created)
    afterwards = [note for note in notes if _SUMMARY.match(note.body)]
    during = [note for note in notes if note not in afterwards]
    resolved_at = _resolved_at(entry, during)
    names = tuple(services.get(name, name) for name in entry.services)
    return PastIncident(
        source_id=str(entry.id),
        title=" ".join(entry.title.split())[:200],
        summary=_clean((afterwards or notes)[0].body),
        severity=_severity(entry, resolved_at),
        type=entry.type,
        service=names[0] if names else "",
        services=names,
        url=entry.url,
        declared_at=entry.date_created,
        resolved_at=resolved_at,
        updates=tuple(PastUpdate(note.date_created, note.date_created, _clean(note.body)) for note in notes),
    )


def _resolved_at(entry: _Entry, during: Iterable[_Note]) -> datetime | None:
    last = max((note.date_created for note in during), default=entry.date_created)
    return last if last > entry.date_created else None


def _severity(entry: _Entry, resolved_at: datetime | None) -> Severity:
    if entry.type == "outage":
        return Severity.SEV1
    if entry.type == "notice":
        return Severity.SEV4
    lasted = resolved_at - entry.date_created if resolved_at else timedelta()
    return Severity.SEV2 if lasted >= LONG or len(entry.services) >= 2 else Severity.SEV3


def _moved(incident: PastIncident, by: timedelta) -> PastIncident:
    return replace(
        incident,
        declared_at=incident.declared_at + by,
        resolved_at=incident.resolved_at + by if incident.resolved_at else None,
        updates=tuple(replace(update, occurred_at=update.occurred_at + by) for update in incident.updates),
    )


def _clean(body: str) -> str:
    return body.replace("\r\n", "\n").replace("\x00", "").strip()
