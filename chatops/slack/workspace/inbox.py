"""What of Slack waits for a member: an account that an admin said is theirs, until they confirm it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat
from django.urls import reverse

from chatops.models.workspace import SlackIdentity, SlackInstallation
from conductor.console.inbox.registry import Act, Asker, Family, Kind, Told, keyed
from conductor.ledger.models import Receipt

SLACK_APP = "https://slack.com/app_redirect"
"""Opens the app's conversation in Slack (Slack's documentation, "Deep linking")."""


def find(asker: Asker) -> Iterator[tuple[str, QuerySet[Any]]]:
    """Accounts that name nobody yet. One that was unlinked waits for nobody."""
    if not asker.user_id or not asker.may("view_incidents"):
        return
    live = SlackInstallation.objects.filter(team_id=OuterRef("team_id"), revoked_at=None)
    subject = Concat(Value("chatops.identity:"), Cast(OuterRef("pk"), TextField()))
    unlinked = Receipt.objects.filter(subject=subject, action="chatops.identity.unlinked")
    found = SlackIdentity.ever.filter(Exists(live), user_id=asker.user_id, proven_by="")
    yield "slack_identity", keyed(found.filter(~Exists(unlinked)), since="linked_at")


def _told(asker: Asker, ids: Sequence[UUID]) -> Mapping[UUID, Told]:
    found = list(SlackIdentity.ever.filter(id__in=ids))
    teams = {each.team_id: each for each in SlackInstallation.objects.filter(revoked_at=None)}
    page = reverse("slack:workspaces", args=[asker.slug])
    return {
        each.id: Told(
            title=f"Confirm that {each.slack_user_id} in {teams[each.team_id].team_name} is your Slack account",
            why="An admin entered it. Until you confirm it, what it does is done in nobody’s name. "
            "Send /incident in Slack and follow the link in the answer.",
            href=page,
            act=Act("Open Slack", _opening(teams[each.team_id]) or page),
            subject=each.slack_user_id,
        )
        for each in found
        if each.team_id in teams
    }


def _opening(workspace: SlackInstallation) -> str:
    given = {"app": workspace.app_id, "team": workspace.team_id}
    return f"{SLACK_APP}?{urlencode(given)}" if workspace.app_id else ""


FAMILY = Family({"slack_identity": Kind("Your account", "message-square", _told)}, find, order=3)
