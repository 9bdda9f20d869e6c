"""Verbs on installations under way: begin one, and consume its state once."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User

from chatops.models.workspace import SlackOAuthState
from conductor.lib.canonical import sha256_hex
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, require

GOOD_FOR = timedelta(minutes=10)


class StateRefused(Invalid):
    """This installation was not begun here by you, was finished already, or is older than ten minutes. Begin again."""

    code = "oauth_state_refused"


def begin_installation(*, tenant_id: UUID, user: User, session_key: str, actor: Actor, now: datetime) -> str:
    """Return a state for Slack to hand back. Only its digest is kept, with who began it and in which session.

    Needs the tenant's scope. What was begun and never finished is cleared away.
    """
    require(actor=actor, permission="manage_adapters")
    SlackOAuthState.objects.filter(expires_at__lte=now).delete()
    state = f"{tenant_id.hex}.{secrets.token_urlsafe(32)}"
    SlackOAuthState.objects.create(
        tenant_id=tenant_id,
        state_digest=sha256_hex(state.encode()),
        session_digest=sha256_hex(session_key.encode()),
        user=user,
        expires_at=now + GOOD_FOR,
    )
    return state


def tenant_in(state: str) -> UUID:
    """Return the tenant that the state names; it proves nothing until it is consumed. Raise StateRefused."""
    try:
        return UUID(hex=state.partition(".")[0])
    except ValueError as error:
        raise StateRefused from error


def consume_state(*, state: str, user: User, session_key: str, now: datetime) -> None:
    """Use the state up; raise StateRefused unless this person began it in this session and nobody used it.

    Needs the scope of the tenant that the state names. One DELETE decides, so that of two requests one wins.
    """
    mine = SlackOAuthState.objects.filter(
        state_digest=sha256_hex(state.encode()),
        session_digest=sha256_hex(session_key.encode()),
        user=user,
        expires_at__gt=now,
    )
    if mine.delete()[0] != 1:
        raise StateRefused
