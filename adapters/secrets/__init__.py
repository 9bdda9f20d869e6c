"""Secrets of adapters: references to where a value lives first, else the value sealed with a key of the tenant's own.

Values are resolved at use, in memory, and never written anywhere again.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pydantic import SecretStr

from adapters.models.adapter import DataKey, Secret
from adapters.secrets.errors import SecretUnavailable
from adapters.secrets.keks import kek_named, local_keks
from adapters.secrets.references import (
    REFERENCE_FORMS,
    is_permitted,
    is_reference,
    resolve_reference,
)
from adapters.secrets.sealing import key_id_of, seal, unseal

MAX_LENGTH: Final = 16_384
"""Characters of a secret: room for a private key in PEM, not for a file."""
_DATA_KEY: Final = "dk"

__all__ = [
    "MAX_LENGTH",
    "REFERENCE_FORMS",
    "SecretUnavailable",
    "context_of",
    "data_key_id",
    "is_permitted",
    "is_reference",
    "is_sealed_with_kek",
    "key_context",
    "open_data_key",
    "resolve",
    "resolve_reference",
    "seal_value",
    "unseal_value",
]


def resolve(secret: Secret) -> SecretStr:
    """Return the value now; raise SecretUnavailable. Needs the tenant's scope."""
    if secret.reference:
        return resolve_reference(secret.reference)
    context = context_of(tenant_id=secret.tenant_id, adapter_id=secret.adapter_id, field=secret.name)
    return unseal_value(secret.sealed, tenant_id=secret.tenant_id, context=context)


def context_of(*, tenant_id: UUID, adapter_id: UUID, field: str) -> str:
    """Return the place of a sealed value, as its header names it."""
    return f"{tenant_id}/{adapter_id}/{field}"


def key_context(*, tenant_id: UUID, version: int) -> str:
    """Return the place of a wrapped data key."""
    return f"{tenant_id}/data-key/{version}"


def data_key_id(version: int) -> str:
    """Return the name of a data key in the header of what it sealed."""
    return f"{_DATA_KEY}{version}"


def open_data_key(row: DataKey) -> bytes:
    """Return the data key; raise SecretUnavailable if it is destroyed or its key-encryption key is not at hand."""
    if not row.wrapped:
        raise SecretUnavailable(f"data key {row.version} was destroyed, and with it what it sealed")
    context = key_context(tenant_id=row.tenant_id, version=row.version)
    return kek_named(row.kek_id).unwrap(row.wrapped, context=context)


def seal_value(value: SecretStr, *, key: bytes, version: int, context: str) -> str:
    """Return the value sealed with the tenant's data key of that version."""
    return seal(value.get_secret_value().encode(), key=key, key_id=data_key_id(version), context=context)


def unseal_value(sealed: str, *, tenant_id: UUID, context: str) -> SecretStr:
    """Return the sealed value; raise SecretUnavailable. Needs the tenant's scope."""
    key_id = key_id_of(sealed)
    if is_sealed_with_kek(sealed):
        return _unsealed_with_kek(sealed, key_id, context)
    version = key_id.removeprefix(_DATA_KEY)
    rows = DataKey.objects.filter(tenant_id=tenant_id, version=int(version) if version.isdecimal() else 0)
    row = rows.first()
    if row is None:
        raise SecretUnavailable(f"the data key {key_id} of the sealed value is not here")
    return SecretStr(unseal(sealed, key=open_data_key(row), context=context).decode())


def is_sealed_with_kek(sealed: str) -> bool:
    """Return whether the value was sealed before tenants had keys of their own; rotating seals it anew."""
    return not key_id_of(sealed).startswith(_DATA_KEY)


def _unsealed_with_kek(sealed: str, key_id: str, context: str) -> SecretStr:
    for kek in local_keks():
        if kek.id == key_id:
            return SecretStr(unseal(sealed, key=kek.key, context=context).decode())
    raise SecretUnavailable(f"the key-encryption key {key_id} that sealed the value is not at hand")
