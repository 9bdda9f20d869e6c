"""The incident hub: filters, rows with their columns in one query, and the live list of the shell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from conductor.lib.clock import elapsed
from conductor.lib.refs import Ref, ref
from incidents.hub.choices import ordering
from incidents.models.choices import OVER, UPDATES, Kind, Role, Status, Visibility
from incidents.models.history import StatusTransition, TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.response.policy import Cadence
from incidents.response.silence import promised, update_due

RECENTLY = timedelta(days=7)
ROWS, RESOLVED_ROWS, PAGE = 200, 50, 100
"""How many active incidents the hub shows at most, how many resolved ones, and how many a page of all of them has."""


@dataclass(frozen=True)
class HubFilter:
    """What the hub is narrowed to. The default narrows nothing but the kind."""

    q: str = ""
    """Words of title, summary or service, names of who declared it or holds a role, or `INC-17`."""
    statuses: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    service: str = ""
    member_id: int | None = None
    """Only incidents that this person declared or holds a role in."""
    kind: str = Kind.REAL
    """REAL, IMPORTED or PRACTICE; empty for all."""
    commander_id: int | None = None
    is_uncommanded: bool = False
    """Only incidents that nobody commands."""
    declared_from: date | None = None
    declared_to: date | None = None
    """The first and the last day of the declaration, in UTC."""
    since: datetime | None = None
    """Only active incidents, and those resolved since."""


@dataclass(frozen=True)
class HubRow:
    """One incident in a list."""

    id: UUID
    ref: Ref
    number: int
    code: str
    title: str
    severity: str
    status: str
    kind: str
    origin: str
    service: str
    environment: str
    """Slug; empty when none was named."""
    commander_id: int | None
    commander: str
    """Name; empty while nobody commands."""
    declared_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    last_said_at: datetime
    """The latest update, or the declaration."""
    elapsed: timedelta | None
    """From declaration to resolution, or to now; None where imported history does not say when it ended."""
    is_unacknowledged: bool
    """Active, and nobody has acknowledged it."""
    silent_for: timedelta | None
    """How long nothing was said, once that is longer than the policy in force or a promise allows; else None."""

    @property
    def is_active(self) -> bool:
        """Whether somebody still works on it, or should."""
        return self.status not in OVER


@dataclass(frozen=True)
class Group:
    """Rows under one heading, as many as are shown at once."""

    rows: list[HubRow]
    is_cut: bool
    """Whether there are more than these."""

    @property
    def last_number(self) -> int | None:
        """The number of the last row; None without rows."""
        return self.rows[-1].number if self.rows else None


@dataclass(frozen=True)
class Hub:
    """The hub's two groups."""

    active: Group
    """Most severe first, then oldest first."""
    resolved: Group
    """Resolved within RECENTLY, newest first."""


@dataclass(frozen=True)
class LiveIncident:
    """An active incident as the shell lists it."""

    number: int
    code: str
    title: str
    severity: str
    status: str
    declared_at: datetime
    is_unacknowledged: bool


def filtered(*, filters: HubFilter, among: QuerySet[Incident] | None = None) -> QuerySet[Incident]:
    """Return the incidents that match, of `among` or of all that may be seen, in no particular order."""
    found = Incident.objects.all() if among is None else among
    if filters.kind:
        found = found.filter(kind=filters.kind)
    if filters.statuses:
        found = found.filter(status__in=filters.statuses)
    if filters.severities:
        found = found.filter(severity__in=filters.severities)
    if filters.service:
        found = found.filter(service=filters.service)
    if filters.member_id is not None:
        holds = RoleAssignment.objects.filter(incident=OuterRef("pk"), user_id=filters.member_id, ended_at=None)
        found = found.filter(Exists(holds) | Q(declared_by=ref("tenancy.user", filters.member_id)))
    commanders = RoleAssignment.objects.filter(incident=OuterRef("pk"), role=Role.COMMANDER, ended_at=None)
    if filters.commander_id is not None:
        found = found.filter(Exists(commanders.filter(user_id=filters.commander_id)))
    if filters.is_uncommanded:
        found = found.filter(~Exists(commanders))
    if filters.declared_from is not None:
        found = found.filter(declared_at__gte=_midnight(filters.declared_from))
    if filters.declared_to is not None:
        found = found.filter(declared_at__lt=_midnight(filters.declared_to) + timedelta(days=1))
    if filters.since is not None:
        recent = Q(status=Status.RESOLVED, resolved_at__gte=filters.since)
        found = found.filter(~Q(status__in=OVER) | recent)
    for word in filters.q.split():
        found = found.filter(_matches(word))
    return found


def with_columns(found: QuerySet[Incident]) -> QuerySet[Incident]:
    """Add what a row needs besides the incident: environment, commander, latest update, reopening. One query in all."""
    commanders = RoleAssignment.objects.filter(incident=OuterRef("pk"), role=Role.COMMANDER, ended_at=None)
    updates = TimelineEvent.objects.filter(incident=OuterRef("pk"), kind__in=UPDATES).order_by("-seq")
    opened = StatusTransition.objects.filter(incident=OuterRef("pk"), from_status__in=OVER).order_by("-seq")
    return found.select_related("environment").annotate(
        reopened_at=Subquery(opened.values("occurred_at")[:1]),
        promised_at=Subquery(updates.annotate(promised=promised()).values("promised")[:1]),
        commander_id=Subquery(commanders.values("user_id")[:1]),
        commander_name=Subquery(commanders.values("user_name")[:1]),
        last_said_at=Coalesce(Subquery(updates.values("occurred_at")[:1]), F("declared_at")),
    )


def hub(*, filters: HubFilter, cadence: Cadence, now: datetime, order: str = "") -> Hub:
    """Return the active incidents and those resolved recently, in one of ORDERS or each in its own. Two queries."""
    found = _with_due(filtered(filters=filters), cadence)
    active = found.exclude(status__in=OVER).order_by("severity", "declared_at")
    resolved = found.filter(status=Status.RESOLVED, resolved_at__gte=now - RECENTLY).order_by("-resolved_at")
    if order:
        active, resolved = (each.order_by(*ordering(order, now)) for each in (active, resolved))
    return Hub(_group(active, ROWS, now), _group(resolved, RESOLVED_ROWS, now))


def page_of_all(
    *,
    filters: HubFilter,
    cadence: Cadence,
    now: datetime,
    before: int | None = None,
    order: str = "",
    start: int = 0,
) -> Group:
    """Return the newest incidents whatever their status, or the newest of those numbered below `before`. One query.

    With `order` they are in that of ORDERS, without the first `start`.
    """
    found = _with_due(filtered(filters=filters), cadence).order_by("-number")
    if order:
        return _group(found.order_by(*ordering(order, now))[start:], PAGE, now)
    return _group(found if before is None else found.filter(number__lt=before), PAGE, now)


def hidden_count(*, kind: str, active_only: bool) -> int:
    """Return how many private incidents of the kind the reader may not see: a number, whatever they search for.

    It follows no filter: one that follows what was typed would tell what they are about. One query.
    """
    return _hidden(Incident.everything.active() if active_only else Incident.everything.all(), kind).count()


def _hidden(found: QuerySet[Incident], kind: str) -> QuerySet[Incident]:
    found = found.filter(visibility=Visibility.PRIVATE).exclude(id__in=Incident.objects.values("id"))
    return found.filter(kind=kind) if kind else found


def live_incidents(*, limit: int = 6) -> list[LiveIncident]:
    """Return the active real incidents, most severe first. One query."""
    found = Incident.objects.active().real().order_by("severity", "declared_at")[:limit]
    return [
        LiveIncident(
            number=incident.number,
            code=incident.code,
            title=incident.title,
            severity=incident.severity,
            status=incident.status,
            declared_at=incident.declared_at,
            is_unacknowledged=incident.acknowledged_at is None,
        )
        for incident in found
    ]


def _matches(word: str) -> Q:
    text = Q(title__icontains=word) | Q(summary__icontains=word) | Q(service__icontains=word)
    holds = RoleAssignment.objects.filter(incident=OuterRef("pk"), user_name__icontains=word, ended_at=None)
    text |= Q(declared_by_name__icontains=word) | Q(Exists(holds))
    number = word.upper().removeprefix("INC-")
    # Beyond 18 digits it is no number of ours, and PostgreSQL would refuse it.
    is_number = number.isascii() and number.isdigit() and len(number) <= 18
    return text | Q(number=int(number)) if is_number else text


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(tzinfo=UTC))


def _with_due(found: QuerySet[Incident], cadence: Cadence) -> QuerySet[Incident]:
    return with_columns(found).annotate(update_due_at=update_due(cadence))


def _group(found: QuerySet[Incident], most: int, now: datetime) -> Group:
    """Read one more than is shown, to know whether there are more."""
    rows = [_row(incident, now) for incident in found[: most + 1]]
    return Group(rows[:most], is_cut=len(rows) > most)


def _row(incident: Any, now: datetime) -> HubRow:
    is_active = incident.is_active
    end = incident.resolved_at or (now if is_active else None)
    return HubRow(
        id=incident.id,
        ref=incident.ref,
        number=incident.number,
        code=incident.code,
        title=incident.title,
        severity=incident.severity,
        status=incident.status,
        kind=incident.kind,
        origin=incident.origin,
        service=incident.service,
        environment=incident.environment.slug if incident.environment else "",
        commander_id=incident.commander_id,
        commander=incident.commander_name or "",
        declared_at=incident.declared_at,
        acknowledged_at=incident.acknowledged_at,
        resolved_at=incident.resolved_at,
        last_said_at=incident.last_said_at,
        elapsed=elapsed(incident.declared_at, end) if end else None,
        is_unacknowledged=is_active and incident.acknowledged_at is None,
        silent_for=_silent_for(incident, now) if is_active else None,
    )


def _silent_for(incident: Any, now: datetime) -> timedelta | None:
    """Return how long nothing was said, once an update is overdue: since the reopening, if that came after it."""
    if now <= incident.update_due_at:
        return None
    reopened: datetime | None = incident.reopened_at
    said: datetime = incident.last_said_at
    return now - (max(reopened, said) if reopened else said)
