"""Reads the history of another system into what the import writes.

Two formats are understood: a status page's (that of Slack's status API; incidents/data/README.md says how each of its
fields is read, and what it does not say), and a log of incidents with their milestones (docs/how-to/import-history.md).
A record with `declared_at` is of a log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from incidents.models.choices import Severity

WEEK = timedelta(weeks=1)
LONG = timedelta(hours=4)
"""An `incident` that lasted this long is SEV2."""

_MOMENTS = ("detected_at", "declared_at", "acknowledged_at", "mitigated_at", "resolved_at")
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


class _LogUpdate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    at: AwareDatetime
    text: str = Field(min_length=1, max_length=20_000)
    by: str = Field(default="", max_length=200)


class _Logged(BaseModel):
    """An incident as a log of incidents tells it. Milestones that it does not name are missing, never guessed."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, max_length=60)
    title: str = Field(min_length=1)
    severity: Severity
    declared_at: AwareDatetime
    detected_at: AwareDatetime | None = None
    acknowledged_at: AwareDatetime | None = None
    mitigated_at: AwareDatetime | None = None
    resolved_at: AwareDatetime
    declared_by: str = Field(default="", max_length=200)
    commander: str = Field(default="", max_length=200)
    type: str = Field(default="", max_length=40)
    services: list[str] = Field(default_factory=list)
    environment: str = Field(default="", max_length=40)
    summary: str = ""
    url: str = ""
    updates: list[_LogUpdate] = Field(default_factory=list)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        steps = [self.declared_at, self.acknowledged_at, self.mitigated_at, self.resolved_at]
        known = [each for each in steps if each is not None]
        if known != sorted(known):
            raise ValueError("its milestones run backwards")
        return self


@dataclass(frozen=True)
class PastUpdate:
    """Something that was published while it lasted, or afterwards."""

    published_at: datetime
    """As the source says."""
    occurred_at: datetime
    """As it is imported: the same, unless history was shifted."""
    body: str
    by: str = ""
    """Who wrote it; empty where the source does not say."""


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
    detected_at: datetime | None = None
    acknowledged_at: datetime | None = None
    mitigated_at: datetime | None = None
    """None where the source does not say, as for the two before."""
    is_end_stated: bool = False
    """Whether the source says when it was resolved; else that is inferred from its last update."""
    declared_by: str = ""
    commander: str = ""
    """User name or e-mail address of a member, or any other name."""
    environment: str = ""
    """Slug; empty where the source names none."""


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
            if isinstance(record, Mapping) and "declared_at" in record:
                incidents.append(_logged(_Logged.model_validate(record), services))
            else:
                incidents.append(_incident(_Entry.model_validate(record), services))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            unreadable.append(Unreadable(f"[{row}]", f"{place}: {first['msg']}" if place else first["msg"]))
    return sorted(incidents, key=lambda each: each.declared_at), unreadable


def shifted(*, incidents: Sequence[PastIncident], end_at: datetime) -> list[PastIncident]:
    """Return the incidents moved so that the newest update, or end, lies in the week before `end_at`.

    All move by the same whole number of weeks: weekday, time of day and every distance stay what they were.
    """
    newest = max((moment for each in incidents for moment in _last_moments(each)), default=end_at)
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


def _logged(entry: _Logged, services: Mapping[str, str]) -> PastIncident:
    names = tuple(services.get(name, name) for name in entry.services)
    updates = sorted(entry.updates, key=lambda update: update.at)
    return PastIncident(
        source_id=entry.id,
        title=" ".join(entry.title.split())[:200],
        summary=_clean(entry.summary),
        severity=entry.severity,
        type=entry.type,
        service=names[0] if names else "",
        services=names,
        url=entry.url,
        declared_at=entry.declared_at,
        resolved_at=entry.resolved_at,
        updates=tuple(PastUpdate(each.at, each.at, _clean(each.text), each.by) for each in updates),
        detected_at=entry.detected_at,
        acknowledged_at=entry.acknowledged_at,
        mitigated_at=entry.mitigated_at,
        is_end_stated=True,
        declared_by=entry.declared_by,
        commander=entry.commander,
        environment=entry.environment,
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
    moments = {name: getattr(incident, name) for name in _MOMENTS}
    return replace(
        incident,
        **{name: moment + by for name, moment in moments.items() if moment is not None},
        updates=tuple(replace(update, occurred_at=update.occurred_at + by) for update in incident.updates),
    )


def _last_moments(incident: PastIncident) -> list[datetime]:
    end = [incident.resolved_at] if incident.resolved_at else []
    return [*(update.occurred_at for update in incident.updates), *end]


def _clean(body: str) -> str:
    return body.replace("\r\n", "\n").replace("\x00", "").strip()
