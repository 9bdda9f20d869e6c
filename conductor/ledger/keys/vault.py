"""Signing keys that never leave Vault: its transit engine signs, this asks (CONDUCTOR_KEY_PROVIDER=vault).

Each version of a transit key is a key here; `vault write -f transit/keys/conductor-seal/rotate` makes the next one.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from conductor.ledger.keys.keys import LOG, SEAL, KeyUnavailable, PublicKey, UnsupportedKey, require_kind
from conductor.lib.deadlines import Deadline

TIMEOUT_SECONDS: Final = 10
NAMES: Final = {SEAL: "conductor-seal", LOG: "conductor-log"}
"""Names of the transit keys: types `ecdsa-p256` (or `ed25519`) and `ed25519`."""


class Vault(Protocol):
    """What is asked of Vault. Raise KeyUnavailable if it does not answer, or refuses."""

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the `data` of the answer to `/v1/<path>`."""
        ...


class HttpVault:
    """Vault over HTTP(S). The token is read anew from its file for each call, because an agent renews it there."""

    def __init__(
        self, *, address: str, token: str = "", token_file: str = "", ca_file: str = "", namespace: str = ""
    ) -> None:
        self._url, self._token, self._token_file, self._namespace = urlsplit(address), token, token_file, namespace
        self._tls = ssl.create_default_context(cafile=ca_file or None) if self._url.scheme == "https" else None
        if self._url.scheme not in {"http", "https"} or not self._url.hostname:
            raise KeyUnavailable("VAULT_ADDR is not an address of http or https")

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        with Deadline(TIMEOUT_SECONDS) as deadline:
            status, answer = self._exchange(method, path, body, deadline)
        if status != 200:
            raise KeyUnavailable(f"Vault answers {status} to {method} {path}")
        try:
            return dict(json.loads(answer)["data"])
        except (ValueError, KeyError, TypeError) as error:
            raise KeyUnavailable("Vault's answer is not one of Vault's") from error

    def _exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None, deadline: Deadline
    ) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            content = None if body is None else json.dumps(body)
            connection.connect()
            deadline.watch(connection.sock)
            connection.request(method, f"{self._url.path.rstrip('/')}/v1/{path}", content, self._headers())
            response = connection.getresponse()
            answer = response.read()
        except (OSError, HTTPException) as error:
            raise KeyUnavailable(f"Vault does not answer: {error}") from error
        finally:
            connection.close()
        if deadline.passed:  # an answer without a length ends where the connection does
            raise KeyUnavailable(f"Vault does not answer within {TIMEOUT_SECONDS} s")
        return response.status, answer

    def _connection(self) -> HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._tls is not None:
            return HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=self._tls)
        return HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)

    def _headers(self) -> dict[str, str]:
        try:
            token = Path(self._token_file).read_text().strip() if self._token_file else self._token
        except OSError as error:
            raise KeyUnavailable(f"the Vault token {self._token_file} cannot be read: {error.strerror}") from error
        headers = {"X-Vault-Token": token, "X-Vault-Request": "true", "Content-Type": "application/json"}
        return headers | ({"X-Vault-Namespace": self._namespace} if self._namespace else {})


class VaultKeys:
    """The provider: every version of the two transit keys that Vault still signs with."""

    def __init__(self, vault: Vault, *, mount: str = "transit", names: Mapping[str, str] = NAMES) -> None:
        self._vault, self._mount, self._names = vault, mount, names

    def signers(self, purpose: str) -> list[VaultSigner]:
        """Newest version first."""
        name = self._names[purpose]
        data = self._vault.call("GET", f"{self._mount}/keys/{quote(name, safe='')}")
        oldest = int(data.get("min_encryption_version") or 0)
        versions = sorted((int(each) for each in data.get("keys", {})), reverse=True)
        found = [
            VaultSigner(self._vault, f"{self._mount}/sign/{quote(name, safe='')}", each, _public(data, each))
            for each in versions
            if each >= oldest
        ]
        if not found:
            raise KeyUnavailable(f"Vault holds no version of {name}")
        return [require_kind(each, purpose, source=f"Vault's {name}") for each in found]


class VaultSigner:
    """One version of a transit key."""

    def __init__(self, vault: Vault, path: str, version: int, public: PublicKey) -> None:
        self._vault, self._path, self._version, self.public = vault, path, version, public

    def sign(self, message: bytes) -> bytes:
        body: dict[str, Any] = {"input": base64.b64encode(message).decode(), "key_version": self._version}
        if self.public.details != "PKIX_ED25519":
            body |= {"hash_algorithm": "sha2-256", "marshaling_algorithm": "asn1"}
        answer = self._vault.call("POST", self._path, body)
        try:
            prefix, version, signature = str(answer["signature"]).split(":")
            signed = base64.b64decode(signature, validate=True)
        except (KeyError, ValueError, binascii.Error) as error:
            raise KeyUnavailable("Vault's signature is not in Vault's form") from error
        # Believed only if it verifies: whoever answers in Vault's place must not get into the log.
        if (prefix, version) != ("vault", f"v{self._version}") or not self.public.verifies(
            message=message, signature=signed
        ):
            raise KeyUnavailable("Vault's signature is by another key")
        return signed


def from_environment() -> VaultKeys:
    """Return the provider that VAULT_ADDR, VAULT_TOKEN or VAULT_TOKEN_FILE, and so on describe."""
    given = os.environ.get
    address = given("VAULT_ADDR", "")
    if not address:
        raise KeyUnavailable("VAULT_ADDR is not set")
    vault = HttpVault(
        address=address,
        token=given("VAULT_TOKEN", ""),
        token_file=given("VAULT_TOKEN_FILE", ""),
        ca_file=given("VAULT_CACERT", ""),
        namespace=given("VAULT_NAMESPACE", ""),
    )
    names = {SEAL: given("CONDUCTOR_SEAL_KEY_NAME", NAMES[SEAL]), LOG: given("CONDUCTOR_LOG_KEY_NAME", NAMES[LOG])}
    return VaultKeys(vault, mount=given("CONDUCTOR_VAULT_TRANSIT_MOUNT", "transit"), names=names)


def _public(data: Mapping[str, Any], version: int) -> PublicKey:
    """Return a version's public key; Vault gives PEM for ECDSA, and 32 bytes in base64 for Ed25519."""
    try:
        text = str(data["keys"][str(version)]["public_key"])
        if data["type"] == "ed25519":
            raw = Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
            return PublicKey(raw.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        return PublicKey.from_pem(text)
    except (KeyError, TypeError, ValueError, UnsupportedKey) as error:
        raise KeyUnavailable("Vault's key is neither ECDSA P-256 nor Ed25519") from error
