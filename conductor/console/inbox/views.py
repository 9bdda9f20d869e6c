"""The page of what waits for whoever is signed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from conductor.console.doors import door
from conductor.console.inbox.registry import LATER, OVERDUE, PARTS, THIS_WEEK, TODAY, UNDATED, Waiting, waits_of
from conductor.lib.numbers import whole_number
from conductor.tenancy.requests import TenantRequest

PAGE = 50
HEADINGS = {
    OVERDUE: "Overdue",
    TODAY: "Today",
    THIS_WEEK: "Within 7 days",
    LATER: "Later",
    UNDATED: "Without a due date",
}


@dataclass(frozen=True)
class Section:
    """The rows of this page that are equally urgent, and how many there are on all pages."""

    part: str
    title: str
    count: int
    rows: Sequence[Waiting]


@require_GET
@door(permission="view_incidents")
def inbox(request: TenantRequest, tenant: str) -> HttpResponse:
    """All that waits for this person, the most urgent first, fifty to a page."""
    waits = waits_of(request)
    group = next((each for each, _ in waits.by_group if each == request.GET.get("kind", "")), "")
    keys = waits.in_group(group)
    start = min(whole_number(request.GET.get("from", "")) or 0, max(0, len(keys) - 1))
    rows = waits.rows(keys[start : start + PAGE])
    counted = {part: sum(waits.part_of(key) == part for key in keys) for part in PARTS}
    sections = [
        Section(part, HEADINGS[part], counted[part], [row for row in rows if row.part == part]) for part in PARTS
    ]
    context = {
        "waits": waits,
        "group": group,
        "asked_for": request.GET.get("kind", ""),
        "sections": [section for section in sections if section.rows],
        "newer": _page(group, max(0, start - PAGE)) if start else "",
        "older": _page(group, start + PAGE) if start + PAGE < len(keys) else "",
        "shown": len(rows),
        "total": len(keys),
    }
    return render(request, "console/inbox/inbox.html", context)


def _page(group: str, start: int) -> str:
    return "?" + urlencode({**({"kind": group} if group else {}), "from": start})
