"""Who belongs to the tenant, and how surely they sign in. Needs the tenant's scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Case, IntegerField, Value, When
from guardian.models import GroupObjectPermission, UserObjectPermission

from conductor.lib.errors import NotFound
from conductor.lib.refs import Ref, ref
from conductor.tenancy.actors import display_name
from conductor.tenancy.invitations import OPEN, Invitation
from conductor.tenancy.models import ApiToken, Membership, Tenant
from conductor.tenancy.roles import PERMISSIONS, Role

_SECOND_STEPS = {Authenticator.Type.TOTP: "Authenticator app", Authenticator.Type.WEBAUTHN: "Security key"}
"""What counts as a second step, and its words. Recovery codes only stand in for one."""
_BY_ROLE = Case(
    *(When(role=role.value, then=Value(n)) for n, role in enumerate((Role.ADMIN, Role.COMMANDER, Role.RESPONDER))),
    default=Value(9),
    output_field=IntegerField(),
)


@dataclass(frozen=True)
class Member:
    """A membership with what the members page says of it."""

    membership: Membership
    name: str
    email: str
    ref: Ref
    """The person, as receipts name them."""
    second_steps: tuple[str, ...]
    """Words for the second steps that the person has set up; empty for a password alone."""
    last_signin_at: datetime | None
    """When any of their sessions began last, wherever; None: never."""


def members(*, second_steps: bool = True) -> list[Member]:
    """Return the tenant's members, admins first, then by name; without looking at second steps where nobody asks."""
    found = Membership.objects.select_related("user").annotate(rank=_BY_ROLE)
    return _described(list(found.order_by("rank", "user__first_name", "user__last_name", "id")), look=second_steps)


def member(membership_id: UUID) -> Member:
    """Return the member, also one who left. Raise NotFound for an id that is nobody's here."""
    found = Membership.ever.select_related("user").filter(id=membership_id).first()
    if found is None:
        raise NotFound
    return _described([found])[0]


def open_invitations() -> list[Invitation]:
    """Return the invitations that nobody accepted or revoked, also those that ran out, newest first."""
    return list(Invitation.objects.filter(OPEN).order_by("-created_at", "-id"))


def invitation(invitation_id: UUID) -> Invitation:
    """Return the invitation. Raise NotFound for an id that is nobody's here."""
    found = Invitation.objects.filter(id=invitation_id).first()
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True)
class Grant:
    """A permission that one person holds beside their role's (django-guardian's user object permission)."""

    user_id: int
    name: str
    permission: str
    words: str
    on: str
    """The organisation, or one of its environments, in words."""


def permissions_by_role(tenant: Tenant) -> dict[str, set[str]]:
    """Return what the group of each role holds on the tenant, as django-guardian has it."""
    held: dict[str, set[str]] = {role: set() for role in Role.values}
    found = GroupObjectPermission.objects.filter(object_pk=str(tenant.id))
    for group, permission in found.values_list("group__name", "permission__codename"):
        role = group.rpartition(":")[2]
        if role in held:
            held[role].add(permission)
    return held


def grants_to_people() -> list[Grant]:
    """Return what people hold on the tenant or its environments beside their roles."""
    found = UserObjectPermission.objects.select_related("user", "permission", "content_type").order_by("id")
    return [
        Grant(
            each.user_id,
            display_name(each.user),
            each.permission.codename,
            PERMISSIONS.get(each.permission.codename, each.permission.name),
            "the organisation"
            if each.content_type.model == "tenant"
            else f"{each.content_type.model} {each.object_pk}",
        )
        for each in found
    ]


def tokens() -> list[ApiToken]:
    """Return every API token with its member, newest first; each has its member's name as `member_name`."""
    found = list(ApiToken.objects.select_related("membership__user").order_by("-created_at", "-id"))
    for token in found:
        token.member_name = display_name(token.membership.user)  # type: ignore[attr-defined]
    return found


def token(token_id: UUID) -> ApiToken:
    """Return the API token. Raise NotFound for an id that is nobody's here."""
    found = ApiToken.objects.select_related("membership__user").filter(id=token_id).first()
    if found is None:
        raise NotFound
    return found


def live_sessions(membership: Membership, *, now: datetime) -> list[UserSession]:
    """Return the person's sessions that have not run out by `now`, the one seen last first."""
    open_ = Session.objects.filter(expire_date__gt=now).values("session_key")
    return list(UserSession.objects.filter(user_id=membership.user_id, session_key__in=open_).order_by("-last_seen_at"))


def _described(memberships: list[Membership], *, look: bool = True) -> list[Member]:
    people = [each.user_id for each in memberships] if look else []
    held: dict[int, set[str]] = {}
    for user_id, kind in Authenticator.objects.filter(user_id__in=people).values_list("user_id", "type"):
        if kind in _SECOND_STEPS:
            held.setdefault(user_id, set()).add(_SECOND_STEPS[Authenticator.Type(kind)])
    return [
        Member(
            each,
            display_name(each.user),
            each.user.email,
            ref("tenancy.user", each.user_id),
            tuple(sorted(held.get(each.user_id, ()))),
            each.user.last_login,
        )
        for each in memberships
    ]
