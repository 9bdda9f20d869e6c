"""What the verbs share: whom they serve, and the receipt that each of them leaves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from adapters.models import AdapterConfig
from adapters.ports import Port
from conductor.ledger.receipts import append
from conductor.tenancy.actors import Actor

ERROR_CHARACTERS = 500


def enabled_adapters(port: Port, environment_id: UUID | None) -> list[AdapterConfig]:
    """Return the adapters of the port that serve the environment: its own and those for every environment."""
    here = Q(environment_id=environment_id) | Q(environment=None)
    return list(AdapterConfig.objects.filter(here, port=port.value, enabled=True).order_by("name"))


def leave_receipt(
    adapter: AdapterConfig, action: str, actor: Actor, now: datetime, body: Mapping[str, Any], *, links: Any = ()
) -> None:
    """Write the receipt of something done to the adapter, in the caller's transaction."""
    append(
        tenant_id=adapter.tenant_id,
        action=action,
        subject=adapter.ref,
        subject_name=adapter.name,
        actor=actor,
        now=now,
        body=body,
        links=links,
    )
