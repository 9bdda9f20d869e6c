"""What the log holds of a receipt: a Rekor v2 `hashedrekord` 0.0.2 entry over the envelope's signed bytes.

The entry binds payload type, payload, signature and key, but contains none of the receipt's content: the
log can be shown to anybody, and content can be erased without breaking it. The shape is the one that
rekor-tiles writes, so that Sigstore's verifiers accept a receipt exported as a Sigstore bundle.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from conductor.ledger.keys.dsse import Envelope, EnvelopeRefused
from conductor.ledger.keys.keys import PublicKey
from conductor.lib.canonical import canonical_json

KIND: Final = "hashedrekord"
VERSION: Final = "0.0.2"


def log_entry(*, envelope: Envelope, key: PublicKey) -> bytes:
    """Return the log entry of an envelope that `key` alone has signed, as canonical JSON.

    Raise EnvelopeRefused if it bears another number of signatures, or one by another key. The same envelope
    always has the same entry, so an entry need not be kept: it can be made again and compared.
    """
    if [each.keyid for each in envelope.signatures] != [key.fingerprint]:
        raise EnvelopeRefused("a logged envelope bears exactly one signature, by the key that is logged with it")
    verifier = {"keyDetails": key.details, "publicKey": {"rawBytes": _base64(key.der)}}
    record = {
        "data": {"algorithm": "SHA2_256", "digest": _base64(hashlib.sha256(envelope.pae).digest())},
        "signature": {"content": _base64(envelope.signatures[0].sig), "verifier": verifier},
    }
    return canonical_json({"apiVersion": VERSION, "kind": KIND, "spec": {"hashedRekordV002": record}})


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
