"""Key-encryption keys: what wraps the tenants' data keys. From the environment, a file, or Vault's transit engine.

The first one wraps, all of them unwrap; so a new one is put in front, `manage.py secrets rotate` wraps anew, and the
old one can go.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets as random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from django.conf import settings

from adapters.secrets.errors import SecretUnavailable
from adapters.secrets.references import read_private
from adapters.secrets.sealing import seal, unseal
from adapters.transport import vault
from conductor.lib.canonical import sha256_hex
from conductor.lib.private_files import write_once

KEK_VARIABLE: Final = "CONDUCTOR_KEK"
"""32 random bytes in base64. Several, separated by commas: the first wraps, all of them unwrap."""
KEK_FILE_VARIABLE: Final = "CONDUCTOR_KEK_FILE"
KEK_VAULT_VARIABLE: Final = "CONDUCTOR_KEK_VAULT"
"""`mount/name` of a key of Vault's transit engine."""
KEK_FILE: Final = "kek.key"
DEVELOPMENT: Final = "# made for development"
_HOW: Final = f"set {KEK_VARIABLE}, {KEK_FILE_VARIABLE} or {KEK_VAULT_VARIABLE}"


class Kek(Protocol):
    """Wraps and unwraps data keys."""

    @property
    def id(self) -> str:
        """Its name: enough to tell keys apart, nothing of the key."""
        ...

    def wrap(self, key: bytes, *, context: str) -> tuple[str, str]:
        """Return the id of the very key that wrapped, and the wrapped data key, which unwraps in `context` only."""
        ...

    def unwrap(self, wrapped: str, *, context: str) -> bytes:
        """Return the data key; raise SecretUnavailable, or a temporary AdapterError if the key is out of reach."""
        ...


@dataclass(frozen=True)
class LocalKek:
    """A key that this process holds."""

    key: bytes = field(repr=False)

    @property
    def id(self) -> str:
        return sha256_hex(b"conductor kek" + self.key)[:16]

    def wrap(self, key: bytes, *, context: str) -> tuple[str, str]:
        return self.id, seal(key, key=self.key, key_id=self.id, context=context)

    def unwrap(self, wrapped: str, *, context: str) -> bytes:
        return unseal(wrapped, key=self.key, context=context)


@dataclass(frozen=True)
class TransitKek:
    """A key that never leaves Vault. The context is associated data, so that it is bound there too."""

    place: str

    @property
    def id(self) -> str:
        return f"vault:{self.place}"

    def wrap(self, key: bytes, *, context: str) -> tuple[str, str]:
        wrapped = vault.encrypt(key=self.place, plaintext=key, context=context)
        return f"{self.id}:{wrapped.split(':')[1]}", wrapped  # vault:v3:…

    def unwrap(self, wrapped: str, *, context: str) -> bytes:
        return vault.decrypt(key=self.place, ciphertext=wrapped, context=context)


def wrapping_kek() -> Kek:
    """Return the key that wraps new data keys; in development one is made if there is none."""
    found = keks()
    if found:
        return found[0]
    if settings.PRODUCTION:
        raise SecretUnavailable(f"there is no key-encryption key; {_HOW}")
    path = _file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = base64.urlsafe_b64encode(random.token_bytes(32))
    write_once(path=path, data=made + b"\n" + DEVELOPMENT.encode() + b"\n")
    return keks()[0]


def kek_named(kek_id: str) -> Kek:
    """Return the key that wrapped something as `kek_id`; raise SecretUnavailable if it is not at hand."""
    for each in keks():
        # Vault adds the version of its key.
        if kek_id == each.id or (isinstance(each, TransitKek) and kek_id.startswith(f"{each.id}:")):
            return each
    raise SecretUnavailable(f"the key-encryption key {kek_id} is not at hand; {_HOW} to what it was")


def keks() -> list[Kek]:
    """Return every key at hand, the wrapping one first: Vault's, the environment's, then the file's."""
    place = os.environ.get(KEK_VAULT_VARIABLE, "")
    found: list[Kek] = [TransitKek(place)] if place else []
    return [*found, *local_keks()]


def local_keks() -> list[LocalKek]:
    """Return the keys that this process itself holds."""
    found = [_decoded(each, KEK_VARIABLE) for each in os.environ.get(KEK_VARIABLE, "").split(",") if each.strip()]
    if _file().exists():
        found.append(_decoded(read_private(_file()).splitlines()[0], str(_file())))
    return found


def complaint_about_kek() -> str:
    """Return why the wrapping key must not protect anything in production, or nothing."""
    try:
        found = keks()
        made_for_development = _file().exists() and DEVELOPMENT in read_private(_file())
    except SecretUnavailable as error:
        return error.message
    if not found:
        return f"there is no key-encryption key for secrets; {_HOW}"
    first = found[0]
    if isinstance(first, LocalKek):
        if len(set(first.key)) < 16:
            return "the key-encryption key is not random; make one with: manage.py secrets new-kek"
        if made_for_development and first == found[-1]:
            return (
                f"the key-encryption key {_file()} was made for development; {_HOW} and run: manage.py secrets rotate"
            )
    return ""


def _file() -> Path:
    named = os.environ.get(KEK_FILE_VARIABLE, "")
    return Path(named) if named else Path(settings.CONDUCTOR_KEYS_DIR) / KEK_FILE


def _decoded(text: str, source: str) -> LocalKek:
    try:
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise SecretUnavailable(f"{source} must hold 32 bytes in base64")
    return LocalKek(key)
