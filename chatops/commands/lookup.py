"""Whom and which incident a sentence means, from names, mentions, codes and the place where it is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from chatops.commands.arguments import Person
from chatops.models.channel import IncidentChannel
from chatops.models.workspace import SlackIdentity, SlackInstallation
from conductor.lib.errors import Conflict, Invalid, NotFound
from conductor.tenancy.actors import display_name
from conductor.tenancy.models import Membership
from incidents.models.choices import Status
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment

CANDIDATES = 10
"""So many incidents are offered when it is not clear which one is meant."""
REOPENABLE_FOR = timedelta(days=7)
"""Without a code, `reopen` looks at incidents that were resolved in so long a time."""


class IncidentNotNamed(Conflict):
    """Conductor cannot tell which incident you mean."""

    code = "incident_not_named"

    def __init__(self, detail: str, candidates: list[Incident]) -> None:
        super().__init__(detail)
        self.candidates = candidates
        """Those that may be meant, newest first."""


class PersonUnknown(NotFound):
    """That person is not linked to a member of your organisation."""

    code = "person_unknown"


class PersonAmbiguous(Invalid):
    """More than one member has that name."""

    code = "person_ambiguous"


def identity_of(*, team_id: str, slack_user_id: str) -> SlackIdentity | None:
    """Return the Slack user's link to a member, with the member, or None. Needs the tenant's scope."""
    return SlackIdentity.objects.select_related("user").filter(team_id=team_id, slack_user_id=slack_user_id).first()


def user_of(*, team_id: str, slack_user_id: str) -> User | None:
    """Return whom the Slack user is linked to, or None. Needs the tenant's scope."""
    found = identity_of(team_id=team_id, slack_user_id=slack_user_id)
    return found.user if found else None


def incident_meant(
    *,
    number: int | None,
    user: User,
    now: datetime,
    is_over: bool = False,
    also_over: bool = False,
    at: tuple[str, str] = ("", ""),
) -> Incident:
    """Return the incident that a command is about. Raise IncidentNotNamed, which lists the candidates.

    The one that was named; else the one whose channel (`at`: workspace and channel) it is said in; else the only
    active one; else the newest active one that the user holds a role in. With `is_over` those count that were
    resolved lately, in place of the active ones; with `also_over` so they do while none is active, the newest first.
    """
    incidents = Incident.objects.active().order_by("-declared_at", "-number")
    if is_over:
        late = now - REOPENABLE_FOR
        incidents = Incident.objects.filter(status=Status.RESOLVED, resolved_at__gte=late).order_by("-resolved_at")
    candidates = list(incidents[:CANDIDATES])
    if number is not None:
        named = Incident.objects.filter(number=number).first()
        if named is None:
            raise IncidentNotNamed(f"There is no INC-{number} here.", candidates)
        return named
    here = incident_of_channel(team_id=at[0], channel_id=at[1])
    if here is not None:
        return here
    if len(candidates) == 1:
        return candidates[0]
    mine = incidents.filter(id__in=_responding(user)).first()
    if mine is not None:
        return mine
    if also_over and not candidates:
        ended = Incident.objects.filter(status=Status.RESOLVED, resolved_at__gte=now - REOPENABLE_FOR)
        if (newest := ended.order_by("-resolved_at").first()) is not None:
            return newest
    raise IncidentNotNamed(_which(candidates, is_over=is_over), candidates)


def meant_or_candidates(
    *, number: int | None, user: User, now: datetime, is_over: bool, at: tuple[str, str], also_over: bool = False
) -> tuple[Incident | None, list[Incident]]:
    """Return the incident that is meant, or None and those that may be. Raise IncidentNotNamed if there is none."""
    try:
        found = incident_meant(number=number, user=user, now=now, is_over=is_over, also_over=also_over, at=at)
        return found, []
    except IncidentNotNamed as unclear:
        if not unclear.candidates:
            raise
        return None, unclear.candidates


def incident_of_channel(*, team_id: str, channel_id: str) -> Incident | None:
    """Return the incident that is worked on in this channel, or None."""
    if not channel_id:
        return None
    channel = channel_at(team_id=team_id, channel_id=channel_id)
    return channel.incident if channel else None


def channel_at(*, team_id: str, channel_id: str) -> IncidentChannel | None:
    """Return the incident's channel with this id, or None."""
    found = IncidentChannel.objects.select_related("incident")
    return found.filter(team_id=team_id, channel_id=channel_id).first()


def home_workspace() -> SlackInstallation | None:
    """Return the tenant's workspace in which incidents get their channel: the one that was connected first."""
    live = SlackInstallation.objects.filter(revoked_at=None).order_by("installed_at", "id")
    return next((each for each in live if each.has_token), None)


def linked_in_home(*, users: Sequence[User]) -> set[int]:
    """Return the keys of those users who are linked in the workspace where incidents have their channels."""
    home = home_workspace() if users else None
    if home is None:
        return set()
    found = SlackIdentity.objects.filter(team_id=home.team_id, user__in=users)
    return set(found.values_list("user_id", flat=True))


def my_incidents(*, user: User) -> list[Incident]:
    """Return the active incidents in which the user holds a role, newest first."""
    return list(Incident.objects.active().filter(id__in=_responding(user)).order_by("-declared_at", "-number"))


def _responding(user: User) -> QuerySet[RoleAssignment, Any]:
    return RoleAssignment.objects.filter(user=user, ended_at=None).values("incident_id")


def _which(candidates: list[Incident], *, is_over: bool) -> str:
    if candidates:
        return "Which one? Name it by its code."
    return (
        "No incident was resolved in the last seven days. Name an older one by its code."
        if is_over
        else "No incident is active."
    )


def member_meant(*, person: Person, team_id: str) -> User:
    """Return the member whom somebody named by mention or by name. Raise PersonUnknown or PersonAmbiguous."""
    if person.id:
        user = user_of(team_id=team_id, slack_user_id=person.id)
        if user is None:
            raise PersonUnknown(
                "That Slack user is not linked to a member. Any Conductor command of theirs in Slack brings them the "
                "link by which they confirm who they are; who is no member yet needs an invitation."
            )
        return user
    wanted = person.name.casefold()
    memberships = Membership.objects.select_related("user").order_by("id")
    named = [each.user for each in memberships if wanted in _names(each.user)]
    if not named:
        raise PersonUnknown(f"Nobody here is called {person.name[:60]}.")
    if len(named) > 1:
        raise PersonAmbiguous(f"More than one member is called {person.name[:60]}. Mention the one you mean.")
    return named[0]


def _names(user: User) -> set[str]:
    names = {user.get_username(), display_name(user), user.first_name, user.email.partition("@")[0]}
    return {name.casefold() for name in names if name}
