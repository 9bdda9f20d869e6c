"""The log's entries have Rekor's shape, and bind everything of an envelope that matters."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from conductor.ledger.keys import dsse
from conductor.ledger.keys.dsse import Envelope, EnvelopeRefused
from conductor.ledger.log.entry import log_entry
from tests.ledger.signers import LOG, OTHER_SEAL, SEAL


def test_an_entry_is_a_hashedrekord_over_the_signed_bytes() -> None:
    envelope = dsse.sign(payload=b"payload", signers=[SEAL])

    entry = json.loads(log_entry(envelope=envelope, key=SEAL.public))

    assert entry == {
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": {
            "hashedRekordV002": {
                "data": {
                    "algorithm": "SHA2_256",
                    "digest": base64.b64encode(hashlib.sha256(envelope.pae).digest()).decode(),
                },
                "signature": {
                    "content": base64.b64encode(envelope.signatures[0].sig).decode(),
                    "verifier": {
                        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                        "publicKey": {"rawBytes": base64.b64encode(SEAL.public.der).decode()},
                    },
                },
            }
        },
    }


def test_an_entry_contains_nothing_of_the_content_and_is_canonical() -> None:
    envelope = dsse.sign(payload=b"the secret of the incident", signers=[LOG])

    entry = log_entry(envelope=envelope, key=LOG.public)

    assert b"secret" not in base64.b64decode(json.loads(entry)["spec"]["hashedRekordV002"]["data"]["digest"])
    assert envelope.to_dict()["payload"].encode() not in entry
    assert entry == json.dumps(json.loads(entry), sort_keys=True, separators=(",", ":")).encode()
    assert b"PKIX_ED25519" in entry


def test_payload_type_payload_signature_and_key_each_change_the_entry() -> None:
    envelope = dsse.sign(payload=b"payload", signers=[SEAL])
    signature = envelope.signatures
    variants = [
        Envelope(b"payloae", envelope.payload_type, signature),
        Envelope(b"payload", "application/json", signature),
        dsse.sign(payload=b"payload", signers=[SEAL]),  # ECDSA signatures are never the same twice
    ]
    other = dsse.sign(payload=b"payload", signers=[OTHER_SEAL])

    entries = {log_entry(envelope=each, key=SEAL.public) for each in [envelope, *variants]}
    entries.add(log_entry(envelope=other, key=OTHER_SEAL.public))

    assert len(entries) == 5


def test_an_envelope_by_another_key_or_by_two_is_not_logged() -> None:
    for signers in ([OTHER_SEAL], [SEAL, OTHER_SEAL], []):
        with pytest.raises(EnvelopeRefused, match="exactly one signature"):
            log_entry(envelope=dsse.sign(payload=b"payload", signers=signers), key=SEAL.public)
