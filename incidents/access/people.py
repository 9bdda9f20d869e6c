"""Members as the incident pages need them: who can hold a role, and who is meant by a name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from conductor.lib.errors import Invalid
from conductor.lib.refs import Ref, parse_ref, ref
from conductor.tenancy.actors import display_name
from conductor.tenancy.models import Membership
from conductor.tenancy.roles import ROLE_PERMISSIONS
from incidents.models.choices import Role
from incidents.models.incident import Incident
from incidents.models.people import AccessGrant, RoleAssignment

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_MAY_RESPOND = [role for role, held in ROLE_PERMISSIONS.items() if "respond" in held]


@dataclass(frozen=True)
class Person:
    """A member."""

    id: int
    ref: Ref
    name: str
    username: str
    role: str


@dataclass(frozen=True)
class Reader:
    """Somebody who may read a private incident, and why."""

    ref: Ref
    name: str
    because: str
    grant: AccessGrant | None = None
    """Who let them in, which can be ended; None for those whom the work itself lets in."""


def readers(*, incident: Incident) -> list[Reader]:
    """Return who may read the incident while it is private: who declared it, holds a role, was let in, or may always.

    Each person once, for the reason that lasts longest. Four queries.
    """
    found: dict[Ref, Reader] = {}
    always = [role for role, held in ROLE_PERMISSIONS.items() if "view_private" in held]
    grants = AccessGrant.objects.filter(incident=incident, ended_at=None).order_by("granted_at")
    for each in grants:
        person = ref("tenancy.user", each.user_id)
        found[person] = Reader(person, each.user_name, f"Given access by {each.granted_by_name}: {each.reason}", each)
    for assignment in RoleAssignment.objects.filter(incident=incident, ended_at=None).order_by("-assumed_at"):
        person = ref("tenancy.user", assignment.user_id)
        because = f"Holds the role of {str(Role(assignment.role).label).lower()}"
        found[person] = Reader(person, assignment.user_name, because, _grant(found, person))
    for member in Membership.objects.filter(role__in=always, user__is_active=True).select_related("user"):
        person = ref("tenancy.user", member.user_id)
        because = f"{member.get_role_display()}: may read every private incident"
        found[person] = Reader(person, display_name(member.user), because, _grant(found, person))
    if incident.declared_by.startswith("tenancy.user:"):
        person = incident.declared_by
        found[person] = Reader(person, incident.declared_by_name, "Declared it", _grant(found, person))
    return sorted(found.values(), key=lambda reader: reader.name.casefold())


def _grant(found: dict[Ref, Reader], person: Ref) -> AccessGrant | None:
    return found[person].grant if person in found else None


def members() -> list[Person]:
    """Return every active member, by name. One query."""
    found = Membership.objects.filter(user__is_active=True).select_related("user")
    return _people(found)


def responders() -> list[Person]:
    """Return the members who may hold a role in an incident, by name. One query."""
    return _people(Membership.objects.filter(role__in=_MAY_RESPOND, user__is_active=True).select_related("user"))


def _people(found: Iterable[Membership]) -> list[Person]:
    people = [
        Person(each.user_id, ref("tenancy.user", each.user_id), display_name(each.user), each.user.username, each.role)
        for each in found
    ]
    return sorted(people, key=lambda person: person.name.casefold())


def find_person(*, name: str, field: str = "user") -> User:
    """Return the member that `name` means: a user name, an e-mail address or a Ref. Raise Invalid for a stranger.

    `field` is the one that the complaint names.
    """
    wanted = name.strip().removeprefix("@")
    matches = Q(user__username__iexact=wanted) | Q(user__email__iexact=wanted)
    if wanted.startswith("tenancy.user:") and parse_ref(wanted)[1].isdecimal():
        matches = Q(user_id=int(parse_ref(wanted)[1]))
    found = list(Membership.objects.filter(matches).select_related("user")[:2])
    if len(found) != 1:
        why = "is not a member of your organisation" if not found else "is several members: use the e-mail address"
        raise Invalid(f"{name} {why}.", fields={field: [f"{name} {why}."]})
    return found[0].user
