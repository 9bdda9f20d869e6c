"""Whom a page means: a person, the holder of a role, all of them, everybody who may respond, or a Slack user group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import User

from chatops.commands import groups, lookup
from chatops.commands.arguments import Page, Person
from chatops.commands.call import Said
from chatops.commands.vocabulary import HOLDERS, RESPONDERS, ROLE_LABELS
from chatops.models.workspace import SlackIdentity
from conductor.lib.errors import Conflict
from conductor.tenancy.actors import display_name
from conductor.tenancy.models import Membership
from conductor.tenancy.roles import ROLE_PERMISSIONS
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment

MOST = 50
"""Beyond that, a page would be an announcement."""


class NobodyToCall(Conflict):
    """Nobody is left for this page to reach. Name people: page @ben."""

    code = "nobody_to_call"


class RoleVacant(NobodyToCall):
    """Nobody holds this role."""

    code = "role_vacant"


@dataclass(frozen=True)
class Missed:
    """Somebody who was meant and cannot be called."""

    name: str
    why: str
    slack_user_id: str = ""
    """Of somebody who is not linked to a member, and has no name here."""


@dataclass(frozen=True)
class Whom:
    """Whom a page calls."""

    name: str
    """Of the group, role or service; empty where a person was named."""
    people: Sequence[User]
    missed: Sequence[Missed] = field(default_factory=list)
    stale_since: datetime | None = None
    """When Slack last said who is in the group, where it does not answer now."""


def whom(said: Said, incident: Incident) -> Whom:
    """Return whom the page calls. Raise NobodyToCall, PersonUnknown, or what chatops.commands.groups raises."""
    args: Page = said.args
    if args.person is not None:
        return Whom("", [_person(args.person, said)])
    if args.group:
        return _of_group(said, args)
    if args.role:
        return _of_role(said, args.role, incident)
    return Whom(args.team, [])


def _person(person: Person, said: Said) -> User:
    try:
        return lookup.member_meant(person=person, team_id=said.team_id)
    except lookup.PersonUnknown as unknown:
        if not person.name:
            raise
        raise lookup.PersonUnknown(f"{unknown.detail} If it is a Slack group: page group:{person.name}.") from unknown


def _of_group(said: Said, args: Page) -> Whom:
    shown = args.team or args.group
    group = groups.group_of(team_id=said.team_id, said=args.group, shown=shown, now=said.now)
    ids = group.slack_user_ids
    linked = SlackIdentity.objects.filter(team_id=group.team_id, slack_user_id__in=ids).select_related("user")
    known = {each.slack_user_id: each.user for each in linked}
    strangers = [Missed("", "is not linked to a member", each) for each in ids if each not in known]
    people, missed = _callable(dict.fromkeys(known[each] for each in ids if each in known), said)
    return _checked(Whom(shown, people, [*missed, *strangers], group.stale_since), f"in {shown}")


def _of_role(said: Said, role: str, incident: Incident) -> Whom:
    if role == RESPONDERS:
        roles = [each for each, held in ROLE_PERMISSIONS.items() if "respond" in held]
        members = Membership.objects.filter(role__in=roles, user__is_active=True).select_related("user")
        people, missed = _callable((each.user for each in members.order_by("id")), said)
        return _checked(Whom("everybody who may respond", people, missed), "who may respond")
    held = RoleAssignment.objects.filter(incident=incident, ended_at=None).select_related("user").order_by("role")
    if role == HOLDERS:
        people, missed = _callable(dict.fromkeys(each.user for each in held), said)
        return _checked(Whom("everybody with a role", people, missed), "who holds a role in it")
    label = ROLE_LABELS[role].lower()
    holders = [each.user for each in held if each.role == role]
    if not holders:
        raise RoleVacant(f"Nobody holds the role of {label} in {incident.code}.")
    people, missed = _callable(holders, said)
    return _checked(Whom(f"the {label}", people, missed), f"with the role of {label}")


def _callable(meant: Iterable[User], said: Said) -> tuple[list[User], list[Missed]]:
    """Part those who can be called from those who cannot. Whoever pages is not called by it."""
    meant = [each for each in meant if each.pk != said.user.pk]
    memberships = Membership.objects.filter(user__in=meant)
    may = {each.user_id for each in memberships if "respond" in ROLE_PERMISSIONS[each.role]}
    members = {each.user_id for each in memberships}
    people, missed = [], []
    for user in meant:
        if user.is_active and user.pk in may:
            people.append(user)
        else:
            is_member = user.is_active and user.pk in members
            missed.append(Missed(display_name(user), "may not respond" if is_member else "is no member any more"))
    return people, missed


def _checked(found: Whom, which: str) -> Whom:
    if len(found.people) > MOST:
        why = f"That would call {len(found.people)} people. Name fewer: page @ben, or page ic."
        raise NobodyToCall(why)
    if not found.people:
        missed = "".join(f" {each.name or each.slack_user_id} {each.why}." for each in found.missed[:5])
        raise NobodyToCall(f"Nobody {which} can be called, besides you.{missed} Name people: page @ben.")
    return found
