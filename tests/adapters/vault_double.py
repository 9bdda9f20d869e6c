"""A double of HashiCorp Vault: KV version 2 and transit, as its API documentation describes them, nothing more.

It is not Vault. It knows one token, keeps everything in memory, and encrypts for real (AES-256-GCM with the associated
data), so that a wrong context or another key fails as it would there.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.adapters.receiver import Asked, Handler, receiving

TOKEN = "hvs.test-token-of-the-double"


@dataclass
class Vault:
    """What the double holds."""

    address: str = ""
    kv: dict[str, dict[str, str]] = field(default_factory=dict)
    """`mount/path` to its fields."""
    transit: dict[str, list[bytes]] = field(default_factory=dict)
    """`mount/name` to its key's versions."""
    status: int = 200
    """Answered to everything if it is not 200: 503 is a sealed Vault."""
    asked: list[Asked] = field(default_factory=list)

    def rotate(self, key: str) -> None:
        self.transit.setdefault(key, []).append(secrets.token_bytes(32))

    def answer(self, handler: Handler, asked: Asked) -> None:
        self.asked.append(asked)
        if self.status != 200:
            return self._say(handler, self.status, {"errors": ["Vault is sealed"]})
        if asked.headers.get("x-vault-token") != TOKEN:
            return self._say(handler, 403, {"errors": ["permission denied"]})
        mount, verb, rest = asked.path.removeprefix("/v1/").split("/", 2)
        if (asked.method, verb) == ("GET", "data"):
            found = self.kv.get(f"{mount}/{rest}")
            return self._say(handler, 200, {"data": {"data": found}}) if found else self._say(handler, 404, {})
        told = json.loads(asked.body)
        versions = self.transit[f"{mount}/{rest}"]
        bound = base64.b64decode(told.get("associated_data", ""))
        if verb == "encrypt":
            nonce = secrets.token_bytes(12)
            sealed = nonce + AESGCM(versions[-1]).encrypt(nonce, base64.b64decode(told["plaintext"]), bound)
            text = f"vault:v{len(versions)}:{base64.b64encode(sealed).decode()}"
            return self._say(handler, 200, {"data": {"ciphertext": text}})
        _vault, version, text = told["ciphertext"].split(":")
        sealed = base64.b64decode(text)
        try:
            plain = AESGCM(versions[int(version[1:]) - 1]).decrypt(sealed[:12], sealed[12:], bound)
        except InvalidTag:
            return self._say(handler, 400, {"errors": ["cipher: message authentication failed"]})
        return self._say(handler, 200, {"data": {"plaintext": base64.b64encode(plain).decode()}})

    def _say(self, handler: Handler, status: int, body: object) -> None:
        handler.answer(status, json.dumps(body).encode(), {"content-type": "application/json"})


@contextmanager
def vault_double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    """Yield a running double, which the installation's environment names."""
    held = Vault()
    with receiving(held.answer) as server:
        held.address = server.url.removesuffix("/hook")
        monkeypatch.setenv("CONDUCTOR_VAULT_ADDR", held.address)
        monkeypatch.setenv("CONDUCTOR_VAULT_TOKEN", TOKEN)
        yield held
