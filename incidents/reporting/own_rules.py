"""The verb on a tenant's own rules: a new version, never a changed one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from pydantic import ValidationError

from conductor.ledger import receipts
from conductor.lib.refs import ref
from conductor.lib.text import storable
from conductor.tenancy.actors import Actor, require
from incidents.models.obligation import OwnRule
from incidents.record.input_cleaning import Complaints
from incidents.reporting.rules import Rule, as_json


def change_own_rule(
    *, tenant_id: UUID, content: Mapping[str, Any], reason: str, actor: Actor, now: datetime, is_active: bool = True
) -> OwnRule:
    """Put a version of a rule in force for incidents from now on: a contract's, or in place of a built-in one.

    Clocks that run keep the version that they were armed with. Raise Invalid naming every fault by its path.
    """
    require(actor=actor, permission="configure_response")
    complaints = Complaints()
    why = complaints.text("reason", reason, required=True)
    try:
        rule = Rule.model_validate(dict(content))
    except ValidationError as invalid:
        for each in invalid.errors():
            complaints.add(
                ".".join(str(part) for part in each["loc"]) or "content", each["msg"].removeprefix("Value error, ")
            )
    complaints.refuse()
    with transaction.atomic():
        newest = OwnRule.objects.filter(key=rule.key).aggregate(newest=Max("version"))["newest"] or 0
        row = OwnRule.objects.create(
            tenant_id=tenant_id,
            key=rule.key,
            version=newest + 1,
            content=storable(as_json(rule)),
            is_active=is_active,
            reason=why,
            changed_by=actor.ref,
            changed_by_name=actor.name,
            changed_at=now,
        )
        receipts.append(
            tenant_id=tenant_id,
            action="incidents.own_rule.changed",
            subject=ref("incidents.own_rule", row.id),
            subject_name=f"{row.key} version {row.version}",
            actor=actor,
            now=now,
            body={"key": row.key, "version": row.version, "active": is_active, "reason": why},
        )
    return row
