"""A notary with a key of the installation's own: for development, and beside a real authority while that is down.

It proves that a statement was not changed since; it cannot prove to anybody else when it was made, because whoever
holds the key and sets the clock is the operator. The seal's key is not used: two roles, two keys.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import ClassVar

from adapters.kinds.local.config import Config, Secrets
from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError, Attestation, AttestationRefused, Capability, Verification
from conductor.ledger.keys import dsse
from conductor.ledger.keys.keys import KeyUnavailable, LocalSigner, generate_seal_key
from conductor.lib.canonical import canonical_json
from conductor.lib.clock import parse_rfc3339, rfc3339
from conductor.lib.private_files import is_open_to_others, write_once

KEY_FILE = "notary.key.pem"
PAYLOAD_TYPE = "application/vnd.maestro-conductor.attestation+json"


class LocalNotary:
    """Signs `{attestedAt, digest, notary}` in a DSSE envelope with an ECDSA P-256 key of its own."""

    config_model: ClassVar = Config
    secrets_model: ClassVar = Secrets
    capabilities: ClassVar = frozenset({Capability.OFFLINE})

    def __init__(self, *, config: Config, secrets: Secrets, installation: Installation) -> None:
        self._notary, self._directory = config.notary, installation.keys_dir

    def attest(self, *, digest_hex: str, now: datetime) -> Attestation:
        statement = {"attestedAt": rfc3339(now), "digest": {"sha256": digest_hex}, "notary": self._notary}
        envelope = dsse.sign(payload=canonical_json(statement), signers=[self._signer()], payload_type=PAYLOAD_TYPE)
        response = envelope.to_bytes()
        return Attestation(b"", response, self.verify(digest_hex=digest_hex, request=b"", response=response))

    def verify(self, *, digest_hex: str, request: bytes, response: bytes) -> Verification:
        key = self._signer().public
        try:
            envelope = dsse.Envelope.from_dict(json.loads(response))
            statement = json.loads(dsse.verify(envelope=envelope, keys=[key], payload_type=PAYLOAD_TYPE))
            attested_at, said = parse_rfc3339(statement["attestedAt"]), statement["digest"]["sha256"]
        except (ValueError, KeyError, TypeError) as error:
            why = f"the attestation is not this notary's: {error}"
            raise AttestationRefused(why, code="signature_wrong", response=response) from error
        if said != digest_hex:
            raise AttestationRefused("the attestation is of another digest", code="digest_other", response=response)
        return Verification(attested_at, "conductor.ledger.dsse", f"sha256:{key.fingerprint}", key.pem)

    def _signer(self) -> LocalSigner:
        path = self._directory / KEY_FILE
        try:
            if not path.exists():
                self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_once(path=path, data=generate_seal_key())
            if is_open_to_others(path):
                raise AdapterError(
                    f"{path} is open to other users; run: chmod 600 {path}", permanent=True, code="key_exposed"
                )
            return LocalSigner.from_pem(path.read_bytes(), source=str(path))
        except (OSError, KeyUnavailable) as error:
            why = f"{path} cannot be read or made, or is no key"
            raise AdapterError(why, permanent=True, code="key_unavailable") from error
