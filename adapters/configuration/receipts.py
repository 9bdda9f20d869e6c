"""What the verbs share: the receipt that each of them leaves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adapters.models.adapter import AdapterConfig
from conductor.ledger.receipts import append
from conductor.tenancy.actors import Actor

ERROR_CHARACTERS = 500


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
