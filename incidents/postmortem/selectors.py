"""The list of postmortems: the newest version of each incident's, its owner, and since when it stands where it does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from conductor.lib.clock import elapsed
from incidents.hub.selectors import HubFilter, filtered
from incidents.models.choices import Kind, Role, Status
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.models.postmortem import Postmortem

PAGE = 100
OPEN, REVIEW, PUBLISHED, MISSING, ALL = "open", "review", "published", "missing", "all"
VIEWS = (OPEN, REVIEW, PUBLISHED, MISSING, ALL)
_STATES = {
    OPEN: tuple(each for each in Postmortem.Status.values if each != Postmortem.Status.PUBLISHED),
    REVIEW: (Postmortem.Status.IN_REVIEW,),
    PUBLISHED: (Postmortem.Status.PUBLISHED,),
}
_SINCE = {
    Postmortem.Status.DRAFT: "drafted_at",
    Postmortem.Status.IN_REVIEW: "review_asked_at",
    Postmortem.Status.CHANGES: "changes_asked_at",
    Postmortem.Status.APPROVED: "approved_at",
    Postmortem.Status.PUBLISHED: "published_at",
}


@dataclass(frozen=True)
class PostmortemRow:
    """One incident's postmortem in a list; without a version where there is none."""

    incident: Incident
    status: str
    """Of the newest version; empty where there is none."""
    version: int | None
    since: datetime | None
    """Since when it stands there."""
    owner: str
    """The incident's commander, or the last one; empty where nobody commanded."""
    owner_id: int | None
    age: timedelta | None
    """From the end of the incident to the publication, or until now; None while the incident is not over."""


@dataclass(frozen=True)
class PostmortemFigures:
    """How many postmortems stand where."""

    open: int
    in_review: int
    published: int
    missing: int
    """Resolved incidents of one's own, neither imported nor practice, without any."""


@dataclass(frozen=True)
class PostmortemPage:
    """A page of the list, the incidents with the highest numbers first."""

    rows: list[PostmortemRow]
    older: int | None
    """The next page lists those below this number; None where this is the last."""


def postmortem_page(
    *, filters: HubFilter, view: str, now: datetime, before: int | None = None, size: int = PAGE
) -> PostmortemPage:
    """Return the postmortems that match, as many as a page has. Two queries."""
    found = filtered(filters=filters, among=_with_newest(view))
    if before is not None:
        found = found.filter(number__lt=before)
    listed = list(found.order_by("-number")[: size + 1])
    shown = listed[:size]
    newest = Postmortem.objects.filter(id__in=[each.newest_id for each in shown if each.newest_id])  # type: ignore[attr-defined]
    versions = {each.id: each for each in newest.defer("sections", "metrics", "charts")}
    rows = [_row(each, versions.get(each.newest_id), now) for each in shown]  # type: ignore[attr-defined]
    return PostmortemPage(rows, shown[-1].number if len(listed) > size else None)


def postmortem_figures() -> PostmortemFigures:
    """Count the newest versions by where they stand, and the incidents without any. Two queries."""
    later = Postmortem.objects.filter(incident=OuterRef("incident"), version__gt=OuterRef("version"))
    newest = Postmortem.objects.filter(~Exists(later), incident__in=Incident.objects.all())
    counts = newest.aggregate(
        open=Count("id", filter=~Q(status=Postmortem.Status.PUBLISHED)),
        in_review=Count("id", filter=Q(status=Postmortem.Status.IN_REVIEW)),
        published=Count("id", filter=Q(status=Postmortem.Status.PUBLISHED)),
    )
    return PostmortemFigures(**counts, missing=_with_newest(MISSING).count())


def _with_newest(view: str) -> QuerySet[Incident]:
    """The incidents of a view, each with its newest version and its commander."""
    versions = Postmortem.objects.filter(incident=OuterRef("pk")).order_by("-version")
    commands = RoleAssignment.objects.filter(incident=OuterRef("pk"), role=Role.COMMANDER).order_by(
        F("ended_at").desc(nulls_first=True), "-assumed_at"
    )
    found = Incident.objects.annotate(
        newest_id=Subquery(versions.values("id")[:1]),
        newest_status=Coalesce(Subquery(versions.values("status")[:1]), Value("")),
        owner_name=Coalesce(Subquery(commands.values("user_name")[:1]), Value("")),
        owner_id=Subquery(commands.values("user_id")[:1]),
    )
    if view == MISSING:
        return found.filter(newest_id=None, status=Status.RESOLVED, kind=Kind.REAL)
    found = found.exclude(newest_id=None)
    return found.filter(newest_status__in=_STATES[view]) if view in _STATES else found


def _row(incident: Any, newest: Postmortem | None, now: datetime) -> PostmortemRow:
    since = getattr(newest, _SINCE[Postmortem.Status(newest.status)]) if newest else incident.resolved_at
    until = newest.published_at if newest and newest.published_at else now
    return PostmortemRow(
        incident=incident,
        status=newest.status if newest else "",
        version=newest.version if newest else None,
        since=since,
        owner=incident.owner_name,
        owner_id=incident.owner_id,
        age=max(elapsed(incident.resolved_at, until), timedelta()) if incident.resolved_at else None,
    )
