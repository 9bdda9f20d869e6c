"""What evidence shows on pages of other apps: the bundles of an incident or of a run, and finds in the palette."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from conductor.lib.refs import Ref
from controls.selectors import controls_of
from evidence.bundles.selectors import briefs_about, bundles

FOUND = 5


def bundles_panel(request: HttpRequest, subject: Ref) -> dict[str, Any] | None:
    """Return the bundles about the subject, or None for somebody who may not read evidence."""
    actor = getattr(request, "actor", None)
    if actor is None or "view_evidence" not in actor.permissions:
        return None
    return {"bundles": briefs_about(subject=subject)}


def palette_bundles(request: HttpRequest, subject: Ref) -> dict[str, Any] | None:
    """The bundles that match what was typed."""
    if not _may(request, "view_evidence") or not subject:
        return None
    slug = request.tenant.slug  # type: ignore[attr-defined]
    options = [
        {
            "href": reverse("evidence:bundle", args=[slug, each.number]),
            "status": each.status,
            "id": each.code,
            "label": each.title,
        }
        for each in bundles(search=subject)[:FOUND]
    ]
    return {"title": "Evidence", "options": options}


def palette_controls(request: HttpRequest, subject: Ref) -> dict[str, Any] | None:
    """The controls that match what was typed."""
    if not _may(request, "view_controls") or not subject:
        return None
    slug = request.tenant.slug  # type: ignore[attr-defined]
    options = [
        {
            "href": reverse("controls:detail", args=[slug, each.alias]),
            "icon": "table-2",
            "id": each.code,
            "label": each.label,
            "hint": each.framework.name,
        }
        for each in controls_of(search=subject)[:FOUND]
    ]
    return {"title": "Controls", "options": options}


def _may(request: HttpRequest, permission: str) -> bool:
    actor = getattr(request, "actor", None)
    return actor is not None and permission in actor.permissions
