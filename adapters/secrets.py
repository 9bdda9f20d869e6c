"""Secrets of adapters: references to where a value lives first, else the value sealed in the row.

A sealed value is a JWE (RFC 7516, A256GCMKW with A256GCM). Its protected header names tenant, adapter and field,
so that a row copied elsewhere does not open there. A value that cannot be had is an error, never its ciphertext.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import os
import re
import secrets as random
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from uuid import UUID

from django.conf import settings
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.registry import HeaderParameter
from pydantic import SecretStr

from adapters.models import Secret
from adapters.ports import AdapterError
from conductor.lib.canonical import sha256_hex
from conductor.lib.private_files import is_open_to_others, write_once

KEK_VARIABLE = "CONDUCTOR_KEK"
"""32 random bytes in base64. Several, separated by commas: the first seals, all of them open."""
KEK_FILE = "kek.key"
MAX_LENGTH = 16_384
"""Characters of a secret: room for a private key in PEM, not for a file."""

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/.+", re.DOTALL)
_REGISTRY = jwe.JWERegistry(
    header_registry={"ctx": HeaderParameter("Where the value belongs", "str", required=True)},
    algorithms=["A256GCMKW", "A256GCM"],
)
REDACTED = "[redacted]"
REFERENCE_FORMS = "env:NAME or file:/path"
"""How a reference looks, for people."""


class SecretUnavailable(AdapterError):
    """A secret cannot be had: not set, not readable, or not to be opened with the keys at hand."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True, code="secret_unavailable")


def is_reference(text: str) -> bool:
    """Return whether `text` says where a value lives (`env:NAME`, `file:/path`) instead of being one."""
    return bool(_REFERENCE.fullmatch(text))


def is_permitted(*, reference: str, tenant_slug: str) -> bool:
    """Return whether a tenant's own admin may use the reference (CONDUCTOR_SECRET_REFERENCES).

    Without this, an admin could have any variable or file of the installation sent to a server of their choice.
    """
    scheme, _, place = reference.partition(":")
    if scheme == "file" and ".." in PurePosixPath(place).parts:
        return False
    patterns = (each.strip().replace("{tenant}", tenant_slug) for each in settings.CONDUCTOR_SECRET_REFERENCES)
    return any(fnmatch.fnmatchcase(reference, pattern) for pattern in patterns if pattern)


def resolve(secret: Secret) -> SecretStr:
    """Return the value now; raise SecretUnavailable. Read anew each time, so that a rotated file is followed."""
    if secret.reference:
        return resolve_reference(secret.reference)
    context = context_of(tenant_id=secret.tenant_id, adapter_id=secret.adapter_id, field=secret.name)
    return unseal(secret.sealed, context=context)


def resolve_reference(reference: str) -> SecretStr:
    """Return the value that `env:NAME` or `file:/path` leads to; raise SecretUnavailable."""
    scheme, _, place = reference.partition(":")
    if not is_reference(reference):
        raise SecretUnavailable(f"a reference is {REFERENCE_FORMS}")
    value = os.environ.get(place, "") if scheme == "env" else _read(Path(place))
    if not value:
        raise SecretUnavailable(f"{reference} is not set" if scheme == "env" else f"{place} is empty")
    return SecretStr(value)


def context_of(*, tenant_id: UUID, adapter_id: UUID, field: str) -> str:
    """Return the place of a sealed value, as its header names it."""
    return f"{tenant_id}/{adapter_id}/{field}"


def seal(value: SecretStr, *, context: str) -> str:
    """Return the value as a compact JWE that opens in `context` only."""
    key = _keys(create=True)[0]
    header = {"alg": "A256GCMKW", "enc": "A256GCM", "kid": _kid(key), "typ": "JWE", "ctx": context}
    return jwe.encrypt_compact(header, value.get_secret_value(), OctKey.import_key(key), registry=_REGISTRY)


def unseal(sealed: str, *, context: str) -> SecretStr:
    """Return the sealed value; raise SecretUnavailable if no key opens it or it was sealed for another place."""
    for key in _keys(create=False):
        try:
            opened = jwe.decrypt_compact(sealed, OctKey.import_key(key), registry=_REGISTRY)
        except (JoseError, ValueError):
            continue
        # The header is authenticated, so this comparison cannot be talked out of.
        if opened.headers().get("ctx") != context:
            raise SecretUnavailable("the sealed value belongs to another tenant, adapter or field")
        return SecretStr((opened.plaintext or b"").decode())
    raise SecretUnavailable(f"no key opens the sealed value; is {KEK_VARIABLE} the one that it was sealed with?")


def scrubbed(text: str, *, values: Iterable[SecretStr]) -> str:
    """Return `text` without the values, for messages of programs that may repeat what they were given."""
    for value in values:
        plain = value.get_secret_value()
        if len(plain) >= 4:
            text = text.replace(plain, REDACTED)
    return text


def _read(path: Path) -> str:
    try:
        if is_open_to_others(path):
            raise SecretUnavailable(f"{path} is open to other users; run: chmod 600 {path}")
        return path.read_text().removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretUnavailable(f"{path} cannot be read") from error


def _keys(*, create: bool) -> list[bytes]:
    """Return the key-encryption keys, the sealing one first: the environment's, then the installation's own file."""
    keys = [_decode(each, KEK_VARIABLE) for each in os.environ.get(KEK_VARIABLE, "").split(",") if each.strip()]
    path = Path(settings.CONDUCTOR_KEYS_DIR) / KEK_FILE
    if create and not keys and not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_once(path=path, data=base64.urlsafe_b64encode(random.token_bytes(32)) + b"\n")
    if path.exists():
        keys.append(_decode(_read(path), str(path)))
    if not keys:
        raise SecretUnavailable(f"there is no key to open sealed values with: {KEK_VARIABLE} and {path} are missing")
    return keys


def _decode(text: str, source: str) -> bytes:
    try:
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise SecretUnavailable(f"{source} must hold 32 bytes in base64")
    return key


def _kid(key: bytes) -> str:
    """Return the name of a key: enough of its digest to tell keys apart, nothing of the key."""
    return sha256_hex(b"conductor kek" + key)[:16]
