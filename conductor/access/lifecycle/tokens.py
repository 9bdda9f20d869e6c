"""Verbs on API tokens: issue one for oneself, revoke one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from conductor.access.lifecycle.records import record_of_token
from conductor.lib.errors import Conflict, Invalid
from conductor.tenancy import lifecycle as tenancy
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.lifecycle import IssuedToken
from conductor.tenancy.models import ApiToken, Membership

PERMISSION = "manage_members"
LIFETIMES = (7, 30, 90, 365)
"""Days that a token may be good for."""
NAME_LENGTH = 80


class TokenRevoked(Conflict):
    """This token is revoked already."""

    code = "token_revoked"


def issue_token(
    *, membership: Membership, name: str, scopes: Sequence[str], days: int, actor: Actor, now: datetime
) -> IssuedToken:
    """Issue a token that acts as its member, within `scopes`, for `days`; the secret is in the return value only.

    `membership` is the actor's own: a token of somebody else's would let an admin act in their name. Raise Invalid
    on a missing name, no or unknown scopes, or another lifetime than one of LIFETIMES.
    """
    require(actor=actor, permission=PERMISSION)
    wrong = {}
    if not (name := " ".join(name.split())) or len(name) > NAME_LENGTH:
        wrong["name"] = [f"Say what it is for, in at most {NAME_LENGTH} characters."]
    if not scopes:
        wrong["scopes"] = ["Choose at least one scope."]
    if days not in LIFETIMES:
        wrong["days"] = [f"Choose one of {', '.join(map(str, LIFETIMES))} days."]
    if actor.ref != f"tenancy.user:{membership.user_id}":
        wrong["membership"] = ["A token acts in the name of the person who issues it."]
    if wrong:
        raise Invalid(fields=wrong)
    with transaction.atomic():
        issued = tenancy.issue_token(
            membership=membership, name=name, scopes=sorted(set(scopes)), now=now, lifetime=timedelta(days=days)
        )
        body = {"name": name, "scopes": issued.token.scopes, "days": days, "prefix": issued.token.prefix}
        record_of_token(issued.token, action="access.token.issued", body=body, actor=actor, now=now)
    return issued


def revoke_token(*, token: ApiToken, actor: Actor, now: datetime) -> None:
    """Make the token worthless at once. Its own member may, and who manages members. Raise TokenRevoked if it was."""
    if actor.ref != f"tenancy.user:{token.membership.user_id}":
        require(actor=actor, permission=PERMISSION)
    with transaction.atomic():
        if not tenancy.revoke_token(token=token, now=now):
            raise TokenRevoked
        body = {"prefix": token.prefix}
        record_of_token(token, action="access.token.revoked", body=body, actor=actor, now=now)
