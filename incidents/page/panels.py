"""What incidents show elsewhere: the shell's live list, the palette, the head of a run."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from conductor.lib.clock import now as clock_now
from conductor.lib.refs import Ref, parse_ref
from incidents.hub.selectors import HubFilter, filtered, live_incidents
from incidents.models.incident import Incident
from incidents.postmortem.selectors import postmortem_page

FOUND = 6


def live_panel(request: HttpRequest, subject: Ref) -> dict[str, Any] | None:
    """The active incidents, for every page's sidebar."""
    actor, tenant = getattr(request, "actor", None), getattr(request, "tenant", None)
    if actor is None or tenant is None or "view_incidents" not in actor.permissions:
        return None
    found = live_incidents(limit=50)
    items = [
        {
            "href": reverse("incidents:detail", args=[tenant.slug, each.number]),
            "severity": each.severity,
            "number": each.number,
            "title": each.title,
            "opened_at": each.declared_at,
        }
        for each in found[:4]
    ]
    return {"items": items, "active": len(found)}


def palette_panel(request: HttpRequest, subject: Ref) -> dict[str, Any] | None:
    """Declare, and the incidents that match what was typed."""
    actor, tenant = getattr(request, "actor", None), getattr(request, "tenant", None)
    if actor is None or tenant is None:
        return None
    options: list[dict[str, Any]] = []
    if "respond" in actor.permissions and subject.lower() in "declare incident":
        href = reverse("incidents:declare", args=[tenant.slug])
        options.append({"href": href, "icon": "siren", "label": "Declare incident…", "key": "C"})
    filters = HubFilter(q=subject, kind="")
    for each in filtered(filters=filters).order_by("-number")[:FOUND]:
        href = reverse("incidents:detail", args=[tenant.slug, each.number])
        options.append({"href": href, "status": each.status, "id": each.code, "label": each.title})
    return {"title": "Incidents", "options": options}


def palette_postmortems(request: HttpRequest, subject: Ref) -> dict[str, Any] | None:
    """The postmortems of incidents that match what was typed, the word "postmortem" aside."""
    actor, tenant = getattr(request, "actor", None), getattr(request, "tenant", None)
    if actor is None or tenant is None or "view_incidents" not in actor.permissions or not subject:
        return None
    words = [word for word in subject.split() if word.lower().rstrip("s") != "postmortem"]
    filters = HubFilter(q=" ".join(words), kind="")
    found = postmortem_page(filters=filters, view="all", now=clock_now(), size=FOUND - 1)
    options = [
        {
            "href": reverse("incidents:postmortem", args=[tenant.slug, row.incident.number]),
            "status": row.status,
            "id": row.incident.code,
            "label": f"Postmortem: {row.incident.title}",
        }
        for row in found.rows
    ]
    return {"title": "Postmortems", "options": options}


def run_subject(request: HttpRequest, subject: Ref) -> dict[str, Any] | None:
    """The incident that a run is about."""
    if not subject.startswith("incidents.incident:"):
        return None
    incident = Incident.objects.filter(id=parse_ref(subject)[1]).first()
    if incident is None:
        return None
    tenant = request.tenant  # type: ignore[attr-defined]
    return {"incident": incident, "href": reverse("incidents:detail", args=[tenant.slug, incident.number])}
