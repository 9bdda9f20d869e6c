"""What a postmortem rests on: the timeline entries that its statements cite."""

from __future__ import annotations

from dataclasses import dataclass

from incidents.models.history import TimelineEvent
from incidents.models.postmortem import Postmortem


@dataclass(frozen=True)
class Sources:
    """The cited entries, and how many statements cite any."""

    cited: list[TimelineEvent]
    """In the order in which they happened."""
    sourced: int
    claims: int
    """All statements: what `sourced` is out of."""


def sources_of(*, postmortem: Postmortem) -> Sources:
    """Return the sources of a version. One query."""
    statements = [block for section in postmortem.sections for block in section["blocks"]]
    cited = {number for block in statements for number in block["sources"]}
    entries = TimelineEvent.objects.filter(incident=postmortem.incident_id, seq__in=cited).order_by("seq")
    return Sources(list(entries), sum(bool(block["sources"]) for block in statements), len(statements))
