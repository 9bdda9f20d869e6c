"""Verbs on a tenant's own rules: upload a version, put it in force with a second person, take it out of force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max

from conductor.ledger.receipts import append
from conductor.lib.errors import Conflict, Invalid
from conductor.policy.decisions import Decision
from conductor.policy.decisions import require as require_policy
from conductor.policy.locking import exchange_rules
from conductor.policy.models import TenantPolicy
from conductor.policy.tenant_rules import digest_of
from conductor.policy.uploads import checked
from conductor.tenancy.actors import Actor, require

MOST_ACTIVE = 20
REASON_CHARACTERS = 10


class PolicyMoved(Conflict):
    """Somebody was first: these rules are not in the state that you saw."""

    code = "policy_moved"


class TooManyPolicies(Conflict):
    """Twenty policies are active, which is as many as are asked. Retire one first."""

    code = "too_many_policies"


def upload_policy(
    *, tenant_id: UUID, name: str, rego: str, purpose: str, actor: Actor, now: datetime, data: object = None
) -> TenantPolicy:
    """Keep the rules as a draft, the next version of `name`; a draft decides nothing.

    Raise Invalid, in the engine's words, for rules that do not compile, do not finish or are not rules.
    The same text and data as the newest version return that version, and nothing is written.
    """
    require(actor=actor, permission="manage_policies")
    purpose = " ".join(purpose.split())
    if not 0 < len(purpose) <= 200:
        raise Invalid(fields={"purpose": ["Say in at most 200 characters what the rules are for."]})
    kept = checked(name=name, rego=rego, data={} if data is None else data, tenant=str(tenant_id))
    digest = digest_of(rego, kept)
    try:
        with transaction.atomic():
            newest = TenantPolicy.objects.filter(name=name).order_by("-version").first()
            if newest is not None and newest.digest == digest and newest.state != TenantPolicy.State.RETIRED:
                return newest
            policy = TenantPolicy.objects.create(
                tenant_id=tenant_id,
                name=name,
                version=(TenantPolicy.objects.filter(name=name).aggregate(last=Max("version"))["last"] or 0) + 1,
                purpose=purpose,
                rego=rego,
                data=kept,
                digest=digest,
                uploaded_at=now,
                uploaded_by=actor.ref,
                uploaded_by_name=actor.name,
            )
            _receipt(policy, "uploaded", actor, now, {"purpose": purpose})
    except IntegrityError as error:
        raise PolicyMoved(
            "Somebody uploaded a version of these rules at the same moment. Upload yours again."
        ) from error
    return policy


def activate_policy(*, policy: TenantPolicy, reviewed_digest: str, actor: Actor, now: datetime) -> TenantPolicy:
    """Put a draft in force, in place of the active version of its name.

    `reviewed_digest` is what the approver read. Refused by policy for whoever uploaded it, and for another digest.
    Raise PolicyMoved when somebody was first, TooManyPolicies beyond the twentieth, PolicyBusy while an act that was
    decided under the present rules is not done. Inside the tenant's scope.
    """
    require(actor=actor, permission="activate_policies")
    exchange_rules(policy.tenant_id)
    decision = _ask_activation(policy, reviewed_digest, actor, now)
    try:
        with transaction.atomic():
            before = TenantPolicy.objects.filter(name=policy.name, state=TenantPolicy.State.ACTIVE).first()
            if before is not None:
                _retire(before, f"Superseded by {policy.code}.", actor, now)
            elif TenantPolicy.objects.filter(state=TenantPolicy.State.ACTIVE).count() >= MOST_ACTIVE:
                raise TooManyPolicies
            changed = TenantPolicy.objects.filter(id=policy.id, state=TenantPolicy.State.DRAFT).update(
                state=TenantPolicy.State.ACTIVE,
                activated_at=now,
                activated_by=actor.ref,
                activated_by_name=actor.name,
            )
            if not changed:
                raise PolicyMoved
            body = {"approved_by": actor.ref, "supersedes": before.version if before else None}
            _receipt(policy, "activated", actor, now, body, decision)
    except IntegrityError as error:
        raise PolicyMoved from error
    policy.refresh_from_db()
    return policy


def retire_policy(*, policy: TenantPolicy, reason: str, actor: Actor, now: datetime) -> TenantPolicy:
    """Take the rules out of force, or give up a draft; one person is enough, with a reason of ten characters.

    Raise PolicyMoved when somebody was first, PolicyBusy as activate_policy does.
    """
    require(actor=actor, permission="manage_policies")
    reason = " ".join(reason.split())
    if not REASON_CHARACTERS <= len(reason) <= 400:
        raise Invalid(fields={"reason": [f"Say why, in {REASON_CHARACTERS} to 400 characters."]})
    exchange_rules(policy.tenant_id)
    decision = require_policy(
        action="policy.retire",
        actor=actor,
        resource=_described(policy),
        context={"reason": reason},
        tenant_id=policy.tenant_id,
        now=now,
    )
    with transaction.atomic():
        _retire(policy, reason, actor, now, decision)
    policy.refresh_from_db()
    return policy


def _ask_activation(policy: TenantPolicy, reviewed_digest: str, actor: Actor, now: datetime) -> Decision:
    return require_policy(
        action="policy.activate",
        actor=actor,
        resource={**_described(policy), "digest": policy.digest, "reviewed_digest": reviewed_digest},
        context={"four_eyes": {"required": True, "requested_by": policy.uploaded_by, "approved_by": actor.ref}},
        tenant_id=policy.tenant_id,
        now=now,
    )


def _described(policy: TenantPolicy) -> dict[str, Any]:
    return {
        "ref": policy.ref,
        "tenant": policy.tenant_id,
        "environment": "",
        "severity": "",
        "visibility": "NORMAL",
        "owner": policy.uploaded_by,
        "state": policy.state,
        "policy_name": policy.name,
        "version": policy.version,
    }


def _retire(policy: TenantPolicy, reason: str, actor: Actor, now: datetime, decision: Decision | None = None) -> None:
    """Move to RETIRED from the state that the caller saw; raise PolicyMoved if it has another by now."""
    seen = TenantPolicy.objects.filter(id=policy.id, state=policy.state).exclude(state=TenantPolicy.State.RETIRED)
    if not seen.update(
        state=TenantPolicy.State.RETIRED,
        retired_at=now,
        retired_by=actor.ref,
        retired_by_name=actor.name,
        retired_reason=reason,
    ):
        raise PolicyMoved
    _receipt(policy, "retired", actor, now, {"reason": reason, "was": policy.state}, decision)


def _receipt(
    policy: TenantPolicy,
    verb: str,
    actor: Actor,
    now: datetime,
    body: Mapping[str, Any],
    decision: Decision | None = None,
) -> None:
    append(
        tenant_id=policy.tenant_id,
        action=f"conductor.tenant_policy.{verb}",
        subject=policy.ref,
        subject_name=policy.code,
        actor=actor,
        now=now,
        body={
            "name": policy.name,
            "version": policy.version,
            "digest": policy.digest,
            **body,
            **({"decision": decision.citation} if decision else {}),
        },
        links=[decision.record.ref] if decision and decision.record else [],
    )
