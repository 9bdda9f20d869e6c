"""Asks a member in Slack, in a message of their own, whether they take the role that they were given or offered."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings

from chatops.commands.answers import mrkdwn
from chatops.models.outbox import Lane
from chatops.models.workspace import SlackInstallation
from chatops.slack import selectors
from chatops.slack.outbound.lifecycle import Say, enqueue
from conductor.tenancy.models import Tenant
from incidents.models.choices import Role
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment, RoleOffer

NOTE_CHARACTERS = 500


def ask(*, incident: Incident, workspace: SlackInstallation, now: datetime) -> None:
    """Queue one direct message for each role of the incident that waits for its answer. Asked already: nothing.

    Whoever is not linked to a Slack account is told by the notification adapters alone.
    """
    for given in RoleAssignment.objects.filter(incident=incident, ended_at=None, accepted_at=None):
        _say(incident, workspace, given.id, given.user_id, _given(incident, given), now)
    for offer in RoleOffer.objects.filter(incident=incident, answered_at=None):
        _say(incident, workspace, offer.id, offer.user_id, _offered(incident, offer), now)


def _say(
    incident: Incident, workspace: SlackInstallation, asking_id: UUID, user_id: int, text: str, now: datetime
) -> None:
    person = selectors.slack_user_of(team_id=workspace.team_id, user_id=user_id)
    if not person:
        return
    slug = Tenant.objects.values_list("slug", flat=True).get(id=incident.tenant_id)
    page = f"{settings.CONDUCTOR_BASE_URL}/t/{slug}/incidents/{incident.code}/"
    say = Say(
        "chat.postMessage",
        {"channel": person, "text": f"{text}\nAccept or decline: {page}"},
        lane=Lane.PAGE,
        channel_id=person,
        subject=incident.ref,
        dedupe_key=f"asked:{asking_id}",
    )
    enqueue(tenant_id=incident.tenant_id, team_id=workspace.team_id, say=say, now=now)


def _given(incident: Incident, given: RoleAssignment) -> str:
    return f"You were made {_role(given.role)} of {_named(incident)}. Can you take it?"


def _offered(incident: Incident, offer: RoleOffer) -> str:
    asked = f"{mrkdwn(offer.offered_by_name)} offers you the role of {_role(offer.role)} in {_named(incident)}."
    return asked if incident.is_private else f"{asked}\n> {mrkdwn(offer.note[:NOTE_CHARACTERS])}"


def _role(role: str) -> str:
    return str(Role(role).label).lower()


def _named(incident: Incident) -> str:
    """A private incident is named by its code: who reads over a shoulder reads messages too."""
    return incident.code if incident.is_private else f"{incident.code} {mrkdwn(incident.title)}"
