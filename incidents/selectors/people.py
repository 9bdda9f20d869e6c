"""Members as the incident pages need them: who can hold a role, and who is meant by a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from conductor.lib.errors import Invalid
from conductor.lib.refs import Ref, parse_ref, ref
from conductor.tenancy.actors import display_name
from conductor.tenancy.models import Membership
from conductor.tenancy.roles import ROLE_PERMISSIONS

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


def responders() -> list[Person]:
    """Return the members who may hold a role in an incident, by name. One query."""
    found = Membership.objects.filter(role__in=_MAY_RESPOND, user__is_active=True).select_related("user")
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
