"""Verbs on an adapter itself: connect, change, switch, test, remove."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from pydantic import BaseModel, ValidationError

from adapters import registry
from adapters.configuration import opening
from adapters.configuration.breaker import forget_failures
from adapters.configuration.receipts import ERROR_CHARACTERS, leave_receipt
from adapters.configuration.secrets import forget_secret, require_secrets, require_secrets_again, set_secret
from adapters.models.adapter import AdapterConfig, Delivery, NotaryRecord
from adapters.models.ticket import Ticket
from adapters.ports.destination import moved
from adapters.ports.protocols import AdapterError, Message, Port
from conductor.lib.errors import Conflict, Invalid
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.models import Environment

TEST_DIGEST = "0" * 64


class AdapterNameTaken(Conflict):
    """An adapter of this name exists already."""

    code = "adapter_name_taken"


class AdapterInUse(Conflict):
    """What this adapter sent, had notarized or opened is on record, so it can be disabled but not removed."""

    code = "adapter_in_use"


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
    forget: Collection[str] = (),
    adapter: AdapterConfig | None = None,
) -> AdapterConfig:
    """Connect an adapter, or change `adapter`; return it. Raise Invalid naming each setting or secret that is wrong.

    A secret is a reference (`env:NAME`, `file:/path`) or a value, which is sealed. Secrets not named stay, those named
    in `forget` go; a new adapter needs all that its kind cannot do without. Where a setting changes that decides
    where secrets go (adapters.ports.destination), nothing that is stored stays: each is given again, or forgotten.
    """
    require(actor=actor, permission="manage_adapters")
    known = _kind(kind if adapter is None else adapter.kind)
    _named(name)
    validated = _validate(known.load().config_model, settings, prefix="settings.")
    if adapter is None:
        require_secrets(kind=kind, given=secrets or {})
    row = adapter or AdapterConfig(tenant_id=tenant_id, kind=kind, port=known.port.value, created_at=now)
    given = {"settings": validated.model_dump(mode="json"), "secrets": secrets or {}, "forget": forget}
    try:
        with transaction.atomic():
            elsewhere = _moved(row, given) if adapter else []
            row.name, row.environment, row.updated_at = name.strip(), environment, now
            row.settings = given["settings"]
            row.tested_at, row.test_passed, row.test_code, row.test_detail = None, None, "", ""
            row.save()
            forget_failures(adapter=row)
            body = {"kind": row.kind, "port": row.port, "settings": sorted(row.settings), "destination": elsewhere}
            action = "adapters.config.changed" if adapter else "adapters.config.connected"
            leave_receipt(row, action, actor, now, body)
            for field, value in (secrets or {}).items():
                set_secret(adapter=row, name=field, value=value, actor=actor, now=now)
            for field in forget:
                forget_secret(adapter=row, name=field, actor=actor, now=now)
    except IntegrityError as error:
        raise AdapterNameTaken(fields={"name": ["Another adapter has this name."]}) from error
    return row


def _moved(row: AdapterConfig, given: Mapping[str, Any]) -> list[str]:
    """Return which parts of the destination change; raise Invalid for each stored secret that would go there unasked.

    The row is locked and read here: what the caller read before may be what somebody has just changed.
    """
    stored = AdapterConfig.objects.select_for_update().get(id=row.id).settings
    model = registry.kind(row.kind).load().config_model
    changed = moved(model, before=stored, after=given["settings"])
    if changed:
        require_secrets_again(adapter=row, given={*given["secrets"], *given["forget"]}, changed=changed)
    return changed


def switch_adapter(*, adapter: AdapterConfig, enabled: bool, actor: Actor, now: datetime) -> bool:
    """Enable or disable the adapter; return False if it was so already. Its history stays."""
    require(actor=actor, permission="manage_adapters")
    with transaction.atomic():
        changed = AdapterConfig.objects.filter(id=adapter.id, enabled=not enabled).update(
            enabled=enabled, updated_at=now
        )
        if changed:
            leave_receipt(adapter, f"adapters.config.{'enabled' if enabled else 'disabled'}", actor, now, {})
    return changed == 1


def remove_adapter(*, adapter: AdapterConfig, actor: Actor, now: datetime) -> None:
    """Remove an adapter and its secrets for good. Raise AdapterInUse if anything on record cites it."""
    require(actor=actor, permission="manage_adapters")
    with transaction.atomic():
        # Locked, so that no delivery of it can be prepared between the look and the removal.
        AdapterConfig.objects.select_for_update().get(id=adapter.id)
        if any(model.objects.filter(adapter=adapter).exists() for model in (Delivery, NotaryRecord, Ticket)):
            raise AdapterInUse
        leave_receipt(adapter, "adapters.config.removed", actor, now, {"kind": adapter.kind, "port": adapter.port})
        AdapterConfig.objects.filter(id=adapter.id).delete()


def try_adapter(*, adapter: AdapterConfig, actor: Actor, now: datetime) -> AdapterConfig:
    """Use the adapter once, harmlessly: send a test message, stamp a test digest, ask each query, look at the source.

    Of a tracker: who we are there. The row says how it went. Calls the outside: never inside a transaction that
    holds locks.
    """
    require(actor=actor, permission="manage_adapters")
    passed, code, detail = True, "", ""
    try:
        detail = _try_out(adapter, now)
    except AdapterError as error:
        passed, code, detail = False, error.code, error.message
    with transaction.atomic():
        AdapterConfig.objects.filter(id=adapter.id).update(
            tested_at=now, test_passed=passed, test_code=code[:40], test_detail=detail[:ERROR_CHARACTERS]
        )
        if passed:
            forget_failures(adapter=adapter)
        leave_receipt(adapter, "adapters.config.tested", actor, now, {"passed": passed, "code": code})
    adapter.refresh_from_db()
    return adapter


def _try_out(adapter: AdapterConfig, now: datetime) -> str:
    if adapter.port == Port.NOTARY.value:
        attested = opening.notary(adapter).attest(digest_hex=TEST_DIGEST, now=now).verification
        return f"Vouched for a test digest, verified by {attested.verified_by}."
    if adapter.port == Port.BACKUP.value:
        source = opening.backup(adapter).describe()
        return f"Reached {source.database} on {source.server} with {source.client}."
    if adapter.port == Port.METRICS.value:
        return _try_metrics(adapter, now)
    if adapter.port == Port.TICKETING.value:
        return opening.ticketing(adapter).describe()
    facts = {"Adapter": adapter.name}
    payload = {"title": "Test from Maestro Conductor", "text": "This adapter works.", "facts": facts}
    message = Message.of(event="adapters.config.tested", subject=adapter.ref, payload=payload, at=now)
    port = opening.notification(adapter)
    sent = port.send(message=message, key=f"test:{adapter.id}:{int(now.timestamp())}", now=now)
    warning = f" {sent.warning}." if sent.warning else ""
    return f"Sent to {port.recipient} as {sent.provider_id}.{warning}"


def _try_metrics(adapter: AdapterConfig, now: datetime) -> str:
    told = opening.metrics(adapter)
    measures = told.measures()
    for measure in measures:
        told.read(measure=measure.key, service="", environment="", start=now, end=now, step=timedelta(minutes=1))
    return f"{told.source} answered {len(measures)} of {len(measures)} queries."


def _kind(name: str) -> registry.Kind:
    try:
        return registry.kind(name)
    except registry.UnknownKind as error:
        known = ", ".join(registry.KINDS)
        raise Invalid(fields={"kind": [f"There is no kind {name!r}; there are {known}."]}) from error


def _named(name: str) -> None:
    if not name.strip():
        raise Invalid(fields={"name": ["Give it a name."]})
    if len(name.strip()) > 80:
        raise Invalid(fields={"name": ["A name has at most 80 characters."]})


def _validate(model: type[BaseModel], value: Mapping[str, Any], *, prefix: str) -> BaseModel:
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        raise Invalid(fields=opening.complaints(error, prefix=prefix)) from error
