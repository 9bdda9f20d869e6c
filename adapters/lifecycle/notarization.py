"""Have digests notarized: each notary vouches once for a digest, and what it said is verified before it is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from adapters import opening
from adapters.lifecycle.trace import ERROR_CHARACTERS, leave_receipt
from adapters.models import AdapterConfig, NotaryRecord
from adapters.ports import AdapterError, Attestation, AttestationRefused, Port
from conductor.lib.refs import Ref
from conductor.tenancy.actors import Actor
from conductor.tenancy.scope import tenant_scope


def notarize(
    *, tenant_id: UUID, subject: Ref, digest: str, now: datetime, environment_id: UUID | None = None
) -> list[NotaryRecord]:
    """Have every enabled notary vouch for the digest; return what is known of each. Not inside a transaction.

    A digest that a notary has vouched for is not sent to it again. Failures are in the records, not raised.
    """
    with tenant_scope(tenant_id):
        notaries = AdapterConfig.serving(port=Port.NOTARY.value, environment_id=environment_id)
        records = [_record_for(config, subject, digest, now) for config in notaries]
    for record in records:
        if record.state != NotaryRecord.State.VERIFIED:
            _attest(record, now)
    with tenant_scope(tenant_id):
        ids = [record.id for record in records]
        return list(NotaryRecord.objects.filter(id__in=ids).select_related("adapter").order_by("adapter__name"))


def _record_for(config: AdapterConfig, subject: Ref, digest: str, now: datetime) -> NotaryRecord:
    record, _created = NotaryRecord.objects.get_or_create(
        tenant_id=config.tenant_id, adapter=config, digest=digest, defaults={"subject": subject, "created_at": now}
    )
    return record


def _attest(record: NotaryRecord, now: datetime) -> None:
    fields: dict[str, Any]
    attestation: Attestation | None = None
    try:
        with tenant_scope(record.tenant_id):
            notary = opening.notary(record.adapter)
        attestation = notary.attest(digest_hex=record.digest, now=now)
        fields = _verified(attestation, now)
    except AttestationRefused as error:
        fields = {"state": "REJECTED", "request": error.request, "response": error.response, **_why(error)}
    except AdapterError as error:
        fields = {"state": "PENDING", **_why(error)}
    with tenant_scope(record.tenant_id), transaction.atomic():
        open_ones = NotaryRecord.objects.filter(id=record.id).exclude(state=NotaryRecord.State.VERIFIED)
        changed = open_ones.update(attempts=F("attempts") + 1, **fields)
        if changed and attestation is not None:
            body = {"digest": record.digest, "notary": record.adapter.name, "kind": record.adapter.kind}
            leave_receipt(
                record.adapter, "adapters.digest.notarized", Actor.system(), now, body, links=[record.subject]
            )


def _verified(attestation: Attestation, now: datetime) -> dict[str, Any]:
    verification = attestation.verification
    return {
        "state": NotaryRecord.State.VERIFIED,
        "request": attestation.request,
        "response": attestation.response,
        "attested_at": verification.attested_at,
        "verified_at": now,
        "verified_by": verification.verified_by[:80],
        "trust_anchor": verification.trust_anchor,
        "trust_anchor_pem": verification.trust_anchor_pem,
        "code": "",
        "error": "",
    }


def _why(error: AdapterError) -> dict[str, str]:
    return {"code": error.code[:40], "error": error.message[:ERROR_CHARACTERS]}
