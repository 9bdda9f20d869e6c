"""The answer to a Slack user who is linked to no member: how they confirm who they are."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from chatops.commands import answers
from chatops.commands.answers import code
from chatops.slack.workspace.identities import issue_claim
from chatops.slack.workspace.slack_user import Speaker

UNLINKED = (
    "Conductor does not know which member you are, so nothing was done. "
    "Follow the link, sign in, and confirm that this Slack account is yours. It works once, for fifteen minutes."
)


def unlinked(speaker: Speaker) -> answers.Answer:
    """Return that nobody knows which member this is, and the link by which only they can say so."""
    asked = speaker.receipt
    token = issue_claim(
        tenant_id=asked.tenant_id, team_id=asked.team_id, slack_user_id=asked.slack_user_id, now=speaker.now
    )
    page = reverse("slack:identity_confirm", args=[speaker.tenant.slug, token])
    link = f"{settings.CONDUCTOR_BASE_URL.rstrip('/')}{page}"
    return answers.note(UNLINKED, f"<{link}|Link your account>", f"Your Slack user id is {code(asked.slack_user_id)}")
