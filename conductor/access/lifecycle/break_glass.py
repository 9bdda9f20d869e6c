"""A one-time link that an operator makes on the server, for when the identity provider lets nobody in.

It is the way in beside passwords, which may be switched off. Receipts say that it was made, why, and that it was used.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction

from conductor.access.addresses import holder_of
from conductor.access.lifecycle.records import record_act_of
from conductor.lib.errors import Invalid, NotAllowed
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, display_name
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import UserTenant, tenants_of_user
from conductor.tenancy.models import SignInLink
from conductor.tenancy.sessions.authentication import Authentication
from conductor.tenancy.sessions.proof import Proof

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LIFETIME = timedelta(minutes=15)
REASON_LENGTH = 10, 500
METHOD = "break_glass"
_SALT = "conductor.break-glass"


class BreakGlassNotValid(NotAllowed):
    """This link was used already, is older than 15 minutes, or is not one of ours. Ask the operator for another."""

    code = "break_glass_not_valid"


def issue_break_glass(*, email: str, reason: str, now: datetime) -> str:
    """Return the token of a link that signs the member with this address in, once, within LIFETIME.

    A receipt in each of the member's organisations says that it was made, and why. Raise Invalid for an address that
    no member has proven, and for a reason that is too short or too long. Needs no scope to be open.
    """
    user = holder_of(email.strip())
    tenants = tenants_of_user(user.pk) if user is not None else []
    wrong = {}
    if user is None or not user.is_active or not tenants:
        wrong["email"] = ["No member has proven this address."]
    if not REASON_LENGTH[0] <= len(reason := " ".join(reason.split())) <= REASON_LENGTH[1]:
        wrong["reason"] = [f"Say why, in {REASON_LENGTH[0]} to {REASON_LENGTH[1]} characters."]
    if wrong or user is None:
        raise Invalid(" ".join(each for complaints in wrong.values() for each in complaints), fields=wrong)
    nonce = secrets.token_hex(16)
    with transaction.atomic():
        SignInLink.objects.create(user=user, nonce=nonce, expires_at=now + LIFETIME)
        operator = Actor.system("Operator", channel="cli")
        for tenant in tenants:
            _record(user, tenant, "access.break_glass.issued", {"reason": reason}, operator, now)
    return TimestampSigner(salt=_SALT).sign(nonce)


def use_break_glass(*, token: str, now: datetime) -> User:
    """Return whom the link signs in, and use it up, with a receipt in each of their organisations.

    Raise BreakGlassNotValid. Needs no scope to be open.
    """
    try:
        nonce = TimestampSigner(salt=_SALT).unsign(token, max_age=LIFETIME)
    except BadSignature as error:
        raise BreakGlassNotValid from error
    with transaction.atomic():
        if not SignInLink.objects.filter(nonce=nonce, used_at=None, expires_at__gt=now).update(used_at=now):
            raise BreakGlassNotValid
        user = SignInLink.objects.select_related("user").get(nonce=nonce).user
        if not user.is_active:
            raise BreakGlassNotValid
        who = ref("tenancy.user", user.pk)
        for tenant in tenants_of_user(user.pk):
            actor = Actor(
                who, display_name(user), (tenant.role,), "console",
                authentication=Authentication.UNKNOWN, proof=Proof(METHOD),
            )  # fmt: skip
            _record(user, tenant, "access.break_glass.used", {}, actor, now)
    return user


def _record(user: User, tenant: UserTenant, action: str, body: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    with tenant_scope(tenant.id):
        record_act_of(user=user, tenant_id=tenant.id, action=action, body=body, actor=actor, now=now)
