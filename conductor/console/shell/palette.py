"""What the backbone itself finds in the palette: runs, people, and the pages of the sidebar."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from conductor.console.shell.context import destinations
from conductor.console.shell.panels import register_panel
from conductor.engine.models import Run
from conductor.lib.refs import Ref
from conductor.tenancy.actors import display_name
from conductor.tenancy.models import Membership
from conductor.tenancy.roles import Role

FOUND = 5
SHORTEST_NAME = 2
_NUMBER = re.compile(r"(?:R-)?0*([1-9][0-9]{0,8})", re.IGNORECASE)


def register() -> None:
    """Put both into the palette, after what the apps find first. Called in AppConfig.ready()."""
    for order, name, context in ((40, "runs", runs), (50, "people", people), (90, "pages", pages)):
        register_panel(place="palette", name=name, order=order, template="_palette_results.html", context=context)


def runs(request: HttpRequest, subject: Ref) -> dict[str, Any] | None:
    """The runs whose title or number was typed."""
    actor = getattr(request, "actor", None)
    if actor is None or "view_runs" not in actor.permissions or not subject:
        return None
    number = _NUMBER.fullmatch(subject)
    wanted = Q(title__icontains=subject) | Q(workflow__icontains=subject)
    found = Run.objects.filter(wanted | Q(number=int(number[1])) if number else wanted).order_by("-number")[:FOUND]
    slug = request.tenant.slug  # type: ignore[attr-defined]
    options = [
        {
            "href": reverse("console:run", args=[slug, run.number]),
            "status": run.status,
            "id": run.code,
            "label": run.title,
        }
        for run in found
    ]
    return {"title": "Runs", "options": options}


def people(request: HttpRequest, subject: Ref) -> dict[str, Any] | None:
    """The members whose name or address was typed."""
    actor = getattr(request, "actor", None)
    if actor is None or "view_evidence" not in actor.permissions or len(subject) < SHORTEST_NAME:
        return None
    wanted = Q(user__first_name__icontains=subject) | Q(user__last_name__icontains=subject)
    first, _, last = subject.partition(" ")
    if last:
        wanted |= Q(user__first_name__iexact=first, user__last_name__istartswith=last)
    found = Membership.objects.filter(wanted | Q(user__email__istartswith=subject)).select_related("user")
    slug = request.tenant.slug  # type: ignore[attr-defined]
    options = [
        {
            "href": reverse("console:member", args=[slug, each.id]),
            "icon": "users",
            "label": display_name(each.user),
            "hint": Role(each.role).label,
        }
        for each in found.order_by("user__first_name", "user__last_name")[:FOUND]
    ]
    return {"title": "People", "options": options}


def pages(request: HttpRequest, subject: Ref) -> dict[str, Any] | None:
    """The pages of the sidebar that this person may open."""
    wanted = subject.casefold().removeprefix("go to ").strip()
    options = [
        {"href": item.href, "icon": item.icon, "label": f"Go to {item.label}", "key": item.key}
        for item in destinations(request)
        if wanted in item.label.casefold()
    ]
    return {"title": "Pages", "options": options}
