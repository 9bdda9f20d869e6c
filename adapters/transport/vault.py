"""HashiCorp Vault over its HTTP API: KV version 2 for references, transit for wrapping. The operator names the server.

CONDUCTOR_VAULT_ADDR, CONDUCTOR_VAULT_TOKEN or CONDUCTOR_VAULT_TOKEN_FILE (read anew, so that an agent may renew it),
CONDUCTOR_VAULT_NAMESPACE (developer.hashicorp.com/vault/api-docs).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from adapters.ports.installation import installation
from adapters.ports.protocols import AdapterError
from adapters.transport.http import call
from conductor.lib.private_files import is_open_to_others

TIMEOUT_SECONDS: Final = 5.0
ANSWER_BYTES: Final = 262_144


class VaultRefused(AdapterError):
    """Vault answered, and not with what was asked for. Its words are left out: they may quote the path's content."""

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message, permanent=permanent, code="vault_refused")


def read(*, path: str, field: str) -> str:
    """Return one field of the newest version of `mount/path` (KV version 2); raise AdapterError."""
    mount, _, inside = path.partition("/")
    data = _ask("GET", f"{mount}/data/{inside}").get("data")
    value = data.get(field) if isinstance(data, dict) else None
    if not isinstance(value, str):
        raise VaultRefused(f"vault:{path} has no text field {field}")
    return value


def encrypt(*, key: str, plaintext: bytes, context: str) -> str:
    """Return `vault:v<n>:…` of the plaintext by the transit key `mount/name`, bound to the context."""
    mount, _, name = key.rpartition("/")
    told = {"plaintext": _base64(plaintext), "associated_data": _base64(context.encode())}
    ciphertext = _ask("POST", f"{mount}/encrypt/{name}", told).get("ciphertext")
    if not isinstance(ciphertext, str) or ciphertext.count(":") < 2:
        raise VaultRefused(f"the transit key {key} gave no ciphertext")
    return ciphertext


def decrypt(*, key: str, ciphertext: str, context: str) -> bytes:
    """Return the plaintext; raise AdapterError if it is of another key or context."""
    mount, _, name = key.rpartition("/")
    told = {"ciphertext": ciphertext, "associated_data": _base64(context.encode())}
    try:
        return base64.b64decode(str(_ask("POST", f"{mount}/decrypt/{name}", told).get("plaintext")), validate=True)
    except binascii.Error as error:
        raise VaultRefused(f"the transit key {key} gave no plaintext") from error


def _ask(method: str, path: str, told: dict[str, str] | None = None) -> dict[str, Any]:
    address = os.environ.get("CONDUCTOR_VAULT_ADDR", "").rstrip("/")
    if not address:
        raise VaultRefused("CONDUCTOR_VAULT_ADDR is not set")
    headers = {"x-vault-token": _token(), "x-vault-request": "true", "content-type": "application/json"}
    if namespace := os.environ.get("CONDUCTOR_VAULT_NAMESPACE", ""):
        headers["x-vault-namespace"] = namespace
    answer = call(
        method=method,
        url=f"{address}/v1/{path}",
        body=json.dumps(told).encode() if told else b"",
        headers=headers,
        timeout_seconds=TIMEOUT_SECONDS,
        max_bytes=ANSWER_BYTES,
        installation=installation(),
        operators=True,
    )
    if answer.status != 200:
        # 5xx: sealed, standby or overloaded. 429: standby or a quota.
        temporary = answer.status >= 500 or answer.status == 429
        host = urlsplit(address).hostname
        raise VaultRefused(f"Vault at {host} answered {answer.status} to {method} {path}", permanent=not temporary)
    try:
        data = json.loads(answer.body)["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise VaultRefused(f"Vault's answer to {method} {path} is in no known shape") from error
    return data if isinstance(data, dict) else {}


def _token() -> str:
    file = os.environ.get("CONDUCTOR_VAULT_TOKEN_FILE", "")
    try:
        if file and is_open_to_others(Path(file)):
            raise VaultRefused(f"{file} is open to other users; run: chmod 600 {file}")
        token = Path(file).read_text().strip() if file else os.environ.get("CONDUCTOR_VAULT_TOKEN", "").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise VaultRefused(f"{file} cannot be read") from error
    if not token:
        raise VaultRefused("neither CONDUCTOR_VAULT_TOKEN nor CONDUCTOR_VAULT_TOKEN_FILE gives a token")
    return token


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
