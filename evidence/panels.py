"""What evidence shows on pages of other apps: the bundles of an incident or of a run."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from conductor.lib.refs import Ref
from evidence.selectors import bundles_about


def bundles_panel(request: HttpRequest, subject: Ref) -> dict[str, Any] | None:
    """Return the bundles about the subject, or None for somebody who may not read evidence."""
    actor = getattr(request, "actor", None)
    if actor is None or "view_evidence" not in actor.permissions:
        return None
    return {"rows": bundles_about(subject=subject)}
