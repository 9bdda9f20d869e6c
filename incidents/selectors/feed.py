"""The timeline as it is read: newest first, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from conductor.lib.errors import Invalid
from incidents.models import Incident, TimelineEvent
from incidents.wording import KEY_KINDS

PAGE = 50

VIEWS: dict[str, Q] = {
    "all": Q(),
    "key": Q(kind__in=KEY_KINDS),
    "people": Q(actor__startswith="tenancy.user:") & ~Q(source__in=["alert", "import"]),
    "automation": ~Q(actor__startswith="tenancy.user:") | Q(source__in=["alert", "import"]),
}
"""The filters above the feed."""


@dataclass(frozen=True)
class TimelinePage:
    """Some of an incident's timeline."""

    entries: list[TimelineEvent]
    """Newest first."""
    next_before: int | None
    """Give it as `before` for the next, older page; None on the last one."""


def timeline(*, incident: Incident, view: str = "all") -> QuerySet[TimelineEvent]:
    """Return the entries of a view, newest first. Raise Invalid for a view that does not exist."""
    if view not in VIEWS:
        raise Invalid(fields={"view": [f"Choose one of {', '.join(VIEWS)}."]})
    return TimelineEvent.objects.filter(VIEWS[view], incident=incident).order_by("-seq")


def timeline_page(
    *, incident: Incident, before: int | None = None, after: int | None = None, limit: int = PAGE, view: str = "all"
) -> TimelinePage:
    """Return at most `limit` entries older than number `before`, or newer than `after` (for a live feed). One query."""
    entries = timeline(incident=incident, view=view)
    if before is not None:
        entries = entries.filter(seq__lt=before)
    if after is not None:
        entries = entries.filter(seq__gt=after)
    rows = list(entries[: limit + 1])
    page = rows[:limit]
    return TimelinePage(page, page[-1].seq if len(rows) > limit else None)
