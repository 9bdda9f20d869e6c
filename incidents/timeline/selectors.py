"""The timeline as it is read: newest first, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import OuterRef, Q, QuerySet, Subquery

from conductor.lib.errors import Invalid, NotFound
from incidents.models.history import Redaction, TimelineEvent
from incidents.models.incident import Incident
from incidents.record.wording import KEY_KINDS

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


@dataclass(frozen=True)
class EntryFound:
    """One entry and what became of it."""

    event: TimelineEvent
    corrected_by: int | None
    """Number of the entry that counts in its place."""
    corrects: int | None
    """Number of the entry that it counts in place of."""
    redactions: list[Redaction]
    """The requests that its words are dropped, newest first."""

    @property
    def newest_redaction(self) -> Redaction | None:
        """The request that was made last; None where nobody asked."""
        return self.redactions[0] if self.redactions else None

    @property
    def redaction(self) -> Redaction | None:
        """The one that waits or was approved: at most one does, and it is the newest."""
        newest = self.newest_redaction
        return newest if newest is not None and newest.state not in Redaction.OVER else None

    @property
    def past_redactions(self) -> list[Redaction]:
        """Those that were refused or withdrawn."""
        return [each for each in self.redactions if each.state in Redaction.OVER]


def timeline(*, incident: Incident, view: str = "all") -> QuerySet[TimelineEvent]:
    """Return the entries of a view, newest first. Raise Invalid for a view that does not exist.

    Each has `corrected_by`, the number of the entry that counts in its place, or None.
    """
    if view not in VIEWS:
        raise Invalid(fields={"view": [f"Choose one of {', '.join(VIEWS)}."]})
    return (
        TimelineEvent.objects.filter(VIEWS[view], incident=incident)
        .annotate(corrected_by=_correction())
        .order_by("-seq")
    )


def timeline_entry(*, incident: Incident, seq: int) -> EntryFound:
    """Return entry number `seq` and what became of it; raise NotFound. Two queries."""
    found = TimelineEvent.objects.filter(incident=incident, seq=seq)
    event = found.annotate(corrected_by=_correction()).select_related("supersedes", "incident").first()
    if event is None:
        raise NotFound(f"{incident.code} has no entry {seq}.")
    before = event.supersedes.seq if event.supersedes else None
    asked = list(Redaction.objects.filter(event=event).order_by("-requested_at", "-id"))
    return EntryFound(event, event.corrected_by, before, asked)


def _correction() -> Subquery:
    return Subquery(TimelineEvent.objects.filter(supersedes=OuterRef("pk")).values("seq")[:1])


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
