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
from conductor.lib.text import storable
from conductor.tenancy.actors import Actor, require
from incidents.models.policy import ResponsePolicy
from incidents.record.input_cleaning import Complaints
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
    good = _checked(complaints, content)
    complaints.refuse()
    if policy_in_force().version != seen_version:
        raise PolicyChanged
    try:
        with transaction.atomic():
            return _insert(tenant_id, good, why, seen_version, actor, now)
    except IntegrityError as error:
        raise PolicyChanged from error


def check_policy(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content as a version of the policy would hold it; raise Invalid naming every fault by its path."""
    complaints = Complaints()
    good = _checked(complaints, content)
    complaints.refuse()
    return good


def _checked(complaints: Complaints, content: Mapping[str, Any]) -> dict[str, Any]:
    found = complaints_about(dict(content))
    for name, faults in found.items():
        for fault in faults:
            complaints.add(name, fault)
    if found:
        return {}
    for move, rule in (content.get("transitions") or {}).items():
        for guard in rule.get("guards", []):
            if guard["guard"] not in GUARDS:
                known = ", ".join(GUARDS)
                complaints.add(f"transitions.{move}", f"There is no guard {guard['guard']}. There are {known}.")
    return dict(storable(dict(content)))


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
