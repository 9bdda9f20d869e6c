"""Verbs on what a tenant demands of notaries. Demanding more is one person's act; demanding less needs a second one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from adapters.models.adapter import NotaryPolicy
from adapters.notaries.demands import Demand, demand_at
from conductor.ledger.receipts import append
from conductor.lib.errors import Conflict, Invalid
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require

MOST = 9


class NeedsAnotherPerson(Conflict):
    """Demanding less of notaries needs a second person: somebody else than who proposed it."""

    code = "needs_another_person"


class ProposalGone(Conflict):
    """This proposal was decided or replaced meanwhile."""

    code = "proposal_gone"


def propose_notary_policy(*, tenant_id: UUID, mode: str, needed: int = 0, actor: Actor, now: datetime) -> NotaryPolicy:
    """Demand this of notaries from now on; return it, in force or waiting for a second person.

    `needed` independent notaries must vouch before what is sealed from then on is released; only with `REQUIRED`.
    A proposal that still waits is replaced.
    """
    require(actor=actor, permission="manage_adapters")
    _check(mode, needed)
    is_weaker = _strength(Demand(mode, needed)) < _strength(demand_at(now))
    with transaction.atomic():
        NotaryPolicy.objects.filter(tenant_id=tenant_id, in_force_at=None, replaced_at=None).update(replaced_at=now)
        row = NotaryPolicy.objects.create(
            tenant_id=tenant_id,
            mode=mode,
            needed=needed,
            proposed_by=actor.ref,
            proposed_by_name=actor.name,
            proposed_at=now,
            in_force_at=None if is_weaker else now,
        )
        _receipt(row, "proposed" if is_weaker else "changed", actor, now)
    return row


def approve_notary_policy(*, policy: NotaryPolicy, actor: Actor, now: datetime) -> NotaryPolicy:
    """Put a waiting proposal in force, as the second person. Raise NeedsAnotherPerson for the first one."""
    require(actor=actor, permission="manage_adapters")
    if actor.ref == policy.proposed_by:
        raise NeedsAnotherPerson
    with transaction.atomic():
        waiting = NotaryPolicy.objects.filter(id=policy.id, in_force_at=None, replaced_at=None)
        if not waiting.update(in_force_at=now, approved_by=actor.ref, approved_by_name=actor.name):
            raise ProposalGone
        policy.refresh_from_db()
        _receipt(policy, "changed", actor, now)
    return policy


def _check(mode: str, needed: int) -> None:
    if mode not in NotaryPolicy.Mode.values:
        raise Invalid(fields={"mode": [f"Choose one of {', '.join(NotaryPolicy.Mode.values)}."]})
    if mode == NotaryPolicy.Mode.REQUIRED and not 1 <= needed <= MOST:
        raise Invalid(fields={"needed": [f"Say how many notaries must vouch: 1 to {MOST}."]})
    if mode != NotaryPolicy.Mode.REQUIRED and needed:
        raise Invalid(fields={"needed": ["A number is for required only."]})


def _strength(demand: Demand) -> tuple[int, int]:
    return NotaryPolicy.Mode.values.index(demand.mode), demand.needed


def _receipt(row: NotaryPolicy, what: str, actor: Actor, now: datetime) -> None:
    append(
        tenant_id=row.tenant_id,
        action=f"adapters.notary_policy.{what}",
        subject=ref("adapters.notary_policy", row.id),
        subject_name=str(row),
        actor=actor,
        now=now,
        body={
            "mode": row.mode,
            "needed": row.needed,
            "proposed_by": row.proposed_by,
            "approved_by": row.approved_by,
        },
    )
