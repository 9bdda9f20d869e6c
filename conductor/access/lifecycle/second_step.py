"""Verbs on the rule that members sign in with a second step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from conductor.ledger.receipts import append
from conductor.lib.clock import rfc3339
from conductor.lib.errors import Conflict, Invalid
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.models import Tenant
from conductor.tenancy.sessions.authentication import Authentication

PERMISSION = "manage_members"
GRACE = (0, 7, 14, 30)
"""Days that members may have to set a second step up."""


class OwnStepMissing(Conflict):
    """You signed in without a second step yourself. Set one up and sign in with it, or this would lock you out."""

    code = "own_second_step_missing"


def require_second_step(*, tenant: Tenant, grace_days: int, actor: Actor, now: datetime) -> Tenant:
    """From `grace_days` after `now`, let members into the console only with a second step; again: with other days.

    Raise OwnStepMissing for an actor without one, Invalid on other days than those of GRACE.
    """
    require(actor=actor, permission=PERMISSION)
    if grace_days not in GRACE:
        raise Invalid(fields={"days": [f"Choose one of {', '.join(map(str, GRACE))} days."]})
    if actor.authentication != Authentication.MFA:
        raise OwnStepMissing
    begins = now + timedelta(days=grace_days)
    body = {"from": rfc3339(begins), "grace_days": grace_days}
    return _set(tenant, begins, "access.second_step.required", body, actor, now)


def stop_requiring_second_step(*, tenant: Tenant, actor: Actor, now: datetime) -> Tenant:
    """Let members in without a second step again. Raise Conflict where none is required."""
    require(actor=actor, permission=PERMISSION)
    if tenant.second_step_from is None:
        raise Conflict
    body = {"was_from": rfc3339(tenant.second_step_from)}
    return _set(tenant, None, "access.second_step.not_required", body, actor, now)


def _set(
    tenant: Tenant, begins: datetime | None, action: str, body: Mapping[str, Any], actor: Actor, now: datetime
) -> Tenant:
    """Write the rule and its receipt; raise Conflict if it was changed since `tenant` was read."""
    with transaction.atomic():
        as_read = Tenant.objects.filter(id=tenant.id, second_step_from=tenant.second_step_from)
        if not as_read.update(second_step_from=begins):
            raise Conflict
        append(
            tenant_id=tenant.id,
            action=action,
            subject=ref("tenancy.tenant", tenant.id),
            subject_name=tenant.name,
            actor=actor,
            now=now,
            body=body,
        )
    tenant.refresh_from_db()
    return tenant
