"""Ending a person's sessions: every browser has to sign in again."""

from __future__ import annotations

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.db import transaction

from conductor.access.lifecycle.records import record_of_member
from conductor.lib.errors import Conflict
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.models import Membership

PERMISSION = "manage_members"


def end_sessions(*, membership: Membership, actor: Actor, now: datetime) -> int:
    """Sign the member out of every browser, at once; return how many sessions ended. Needs the tenant's scope.

    A session belongs to the person, not to a tenant: who is a member elsewhere has to sign in again there, too.
    Raise Conflict if they left: their sessions are no longer this tenant's matter.
    """
    require(actor=actor, permission=PERMISSION)
    with transaction.atomic():
        if not Membership.objects.select_for_update().filter(id=membership.id).exists():
            raise Conflict
        ended = drop_sessions(membership)
        record_of_member(
            membership=membership, action="access.sessions.ended", body={"sessions": ended}, actor=actor, now=now
        )
    return ended


def drop_sessions(membership: Membership) -> int:
    """Delete the person's sessions and return how many there were. The caller records why."""
    found = list(UserSession.objects.filter(user_id=membership.user_id))
    for session in found:
        session.end()
    return len(found)
