"""Who a request from Slack comes from, and which requests are still open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count, Q, QuerySet

from chatops.arguments import Person
from chatops.manifest import SCOPES
from chatops.models import IncidentChannel, OutboxMessage, SlackIdentity, SlackInstallation, SlackPace, SlackReceipt
from conductor.lib.errors import Conflict, Invalid, NotFound
from conductor.tenancy.actors import display_name
from conductor.tenancy.models import Membership
from incidents.models import Incident, RoleAssignment, Status


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


CANDIDATES = 10
"""So many incidents are offered when it is not clear which one is meant."""
REOPENABLE_FOR = timedelta(days=7)
"""Without a code, `reopen` looks at incidents that were resolved in so long a time."""
FIRST_PATIENCE = timedelta(seconds=5)
"""A request younger than this may still be at work in the process that took it."""
DEAD_SHOWN = 50
FOLLOWED_FOR = timedelta(hours=1)
"""So long after its end a sweep still brings an incident's headline up to date."""
MAX_ATTEMPTS = 7
"""After so many a request is given up, and its author is told."""


def tenant_of_team(team_id: str) -> UUID | None:
    """Return the tenant that the workspace speaks for, or None. One query, and no scope is needed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT chatops_tenant_of_team(%s)", [team_id])
        row = cursor.fetchone()
    return row[0] if row else None


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


def slack_user_of(*, team_id: str, user_id: int) -> str:
    """Return the member's id in the workspace; empty if they are not linked there."""
    found = SlackIdentity.objects.filter(team_id=team_id, user_id=user_id).order_by("-linked_at").first()
    return found.slack_user_id if found else ""


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


def open_receipts(*, now: datetime, limit: int) -> list[SlackReceipt]:
    """Return requests whose next attempt is due, oldest first. Needs the tenant's scope.

    Attempts after the first are due 5 s, 15 s, 45 s, 2, 7 and 20 minutes after the request came, so that all of
    them lie within the half hour in which Slack takes an answer.
    """
    due = Q(attempts__gte=MAX_ATTEMPTS)
    for attempts in range(1, MAX_ATTEMPTS):
        due |= Q(attempts=attempts, received_at__lte=now - FIRST_PATIENCE * 3 ** (attempts - 1))
    return list(SlackReceipt.objects.filter(due, state=SlackReceipt.State.RECEIVED).order_by("received_at")[:limit])


def slack_users_of_roles(*, channel: IncidentChannel) -> list[str]:
    """Return the Slack users who hold a role in the channel's incident."""
    holders = RoleAssignment.objects.filter(incident=channel.incident, ended_at=None)
    ids = list(dict.fromkeys(holders.order_by("role").values_list("user_id", flat=True)))
    found = (slack_user_of(team_id=channel.team_id, user_id=each) for each in ids)
    return [each for each in found if each]


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


def followed_incidents(*, now: datetime) -> list[UUID]:
    """Return the incidents whose channel is kept current: the active ones and those resolved within the last hour."""
    lately = Q(resolved_at__gte=now - FOLLOWED_FOR)
    active = Incident.objects.active().values_list("id", flat=True)
    return [*active, *Incident.objects.filter(lately).values_list("id", flat=True)]


def next_due(*, now: datetime) -> float | None:
    """Return in how many seconds the next waiting call is due; None when nothing waits."""
    waiting = OutboxMessage.objects.filter(state=OutboxMessage.State.PENDING)
    due = waiting.order_by("due_at").values_list("due_at", flat=True).first()
    if due is None:
        return None
    paces = SlackPace.objects.filter(free_at__gt=now).order_by("free_at").values_list("free_at", flat=True).first()
    moment = max(due, paces) if paces else due
    return max((moment - now).total_seconds(), 0.0)
