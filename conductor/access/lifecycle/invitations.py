"""Verbs on invitations: invite by address, renew the link, revoke it, accept it.

The link's secret leaves this module once, for the mail; only its digest is kept. That a link is known proves that its
mail was read, so accepting verifies the address.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from conductor.access import passwords
from conductor.access.addresses import holder_of
from conductor.access.lifecycle.addresses import confirm_address
from conductor.access.lifecycle.records import record_of_invitation, record_of_member
from conductor.lib.canonical import sha256_hex
from conductor.lib.errors import Conflict, Invalid, NotAllowed
from conductor.lib.refs import ref
from conductor.tenancy import lifecycle as tenancy
from conductor.tenancy.actors import Actor, display_name, require
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.invitations import OPEN, Invitation
from conductor.tenancy.lifecycle import AlreadyMember
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.roles import Role
from conductor.tenancy.sessions import bearer
from conductor.tenancy.sessions.authentication import Authentication
from conductor.tenancy.sessions.proof import MAIL_LINK, Proof

PERMISSION = "manage_members"
NAME_LENGTH = 150
PREFIX = "mci"
"""A public prefix, as tokens have one: scanners can find links that leaked."""
LIFETIMES = (1, 7, 30)
"""Days that a link may be good for."""


class AlreadyInvited(Conflict):
    """This address has an open invitation. Send it again, or revoke it first."""

    code = "already_invited"


class InvitationNotValid(NotAllowed):
    """This invitation was used or revoked already, has run out, or is not one of ours. Ask who invited you."""

    code = "invitation_not_valid"


class AccountExists(Conflict):
    """This address has an account. Sign in with it, then open the invitation again."""

    code = "account_exists"


class AddressDiffers(NotAllowed):
    """This invitation is for another address than yours. Sign out, and open it again."""

    code = "address_differs"


@dataclass(frozen=True)
class IssuedInvitation:
    """An invitation and the only sight of its link's secret."""

    invitation: Invitation
    secret: str


def invite(*, tenant: Tenant, email: str, role: str, days: int, actor: Actor, now: datetime) -> IssuedInvitation:
    """Offer the address a membership in `role`, by a link that is good for `days`. The caller mails it.

    Raise Invalid on an address, role or lifetime that cannot be, AlreadyMember, AlreadyInvited.
    """
    require(actor=actor, permission=PERMISSION)
    email = _checked(email, role, days)
    if Membership.objects.filter(user__email__iexact=email).exists():
        raise AlreadyMember
    secret = _secret(tenant.id)
    try:
        with transaction.atomic():
            invitation = Invitation.objects.create(
                tenant=tenant,
                email=email,
                role=role,
                digest=sha256_hex(secret.encode()),
                invited_by=actor.ref,
                invited_by_name=actor.name,
                created_at=now,
                expires_at=now + timedelta(days=days),
            )
            body = {"role": role, "days": days}
            record_of_invitation(invitation, action="access.invitation.created", body=body, actor=actor, now=now)
    except IntegrityError as error:
        raise AlreadyInvited from error
    return IssuedInvitation(invitation, secret)


def renew_invitation(*, invitation: Invitation, days: int, actor: Actor, now: datetime) -> IssuedInvitation:
    """Give the invitation a new link and `days` from now; the old link is dead. The caller mails it.

    Raise Conflict if it was accepted or revoked, Invalid on another lifetime than one of LIFETIMES.
    """
    require(actor=actor, permission=PERMISSION)
    _checked(invitation.email, invitation.role, days)
    secret = _secret(invitation.tenant_id)
    with transaction.atomic():
        renewed = Invitation.objects.filter(OPEN, id=invitation.id).update(
            digest=sha256_hex(secret.encode()),
            invited_by=actor.ref,
            invited_by_name=actor.name,
            expires_at=now + timedelta(days=days),
            sent_at=None,
        )
        if not renewed:
            raise Conflict
        record_of_invitation(invitation, action="access.invitation.renewed", body={"days": days}, actor=actor, now=now)
    invitation.refresh_from_db()
    return IssuedInvitation(invitation, secret)


def revoke_invitation(*, invitation: Invitation, actor: Actor, now: datetime) -> None:
    """Make the link worthless. Raise Conflict if it was accepted or revoked already."""
    require(actor=actor, permission=PERMISSION)
    with transaction.atomic():
        if not Invitation.objects.filter(OPEN, id=invitation.id).update(revoked_at=now):
            raise Conflict
        record_of_invitation(invitation, action="access.invitation.revoked", body={}, actor=actor, now=now)


def accept_invitation(
    *, invitation: Invitation, user: User, proven: Authentication, proof: Proof, now: datetime
) -> Membership:
    """Make `user` a member in the invitation's role, once. Needs the invitation's scope.

    Raise InvitationNotValid unless it is good at `now`, AddressDiffers for a person of another address, AlreadyMember.
    """
    if user.email.casefold() != invitation.email.casefold():
        raise AddressDiffers
    with transaction.atomic():
        good = Invitation.objects.filter(OPEN, id=invitation.id, digest=invitation.digest, expires_at__gt=now)
        if not good.update(accepted_at=now):
            raise InvitationNotValid
        tenant = Tenant.objects.get(id=invitation.tenant_id)
        membership = tenancy.add_member(tenant=tenant, user=user, role=invitation.role, now=now)
        Invitation.objects.filter(id=invitation.id).update(membership=membership)
        who = ref("tenancy.user", user.pk)
        actor = Actor(who, display_name(user), (invitation.role,), "console", authentication=proven, proof=proof)
        record_of_invitation(invitation, action="access.invitation.accepted", body={}, actor=actor, now=now)
        body = {"role": invitation.role, "invited_by": invitation.invited_by}
        record_of_member(membership=membership, action="access.member.added", body=body, actor=actor, now=now)
    return membership


def accept_as_newcomer(*, secret: str, first_name: str, last_name: str, password: str, now: datetime) -> Membership:
    """Make an account of the invitation's address, verified, and a member of it; all or nothing. Needs no scope open.

    While passwords are switched off the account has none, whatever `password` is: its member signs in through the
    identity provider, which knows them by the address.

    Raise InvitationNotValid, AccountExists where the address has an account, Invalid on a missing name or a password
    that the password rules refuse.
    """
    with transaction.atomic():
        email = open_invitation(secret=secret, now=now).email
        if holder_of(email) is not None:
            raise AccountExists
        # Made outside of the scope: inside one, only members are there, and nobody is one before their membership.
        user = _account(email, first_name, last_name, password)
        with tenant_scope(_tenant_of(secret)):
            invitation = _find(secret, now)
            proven = Authentication.PASSWORD if passwords.is_open() else Authentication.UNKNOWN
            return accept_invitation(invitation=invitation, user=user, proven=proven, proof=MAIL_LINK, now=now)


def open_invitation(*, secret: str, now: datetime) -> Invitation:
    """Return the invitation of a link, with its tenant. Raise InvitationNotValid unless it is good at `now`."""
    with tenant_scope(_tenant_of(secret)):
        return _find(secret, now)


def mark_sent(*, invitation: Invitation, now: datetime) -> None:
    """Keep that the mail server took the newest link; nothing where another one was made meanwhile."""
    Invitation.objects.filter(OPEN, id=invitation.id, digest=invitation.digest).update(sent_at=now)


def revoke_invitations_of(*, user_id: int, now: datetime) -> int:
    """Revoke what a person who manages members no longer has invited; return how many. The caller records why."""
    return Invitation.objects.filter(OPEN, invited_by=ref("tenancy.user", user_id)).update(revoked_at=now)


def _find(secret: str, now: datetime) -> Invitation:
    found = Invitation.objects.select_related("tenant").filter(digest=sha256_hex(secret.encode())).first()
    if found is None or not found.is_good(now):
        raise InvitationNotValid
    return found


def _tenant_of(secret: str) -> UUID:
    tenant_id = bearer.tenant_of(secret, prefix=PREFIX)
    if tenant_id is None:
        raise InvitationNotValid
    return tenant_id


def _secret(tenant_id: UUID) -> str:
    return f"{PREFIX}_{tenant_id.hex}_{secrets.token_urlsafe(32)}"


def _checked(email: str, role: str, days: int) -> str:
    """Return the address in lower case; raise Invalid for what cannot be."""
    email, wrong = email.strip().lower(), {}
    try:
        validate_email(email)
    except ValidationError:
        wrong["email"] = ["Write one e-mail address."]
    if role not in Role.values:
        wrong["role"] = [f"Choose one of {', '.join(Role.values)}."]
    if days not in LIFETIMES:
        wrong["days"] = [f"Choose one of {', '.join(map(str, LIFETIMES))} days."]
    if wrong:
        raise Invalid(fields=wrong)
    return email


def _account(email: str, first_name: str, last_name: str, password: str) -> User:
    user = User(username=email[:150], email=email)
    user.first_name, user.last_name = (" ".join(name.split())[:NAME_LENGTH] for name in (first_name, last_name))
    wrong = {} if user.first_name else {"first_name": ["Say what people call you."]}
    if passwords.is_open():
        try:
            validate_password(password, user)
        except ValidationError as error:
            wrong["password"] = list(error.messages)
    if wrong:
        raise Invalid(fields=wrong)
    if passwords.is_open():
        user.set_password(password)
    else:
        user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise AccountExists from error
    confirm_address(user=user, email=email)
    return user
