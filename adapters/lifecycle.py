"""Verbs on adapters: configure, give secrets, switch off, test, deliver messages, have digests notarized."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from pydantic import BaseModel, SecretStr, ValidationError

from adapters import opening, registry
from adapters.models import AdapterConfig, Delivery, NotaryRecord, Secret
from adapters.ports import AdapterError, Attestation, AttestationRefused, Message, Port
from adapters.secrets import context_of, is_permitted, is_reference, seal
from conductor.ledger.receipts import append
from conductor.lib.errors import Conflict, Invalid
from conductor.lib.refs import Ref
from conductor.observability.metrics import DELIVERIES
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.models import Environment, Tenant
from conductor.tenancy.scope import tenant_scope

TEST_DIGEST = "0" * 64
ERROR_CHARACTERS = 500


class AdapterNameTaken(Conflict):
    """An adapter of this name exists already."""

    code = "adapter_name_taken"


# Configuration -----------------------------------------------------------------------------------
def configure_adapter(
    *,
    tenant_id: UUID,
    kind: str,
    name: str,
    settings: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    environment: Environment | None = None,
    secrets: Mapping[str, str] | None = None,
    adapter: AdapterConfig | None = None,
) -> AdapterConfig:
    """Connect an adapter, or change `adapter`; return it. Raise Invalid naming each setting or secret that is wrong.

    A secret is a reference (`env:NAME`, `file:/path`) or a value, which is sealed. Secrets not named stay.
    """
    require(actor=actor, permission="manage_adapters")
    model = _kind(kind).load().config_model
    validated = _validate(model, settings, prefix="settings.")
    row = adapter or AdapterConfig(tenant_id=tenant_id, kind=kind, port=_kind(kind).port.value, created_at=now)
    row.name, row.environment, row.updated_at = name, environment, now
    row.settings = validated.model_dump(mode="json")
    row.tested_at = row.test_passed = None
    try:
        with transaction.atomic():
            row.save()
            body = {"kind": kind, "port": row.port, "settings": sorted(row.settings)}
            _receipt(row, "adapters.config.changed" if adapter else "adapters.config.connected", actor, now, body)
            for field, value in (secrets or {}).items():
                set_secret(adapter=row, name=field, value=value, actor=actor, now=now)
    except IntegrityError as error:
        raise AdapterNameTaken from error
    return row


def set_secret(*, adapter: AdapterConfig, name: str, value: str, actor: Actor, now: datetime) -> Secret:
    """Give the adapter a secret, in place of the one before. Nothing that was stored can be read back by anybody.

    A tenant's own admin may use only the references that the operator permits (CONDUCTOR_SECRET_REFERENCES).
    """
    require(actor=actor, permission="manage_adapters")
    known = _kind(adapter.kind).load().secrets_model.model_fields
    if name not in known:
        raise Invalid(fields={f"secrets.{name}": [f"{adapter.kind} has no such secret; it has {', '.join(known)}."]})
    reference, sealed = _store(adapter, name, value, actor)
    with transaction.atomic():
        secret, _created = Secret.objects.update_or_create(
            tenant_id=adapter.tenant_id,
            adapter=adapter,
            name=name,
            defaults={"reference": reference, "sealed": sealed, "set_at": now, "set_by": actor.ref},
        )
        how = reference.partition(":")[0] if reference else "sealed"
        _receipt(adapter, "adapters.secret.set", actor, now, {"secret": name, "kept": how})
    return secret


def switch_adapter(*, adapter: AdapterConfig, enabled: bool, actor: Actor, now: datetime) -> bool:
    """Enable or disable the adapter; return False if it was so already. Its history stays."""
    require(actor=actor, permission="manage_adapters")
    with transaction.atomic():
        changed = AdapterConfig.objects.filter(id=adapter.id, enabled=not enabled).update(
            enabled=enabled, updated_at=now
        )
        if changed:
            _receipt(adapter, f"adapters.config.{'enabled' if enabled else 'disabled'}", actor, now, {})
    return changed == 1


def try_adapter(*, adapter: AdapterConfig, actor: Actor, now: datetime) -> AdapterConfig:
    """Use the adapter once, harmlessly: send a test message, stamp a test digest, or look at the source.

    The row says how it went. Calls the outside: never inside a transaction that holds locks.
    """
    require(actor=actor, permission="manage_adapters")
    passed, detail = True, ""
    try:
        detail = _try_out(adapter, now)
    except AdapterError as error:
        passed, detail = False, error.message
    with transaction.atomic():
        AdapterConfig.objects.filter(id=adapter.id).update(
            tested_at=now, test_passed=passed, test_detail=detail[:ERROR_CHARACTERS]
        )
        _receipt(adapter, "adapters.config.tested", actor, now, {"passed": passed})
    adapter.refresh_from_db()
    return adapter


# Messages ----------------------------------------------------------------------------------------
def deliver(
    *,
    tenant_id: UUID,
    event: str,
    subject: Ref,
    payload: Mapping[str, Any],
    key: str,
    now: datetime,
    environment_id: UUID | None = None,
) -> list[Delivery]:
    """Send a message through every enabled notification adapter of the environment; return the deliveries.

    Not inside a transaction: each outcome is committed by itself. What was SENT under this `key` is not sent again.
    After a lost answer it is, under the same key, by which the receiver can tell. A failure for good is recorded
    and holds nobody else up; a temporary one is raised after all were tried, so that the engine tries again.
    """
    message = Message.of(event=event, subject=subject, payload=payload, at=now)
    trouble: AdapterError | None = None
    with tenant_scope(tenant_id):
        prepared = [_prepare(config, message, key, now) for config in _enabled(Port.NOTIFICATION, environment_id)]
    for delivery in prepared:
        if delivery.status == Delivery.Status.PENDING:
            trouble = _send(delivery, now) or trouble
    with tenant_scope(tenant_id):
        ids = [delivery.id for delivery in prepared]
        found = list(Delivery.objects.filter(id__in=ids).select_related("adapter").order_by("adapter__name"))
    if trouble is not None:
        raise trouble
    return found


def _prepare(config: AdapterConfig, message: Message, key: str, now: datetime) -> Delivery:
    delivery, _created = Delivery.objects.get_or_create(
        tenant_id=config.tenant_id,
        adapter=config,
        key=key[:160],
        defaults={
            "subject": message.subject,
            "event": message.event,
            "message": message.as_json(),
            "created_at": now,
        },
    )
    return delivery


def _send(delivery: Delivery, now: datetime) -> AdapterError | None:
    """Send one message and record how it went; return a temporary failure for the caller to raise."""
    message = Message.of(
        event=delivery.event, subject=delivery.subject, payload=delivery.message, at=delivery.created_at
    )
    fields: dict[str, Any]
    failure: AdapterError | None = None
    recipient = ""
    try:
        with tenant_scope(delivery.tenant_id):
            adapter = opening.notification(delivery.adapter)
        recipient = adapter.recipient
        sent = adapter.send(message=message, key=delivery.key, now=now)
        fields = {"status": Delivery.Status.SENT, "sent_at": now, "provider_id": sent.provider_id[:200]}
        fields["error"] = sent.warning[:ERROR_CHARACTERS]
    except AdapterError as error:
        status = Delivery.Status.FAILED if error.permanent else Delivery.Status.PENDING
        fields = {"status": status, "error": error.message[:ERROR_CHARACTERS]}
        failure = None if error.permanent else error
    with tenant_scope(delivery.tenant_id):
        pending = Delivery.objects.filter(id=delivery.id, status=Delivery.Status.PENDING)
        pending.update(attempts=F("attempts") + 1, recipient=recipient[:200], **fields)
    DELIVERIES.labels(delivery.adapter.kind, str(fields["status"]).lower()).inc()
    return failure


# Notaries ----------------------------------------------------------------------------------------
def notarize(
    *, tenant_id: UUID, subject: Ref, digest: str, now: datetime, environment_id: UUID | None = None
) -> list[NotaryRecord]:
    """Have every enabled notary vouch for the digest; return what is known of each. Not inside a transaction.

    A digest that a notary has vouched for is not sent to it again. Failures are in the records, not raised.
    """
    with tenant_scope(tenant_id):
        records = [_record_for(config, subject, digest, now) for config in _enabled(Port.NOTARY, environment_id)]
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
            _receipt(record.adapter, "adapters.digest.notarized", Actor.system(), now, body, links=[record.subject])


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


# Shared ------------------------------------------------------------------------------------------
def _enabled(port: Port, environment_id: UUID | None) -> list[AdapterConfig]:
    """Return the adapters of the port that serve the environment: its own and those for every environment."""
    here = Q(environment_id=environment_id) | Q(environment=None)
    return list(AdapterConfig.objects.filter(here, port=port.value, enabled=True).order_by("name"))


def _kind(name: str) -> registry.Kind:
    try:
        return registry.kind(name)
    except registry.UnknownKind as error:
        known = ", ".join(registry.KINDS)
        raise Invalid(fields={"kind": [f"There is no kind {name!r}; there are {known}."]}) from error


def _validate(model: type[BaseModel], value: Mapping[str, Any], *, prefix: str) -> BaseModel:
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        raise Invalid(fields=opening.complaints(error, prefix=prefix)) from error


def _store(adapter: AdapterConfig, name: str, value: str, actor: Actor) -> tuple[str, str]:
    """Return (reference, sealed value), one of them empty."""
    if not value:
        raise Invalid(fields={f"secrets.{name}": ["Give a value, or a reference such as env:NAME."]})
    if not is_reference(value):
        context = context_of(tenant_id=adapter.tenant_id, adapter_id=adapter.id, field=name)
        return "", seal(SecretStr(value), context=context)
    slug = Tenant.objects.values_list("slug", flat=True).get(id=adapter.tenant_id)
    if actor.channel != "cli" and not is_permitted(reference=value, tenant_slug=slug):
        raise Invalid(fields={f"secrets.{name}": ["The operator does not let your organisation use this reference."]})
    return value, ""


def _try_out(adapter: AdapterConfig, now: datetime) -> str:
    if adapter.port == Port.NOTARY.value:
        attested = opening.notary(adapter).attest(digest_hex=TEST_DIGEST, now=now).verification
        return f"Vouched for a test digest, verified by {attested.verified_by}."
    if adapter.port == Port.BACKUP.value:
        source = opening.backup(adapter).describe()
        return f"Reached {source.database} on {source.server} with {source.client}."
    if adapter.port == Port.METRICS.value:
        told = opening.metrics(adapter)
        measures = told.measures()
        for measure in measures:
            told.read(measure=measure.key, service="", environment="", start=now, end=now, step=timedelta(minutes=1))
        return f"{told.source} answered {len(measures)} of {len(measures)} queries."
    facts = {"Adapter": adapter.name}
    payload = {"title": "Test from Maestro Conductor", "text": "This adapter works.", "facts": facts}
    message = Message.of(event="adapters.config.tested", subject=adapter.ref, payload=payload, at=now)
    port = opening.notification(adapter)
    sent = port.send(message=message, key=f"test:{adapter.id}:{int(now.timestamp())}", now=now)
    return f"Sent to {port.recipient} as {sent.provider_id}."


def _receipt(
    adapter: AdapterConfig, action: str, actor: Actor, now: datetime, body: Mapping[str, Any], *, links: Any = ()
) -> None:
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
