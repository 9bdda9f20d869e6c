"""Verbs on the keys that seal a tenant's secrets: make, wrap anew, replace, check, destroy."""

from __future__ import annotations

import secrets as random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from pydantic import SecretStr

from adapters.models.adapter import DataKey, Secret
from adapters.ports.protocols import AdapterError
from adapters.secrets import (
    is_sealed_with_kek,
    key_context,
    open_data_key,
    resolve_reference,
    seal_value,
    unseal_value,
)
from adapters.secrets.keks import wrapping_kek
from adapters.secrets.places import sealed_places
from conductor.ledger.receipts import append
from conductor.lib.errors import Conflict
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require

KEY_BYTES = 32


class SealedWithoutTenantKey(Conflict):
    """Some secrets are sealed with the installation's own key, so destroying the tenant's would not destroy them.

    Run `manage.py secrets rotate --data-keys` first.
    """

    code = "sealed_without_tenant_key"


@dataclass(frozen=True)
class UsableKey:
    """A data key, unwrapped, in memory only."""

    version: int
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class Unopened:
    """A secret that cannot be had, and why."""

    label: str
    why: str


@dataclass(frozen=True)
class Verdict:
    """What opening every secret of a tenant found."""

    opened: int
    unopened: tuple[Unopened, ...]


def sealing_key(*, tenant_id: UUID, actor: Actor, now: datetime) -> UsableKey:
    """Return the tenant's key that seals, made if there is none, locked until the transaction ends."""
    for _attempt in range(2):
        row = _current(tenant_id)
        if row is not None:
            return UsableKey(row.version, open_data_key(row))
        try:
            with transaction.atomic():
                return _make(tenant_id=tenant_id, actor=actor, now=now)
        except IntegrityError:
            continue  # somebody was first; theirs is the one
    row = _current(tenant_id)
    assert row is not None
    return UsableKey(row.version, open_data_key(row))


def seal_text(*, tenant_id: UUID, value: SecretStr, context: str, actor: Actor, now: datetime) -> str:
    """Return the value sealed for its place. Whoever keeps it registers the place (adapters.secrets.places)."""
    key = sealing_key(tenant_id=tenant_id, actor=actor, now=now)
    return seal_value(value, key=key.key, version=key.version, context=context)


def rewrap_data_keys(*, tenant_id: UUID, actor: Actor, now: datetime) -> int:
    """Wrap every data key of the tenant with the first key-encryption key; return how many. Values stay as they are."""
    require(actor=actor, permission="manage_adapters")
    with transaction.atomic():
        rows = list(_keys(tenant_id).select_for_update().exclude(wrapped="").order_by("version"))
        before = sorted({row.kek_id for row in rows})
        for row in rows:
            context = key_context(tenant_id=tenant_id, version=row.version)
            kek_id, wrapped = wrapping_kek().wrap(open_data_key(row), context=context)
            DataKey.objects.filter(id=row.id).update(kek_id=kek_id, wrapped=wrapped)
        after = sorted(set(_keys(tenant_id).exclude(wrapped="").values_list("kek_id", flat=True)))
        _receipt(tenant_id, "adapters.keys.rewrapped", actor, now, {"keys": len(rows), "from": before, "to": after})
    return len(rows)


def rotate_data_key(*, tenant_id: UUID, actor: Actor, now: datetime) -> int:
    """Make a new data key, seal every value of the tenant with it, retire the one before; return how many values.

    All or nothing, whichever app keeps them: a value that does not open stops it, and `verify_secrets` says which.
    """
    require(actor=actor, permission="manage_adapters")
    with transaction.atomic():
        # Locked, so that no secret can be sealed with the old key meanwhile.
        list(_keys(tenant_id).select_for_update().filter(retired_at=None))
        _keys(tenant_id).filter(retired_at=None).update(retired_at=now)
        new = _make(tenant_id=tenant_id, actor=actor, now=now)
        places = sealed_places(tenant_id)
        for place in places:
            value = unseal_value(place.sealed, tenant_id=tenant_id, context=place.context)
            place.put(seal_value(value, key=new.key, version=new.version, context=place.context))
        _receipt(tenant_id, "adapters.keys.rotated", actor, now, {"version": new.version, "values": len(places)})
    return len(places)


def verify_secrets(*, tenant_id: UUID, actor: Actor, now: datetime) -> Verdict:
    """Open every secret of the tenant, references too, and say which do not open. No value leaves this function."""
    require(actor=actor, permission="manage_adapters")
    opened, unopened = 0, []
    for label, attempt in _attempts(tenant_id):
        try:
            attempt()
            opened += 1
        except AdapterError as error:
            unopened.append(Unopened(label, error.message))
    with transaction.atomic():
        body = {"opened": opened, "unopened": [each.label for each in unopened]}
        _receipt(tenant_id, "adapters.secrets.verified", actor, now, body)
    return Verdict(opened, tuple(unopened))


def destroy_data_keys(*, tenant_id: UUID, reason: str, actor: Actor, now: datetime) -> int:
    """Destroy every data key of the tenant, and with it every sealed value (crypto-shredding); return how many keys.

    References are not touched: what they lead to is elsewhere. Copies of the database keep wrapped keys until they
    expire, or until the key-encryption key that wrapped them is gone.
    """
    require(actor=actor, permission="manage_adapters")
    with transaction.atomic():
        rows = _keys(tenant_id).select_for_update().exclude(wrapped="")
        if any(is_sealed_with_kek(each.sealed) for each in sealed_places(tenant_id)):
            raise SealedWithoutTenantKey
        versions = [row.version for row in rows]
        _keys(tenant_id).filter(version__in=versions, retired_at=None).update(retired_at=now)
        _keys(tenant_id).filter(version__in=versions).update(wrapped="", destroyed_at=now)
        _receipt(tenant_id, "adapters.keys.destroyed", actor, now, {"versions": versions, "reason": reason[:300]})
    return len(versions)


def _attempts(tenant_id: UUID) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield a label for each secret of the tenant, and what opens it."""
    referred = Secret.objects.filter(tenant_id=tenant_id).exclude(reference="").select_related("adapter")
    for secret in referred.order_by("adapter__name", "name"):
        yield f"{secret.adapter.name}: {secret.name}", partial(resolve_reference, secret.reference)
    for place in sealed_places(tenant_id):
        yield place.label, partial(unseal_value, place.sealed, tenant_id=tenant_id, context=place.context)


def _keys(tenant_id: UUID) -> QuerySet[DataKey]:
    return DataKey.objects.filter(tenant_id=tenant_id)


def _current(tenant_id: UUID) -> DataKey | None:
    return _keys(tenant_id).select_for_update().filter(retired_at=None).first()


def _make(*, tenant_id: UUID, actor: Actor, now: datetime) -> UsableKey:
    newest = _keys(tenant_id).aggregate(newest=Max("version"))["newest"] or 0
    version, key = newest + 1, random.token_bytes(KEY_BYTES)
    kek_id, wrapped = wrapping_kek().wrap(key, context=key_context(tenant_id=tenant_id, version=version))
    DataKey.objects.create(tenant_id=tenant_id, version=version, kek_id=kek_id, wrapped=wrapped, created_at=now)
    _receipt(tenant_id, "adapters.key.made", actor, now, {"version": version, "kek": kek_id})
    return UsableKey(version, key)


def _receipt(tenant_id: UUID, action: str, actor: Actor, now: datetime, body: Mapping[str, Any]) -> None:
    append(
        tenant_id=tenant_id, action=action, subject=ref("tenancy.tenant", tenant_id), actor=actor, now=now, body=body
    )
