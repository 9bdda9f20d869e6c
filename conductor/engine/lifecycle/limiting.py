"""Limiting how much of the workers one tenant may take."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from conductor.engine.models import Share
from conductor.ledger.receipts import append
from conductor.lib.errors import Invalid
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require


def set_run_limit(*, tenant_id: UUID, run_limit: int | None, actor: Actor, now: datetime) -> Share:
    """Let the tenant have `run_limit` runs and items at work at once, for each priority; None takes the setting's.

    0 halts the tenant: what is at work finishes its step, nothing new is claimed.
    """
    require(actor=actor, permission="manage_members")
    if run_limit is not None and run_limit < 0:
        raise Invalid(fields={"run_limit": ["Not below 0."]})
    with transaction.atomic():
        Share.objects.bulk_create([Share(tenant_id=tenant_id)], ignore_conflicts=True)
        share = Share.objects.select_for_update(no_key=True).get()
        before, share.run_limit = share.run_limit, run_limit
        Share.objects.filter(id=share.id).update(run_limit=run_limit)
        append(
            tenant_id=tenant_id,
            action="conductor.share.limited",
            subject=ref("conductor.share", share.id),
            subject_name="Runs at once",
            actor=actor,
            now=now,
            body={"from": before, "to": run_limit},
        )
    return share
