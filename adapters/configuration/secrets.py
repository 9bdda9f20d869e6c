"""Verbs on an adapter's secrets: give one, forget one. What was stored can be read back by nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from adapters import registry
from adapters.configuration import opening
from adapters.configuration.receipts import leave_receipt
from adapters.models.adapter import REFERENCE_CHARACTERS, AdapterConfig, Secret
from adapters.ports.protocols import AdapterError
from adapters.secrets import MAX_LENGTH, REFERENCE_FORMS, context_of, is_permitted, is_reference
from adapters.secrets.data_keys import seal_text
from adapters.secrets.places import SealedPlace
from conductor.lib.errors import Conflict, Invalid
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.models import Tenant


class KeysUnavailable(Conflict):
    """No value can be sealed now, because the installation's keys are out of reach."""

    code = "keys_unavailable"


def set_secret(*, adapter: AdapterConfig, name: str, value: str, actor: Actor, now: datetime) -> Secret:
    """Give the adapter a secret, in place of the one before; its last test no longer counts.

    A tenant's own admin may use only the references that the operator permits (CONDUCTOR_SECRET_REFERENCES).
    Raise Invalid with the complaint under `secrets.<name>`, never with the value.
    """
    require(actor=actor, permission="manage_adapters")
    _field(adapter, name)
    if complaint := _complaint(adapter, name, value, actor):
        raise Invalid(fields={f"secrets.{name}": [complaint]})
    with transaction.atomic():
        reference = value if is_reference(value) else ""
        sealed = "" if reference else _sealed(adapter, name, value, actor, now)
        secret, _created = Secret.objects.update_or_create(
            tenant_id=adapter.tenant_id,
            adapter=adapter,
            name=name,
            defaults={"reference": reference, "sealed": sealed, "set_at": now, "set_by": actor.ref},
        )
        _untested(adapter, now)
        leave_receipt(adapter, "adapters.secret.set", actor, now, {"secret": name, "kept": secret.scheme})
    return secret


def forget_secret(*, adapter: AdapterConfig, name: str, actor: Actor, now: datetime) -> bool:
    """Remove a secret that the kind can do without; return False if there was none."""
    require(actor=actor, permission="manage_adapters")
    if _field(adapter, name).is_required():
        raise Invalid(fields={f"secrets.{name}": [f"{adapter.kind} cannot do without it; give another one instead."]})
    with transaction.atomic():
        removed, _by_model = Secret.objects.filter(adapter=adapter, name=name).delete()
        if removed:
            _untested(adapter, now)
            leave_receipt(adapter, "adapters.secret.forgotten", actor, now, {"secret": name})
    return removed > 0


def require_secrets(*, kind: str, given: Mapping[str, str]) -> None:
    """Raise Invalid naming each secret that a new adapter of the kind needs and was not given."""
    fields = registry.kind(kind).load().secrets_model.model_fields
    missing = [name for name, field in fields.items() if field.is_required() and not given.get(name)]
    if missing:
        raise Invalid(fields={f"secrets.{name}": ["This is needed."] for name in missing})


def require_secrets_again(*, adapter: AdapterConfig, given: Collection[str], changed: Collection[str]) -> None:
    """Raise Invalid naming each stored secret that is not `given`, now that `changed` settings send it elsewhere.

    Who may change an adapter may not read its secrets, and must not have them sent to an address of their own.
    """
    stored = Secret.objects.filter(adapter=adapter).order_by("name").values_list("name", flat=True)
    if missing := [name for name in stored if name not in given]:
        words = ", ".join(name.replace("_", " ") for name in changed)
        why = f"It was given for another destination, and this changes: {words}. Give it again."
        raise Invalid(fields={f"secrets.{name}": [why] for name in missing})


def _field(adapter: AdapterConfig, name: str) -> FieldInfo:
    known = registry.kind(adapter.kind).load().secrets_model.model_fields
    if name not in known:
        has = ", ".join(known) or "none"
        raise Invalid(fields={f"secrets.{name}": [f"{adapter.kind} has no such secret; it has {has}."]})
    return known[name]


def _untested(adapter: AdapterConfig, now: datetime) -> None:
    AdapterConfig.objects.filter(id=adapter.id).update(
        tested_at=None, test_passed=None, test_code="", test_detail="", updated_at=now
    )


def secret_places(tenant_id: UUID) -> Iterator[SealedPlace]:
    """Yield the sealed secrets of the tenant's adapters (adapters.secrets.places)."""
    sealed = Secret.objects.filter(tenant_id=tenant_id).exclude(sealed="").select_related("adapter")
    for row in sealed.order_by("adapter__name", "name"):
        context = context_of(tenant_id=tenant_id, adapter_id=row.adapter_id, field=row.name)
        yield SealedPlace(f"{row.adapter.name}: {row.name}", row.sealed, context, partial(_put, row.id))


def _put(secret_id: UUID, sealed: str) -> None:
    Secret.objects.filter(id=secret_id).update(sealed=sealed)


def _sealed(adapter: AdapterConfig, name: str, value: str, actor: Actor, now: datetime) -> str:
    context = context_of(tenant_id=adapter.tenant_id, adapter_id=adapter.id, field=name)
    try:
        return seal_text(tenant_id=adapter.tenant_id, value=SecretStr(value), context=context, actor=actor, now=now)
    except AdapterError as error:
        why = f"No value can be sealed now: {error.message}. Give a reference, or ask the operator."
        raise KeysUnavailable(why) from error


def _complaint(adapter: AdapterConfig, name: str, value: str, actor: Actor) -> str:
    """Return why the value or reference cannot be taken, or nothing."""
    if not value:
        return "Give a value, or a reference such as env:NAME."
    if is_reference(value):
        slug = Tenant.objects.values_list("slug", flat=True).get(id=adapter.tenant_id)
        permitted = actor.channel == "cli" or is_permitted(reference=value, tenant_slug=slug)
        too_long = len(value) > REFERENCE_CHARACTERS
        refused = "" if permitted else "The operator does not let your organisation use this reference."
        return "This reference is too long." if too_long else refused
    extra = _field(adapter, name).json_schema_extra
    if isinstance(extra, Mapping) and extra.get("reference_only"):
        return f"Give a reference, {REFERENCE_FORMS}: this value is not kept here."
    if len(value) > MAX_LENGTH:
        return f"A secret has at most {MAX_LENGTH} characters."
    return _shape(adapter, name, value)


def _shape(adapter: AdapterConfig, name: str, value: str) -> str:
    """Return what the kind itself says against the value. Complaints about its other secrets are not this one's."""
    try:
        registry.kind(adapter.kind).load().secrets_model.model_validate({name: value})
    except ValidationError as error:
        return " ".join(opening.complaints(error).get(name, []))
    return ""
