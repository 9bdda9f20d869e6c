"""Sealing: a JWE (RFC 7516, A256GCMKW with A256GCM) whose protected header names its place and its key.

A sealed thing copied to another place does not open there. What does not open is an error, never its ciphertext.
"""

from __future__ import annotations

import base64
import json
from typing import Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.registry import HeaderParameter

from adapters.secrets.errors import SecretUnavailable

_REGISTRY: Final = jwe.JWERegistry(
    header_registry={"ctx": HeaderParameter("Where the value belongs", "str", required=True)},
    algorithms=["A256GCMKW", "A256GCM"],
)


def seal(value: bytes, *, key: bytes, key_id: str, context: str) -> str:
    """Return the value as a compact JWE that opens with `key`, in `context` only."""
    header = {"alg": "A256GCMKW", "enc": "A256GCM", "kid": key_id, "typ": "JWE", "ctx": context}
    return jwe.encrypt_compact(header, value, OctKey.import_key(key), registry=_REGISTRY)


def unseal(sealed: str, *, key: bytes, context: str) -> bytes:
    """Return what was sealed; raise SecretUnavailable if the key does not open it or it belongs elsewhere."""
    try:
        opened = jwe.decrypt_compact(sealed, OctKey.import_key(key), registry=_REGISTRY)
    except (JoseError, ValueError) as error:
        raise SecretUnavailable("the key does not open the sealed value, or it was changed") from error
    # The header is authenticated, so this comparison cannot be talked out of.
    if opened.headers().get("ctx") != context:
        raise SecretUnavailable("the sealed value belongs to another tenant, adapter or field")
    return opened.plaintext or b""


def key_id_of(sealed: str) -> str:
    """Return the name of the key that the sealed value says it needs; raise SecretUnavailable if it is none."""
    head = sealed.partition(".")[0]
    try:
        return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])
    except (ValueError, KeyError, TypeError) as error:
        raise SecretUnavailable("the sealed value cannot be read") from error
