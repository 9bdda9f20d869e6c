"""Have digests notarized: each notary vouches once for a digest, and what it said is verified before it is kept.

The records without an answer are a notary's backlog. It is worked through from the oldest on, by one worker at a time
(adapters.configuration.breaker), so that after an outage nothing is lost, doubled or overtaken.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Least

from adapters.configuration import breaker, opening
from adapters.configuration.receipts import ERROR_CHARACTERS, leave_receipt
from adapters.models.adapter import AdapterConfig, NotaryRecord
from adapters.notaries.demands import demand_at
from adapters.ports.protocols import (
    AdapterError,
    Attestation,
    AttestationRefused,
    AttestationUnreadable,
    NotaryPort,
    Port,
)
from conductor.lib.refs import Ref
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope

AT_ONCE = 200
SECONDS = 20.0
"""A turn ends after this many records, or seconds; the next one goes on."""
MOST_ATTEMPTS = 32_000
"""Attempts are counted up to here."""

Clock = Callable[[], datetime]


class _Outcome(Enum):
    ANSWERED = auto()
    """Whatever it said: the next record is asked about."""
    FAILED = auto()
    """No answer, perhaps because of this digest: the next record is asked about until the breaker opens."""
    AWAY = auto()
    """No answer, and none to be expected now."""


def notarize(
    *, tenant_id: UUID, subject: Ref, digest: str, now: datetime, environment_id: UUID | None = None
) -> list[NotaryRecord]:
    """Have every enabled notary vouch for the digest; return what is known of each. Not inside a transaction.

    A digest that a notary has vouched for is not sent to it again. What waits longer is asked about first. Failures
    are in the records, not raised; a record that is still PENDING stays in the notary's backlog and is asked about
    again by whoever comes next (`work_off`).
    """
    with tenant_scope(tenant_id):
        notaries = AdapterConfig.serving(port=Port.NOTARY.value, environment_id=environment_id)
        records = [_record_for(config, subject, digest, now) for config in notaries]
    for config, record in zip(notaries, records, strict=True):
        if record.state != NotaryRecord.State.VERIFIED:
            _work_off(config, now, also=record)
    with tenant_scope(tenant_id):
        ids = [record.id for record in records]
        return list(NotaryRecord.objects.filter(id__in=ids).select_related("adapter").order_by("adapter__name"))


def want_notarized(
    *, tenant_id: UUID, subject: Ref, digest: str, now: datetime, environment_id: UUID | None = None
) -> int:
    """Put the digest into every enabled notary's backlog; return how many notaries that are.

    Needs the transaction of the act that wants it: `work_off` then asks, however late and after whatever crash. None
    is asked under a policy that is OFF.
    """
    if not demand_at(now).asks:
        return 0
    notaries = AdapterConfig.serving(port=Port.NOTARY.value, environment_id=environment_id)
    return len([_record_for(config, subject, digest, now) for config in notaries if config.tenant_id == tenant_id])


def work_off(*, tenant_id: UUID, now: datetime) -> int:
    """Ask each enabled notary about its backlog, oldest first; return how many were vouched for. Not in a transaction.

    A notary that is left alone at the moment, or that another worker is asking, is passed over.
    """
    with tenant_scope(tenant_id):
        waiting = NotaryRecord.objects.filter(state=NotaryRecord.State.PENDING).values("adapter")
        notaries = list(AdapterConfig.objects.filter(id__in=waiting, enabled=True).order_by("name"))
    return sum(_work_off(config, now) for config in notaries)


def _record_for(config: AdapterConfig, subject: Ref, digest: str, now: datetime) -> NotaryRecord:
    record, _created = NotaryRecord.objects.get_or_create(
        tenant_id=config.tenant_id, adapter=config, digest=digest, defaults={"subject": subject, "created_at": now}
    )
    return record


def _work_off(config: AdapterConfig, now: datetime, *, also: NotaryRecord | None = None) -> int:
    """Take the turn and ask about what is pending, and about `also` whatever became of it; return how many vouched.

    Under a policy that is OFF only `also` is asked about: it is demanded by an earlier one.
    """
    clock = _clock(now)
    with tenant_scope(config.tenant_id):
        token = breaker.take_turn(adapter=config, now=now)
        queue = _queue(config, also, with_backlog=demand_at(now).asks) if token else []
    vouched = 0
    try:
        for record_id in queue:
            if not _goes_on(config, token, clock, since=now):
                break
            outcome, is_verified = _ask(config, record_id, clock)
            vouched += is_verified
            if outcome is _Outcome.AWAY:
                break
    finally:
        if token:
            with tenant_scope(config.tenant_id):
                breaker.end_turn(adapter=config, token=token)
    return vouched


def _clock(now: datetime) -> Clock:
    """Return a clock that goes on from `now`: a long backlog must not be judged by the time at which it was begun."""
    begun = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - begun)


def _queue(config: AdapterConfig, also: NotaryRecord | None, *, with_backlog: bool) -> list[UUID]:
    wanted = Q(state=NotaryRecord.State.PENDING) if with_backlog else Q(pk__in=[])
    if also is not None:
        wanted |= Q(id=also.id) & ~Q(state=NotaryRecord.State.VERIFIED)
    records = NotaryRecord.objects.filter(wanted, adapter=config).order_by("created_at", "id")
    return list(records.values_list("id", flat=True)[:AT_ONCE])


def _goes_on(config: AdapterConfig, token: str, clock: Clock, *, since: datetime) -> bool:
    """Whether the turn still is ours and not too long."""
    moment = clock()
    if (moment - since).total_seconds() > SECONDS:
        return False
    with tenant_scope(config.tenant_id):
        return breaker.renew_turn(adapter=config, token=token, now=moment)


def _ask(config: AdapterConfig, record_id: UUID, clock: Clock) -> tuple[_Outcome, bool]:
    """Ask about one record and keep what came of it; return that, and whether the notary vouched."""
    with tenant_scope(config.tenant_id):
        record = NotaryRecord.objects.get(id=record_id)
        try:
            notary = opening.notary(config)
        except AdapterError as error:  # our own settings or secrets: no answer of the notary's, and no failure
            _keep(config, record, {"state": "PENDING", **_why(error)}, clock())
            return _Outcome.AWAY, False
    attestation, fields, failure = _attest(notary, record, clock)
    with tenant_scope(config.tenant_id), transaction.atomic():
        is_verified = _keep(config, record, fields, clock()) and attestation is not None
        if failure is None:
            breaker.note_answer(adapter=config, now=clock())
            return _Outcome.ANSWERED, is_verified
        is_open = breaker.note_failure(adapter=config, error=failure, now=clock())
    return (_Outcome.AWAY if is_open or not failure.permanent else _Outcome.FAILED), False


def _attest(
    notary: NotaryPort, record: NotaryRecord, clock: Clock
) -> tuple[Attestation | None, dict[str, Any], AdapterError | None]:
    """Return the attestation, what the record says from now on, and the failure to answer at all."""
    try:
        attestation = notary.attest(digest_hex=record.digest, now=clock())
    except AttestationRefused as error:
        refused = {"state": "REJECTED", "request": error.request, "response": error.response, **_why(error)}
        return None, refused, None
    except AttestationUnreadable as error:
        return None, {"state": "PENDING", **_why(error)}, None
    except AdapterError as error:
        return None, {"state": "PENDING", **_why(error)}, error
    return attestation, _verified(attestation, clock()), None


def _keep(config: AdapterConfig, record: NotaryRecord, fields: dict[str, Any], now: datetime) -> bool:
    """Write what came of it, unless somebody's answer was verified meanwhile; return whether it was written."""
    open_ones = NotaryRecord.objects.filter(id=record.id).exclude(state=NotaryRecord.State.VERIFIED)
    changed = open_ones.update(attempts=Least(F("attempts") + 1, Value(MOST_ATTEMPTS)), **fields)
    if changed and fields["state"] == NotaryRecord.State.VERIFIED:
        body = {"digest": record.digest, "notary": config.name, "kind": config.kind}
        leave_receipt(config, "adapters.digest.notarized", Actor.system(), now, body, links=[record.subject])
    return changed == 1


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
