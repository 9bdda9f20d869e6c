"""The verb on the response policy: a new version, never a changed one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from conductor.ledger import receipts
from conductor.lib.errors import Conflict
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require
from incidents.lifecycle.words import Complaints
from incidents.models import ResponsePolicy
from incidents.response.guards import GUARDS
from incidents.response.policy import complaints_about, digest_of, policy_in_force


class PolicyChanged(Conflict):
    """Somebody else changed the response policy meanwhile. Read it again, then change it."""

    code = "response_policy_changed"


def change_response_policy(
    *, tenant_id: UUID, content: Mapping[str, Any], reason: str, seen_version: int, actor: Actor, now: datetime
) -> ResponsePolicy:
    """Put a new version in force from now on; the moves made before keep the version that they were made under.

    `seen_version` is the version that the caller read. Raise PolicyChanged if it is no longer in force, Invalid
    naming every fault by its dotted path.
    """
    require(actor=actor, permission="configure_response")
    complaints = Complaints()
    why = complaints.text("reason", reason, required=True)
    for name, faults in complaints_about(dict(content)).items():
        for fault in faults:
            complaints.add(name, fault)
    for move, rule in (content.get("transitions") or {}).items() if not complaints.fields else ():
        for guard in rule.get("guards", []):
            if guard["guard"] not in GUARDS:
                complaints.add(
                    f"transitions.{move}", f"There is no guard {guard['guard']}. There are {', '.join(GUARDS)}."
                )
    complaints.refuse()
    if policy_in_force().version != seen_version:
        raise PolicyChanged
    try:
        with transaction.atomic():
            return _insert(tenant_id, dict(content), why, seen_version, actor, now)
    except IntegrityError as error:
        raise PolicyChanged from error


def _insert(
    tenant_id: UUID, content: dict[str, Any], reason: str, before: int, actor: Actor, now: datetime
) -> ResponsePolicy:
    row = ResponsePolicy.objects.create(
        tenant_id=tenant_id,
        version=before + 1,
        content=content,
        digest=digest_of(content),
        reason=reason,
        changed_by=actor.ref,
        changed_by_name=actor.name,
        changed_at=now,
    )
    receipts.append(
        tenant_id=tenant_id,
        action="incidents.response_policy.changed",
        subject=ref("incidents.response_policy", row.id),
        subject_name=f"Response policy {row.version}",
        actor=actor,
        now=now,
        body={"version": row.version, "digest": row.digest, "reason": reason},
    )
    return row
