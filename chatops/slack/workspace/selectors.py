"""What the page of workspaces shows."""

from __future__ import annotations

from typing import Any

from django.db.models import Count

from chatops.models.outbox import OutboxMessage
from chatops.models.workspace import SlackInstallation
from chatops.slack.workspace.manifest import SCOPES

DEAD_SHOWN = 50


def workspaces_page() -> dict[str, Any]:
    """Return the workspaces, the messages that wait, and those that were given up, newest first."""
    workspaces = list(SlackInstallation.objects.order_by("revoked_at", "installed_at", "id"))
    outbox = OutboxMessage.objects.filter(state__in=["PENDING", "DEAD"])
    counted = dict(outbox.values_list("state").annotate(n=Count("id")))
    return {
        "workspaces": workspaces,
        "connected": sum(1 for each in workspaces if each.revoked_at is None),
        "waiting": counted.get("PENDING", 0),
        "lacking": [(each, lacking) for each in workspaces if (lacking := _lacking(each))],
        "dead": counted.get("DEAD", 0),
        "dead_shown": list(OutboxMessage.objects.filter(state="DEAD").order_by("-created_at")[:DEAD_SHOWN]),
    }


def _lacking(workspace: SlackInstallation) -> list[tuple[str, str]]:
    """Return the scopes that a live workspace has not granted, and what each is for. Empty where nobody told us."""
    if not workspace.has_token or not workspace.bot_scopes:
        return []
    return [(scope, purpose) for scope, purpose in SCOPES.items() if scope not in workspace.bot_scopes]
