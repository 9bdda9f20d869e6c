"""DSSE envelopes (secure-systems-lab/dsse v1): a payload, its type, and signatures over both.

What is signed is the pre-authentication encoding of type and bytes, so a verifier never has to
re-serialise the payload. Reading is strict: standard base64 in its one form, no unknown fields.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from conductor.ledger.keys.keys import PublicKey, Signer
from conductor.lib.canonical import canonical_json

IN_TOTO: Final = "application/vnd.in-toto+json"


class EnvelopeRefused(ValueError):
    """An envelope is malformed, or not signed by exactly those who should have signed it."""


@dataclass(frozen=True)
class Signature:
    """One signature of an envelope."""

    keyid: str
    """SHA-256 of the signer's SubjectPublicKeyInfo DER, lower hexadecimal digits."""
    sig: bytes
    """DER for ECDSA, 64 bytes for Ed25519."""


@dataclass(frozen=True)
class Envelope:
    """A payload with its signatures; `verify` says whether to believe it."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    @property
    def pae(self) -> bytes:
        """The bytes that the signatures are over."""
        return pae(payload_type=self.payload_type, payload=self.payload)

    def to_dict(self) -> dict[str, Any]:
        """Return the envelope as JSON has it (base64 in strings)."""
        return {
            "payload": _encode(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"keyid": each.keyid, "sig": _encode(each.sig)} for each in self.signatures],
        }

    def to_bytes(self) -> bytes:
        """Return the envelope as canonical JSON (RFC 8785): the one form in which it is stored in files."""
        return canonical_json(self.to_dict())

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Envelope:
        """Return the envelope of a parsed JSON object; raise EnvelopeRefused on anything out of place."""
        _require_fields(value, {"payload", "payloadType", "signatures"}, "the envelope")
        payload_type, signatures = value["payloadType"], value["signatures"]
        if not isinstance(payload_type, str) or not isinstance(signatures, list):
            raise EnvelopeRefused("payloadType must be a string and signatures a list")
        return cls(_decode(value["payload"], "payload"), payload_type, tuple(map(_signature, signatures)))


def pae(*, payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding: `DSSEv1 <len> <type> <len> <payload>`, lengths in bytes."""
    encoded = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(encoded), encoded, len(payload), payload)


def sign(*, payload: bytes, signers: Sequence[Signer], payload_type: str = IN_TOTO) -> Envelope:
    """Return `payload` in an envelope that bears one signature of each signer."""
    message = pae(payload_type=payload_type, payload=payload)
    signatures = tuple(Signature(each.public.fingerprint, each.sign(message)) for each in signers)
    return Envelope(payload, payload_type, signatures)


def verify(*, envelope: Envelope, keys: Sequence[PublicKey], payload_type: str = IN_TOTO) -> bytes:
    """Return the payload if the envelope is signed by exactly `keys`, each of them once.

    Raise EnvelopeRefused for another payload type, a missing, surplus, repeated or wrong signature. Surplus
    signatures are refused although they would do no harm: nothing in a record may be there unexplained.
    """
    if envelope.payload_type != payload_type:
        raise EnvelopeRefused(f"the payload type is {envelope.payload_type!r} instead of {payload_type!r}")
    expected = {key.fingerprint: key for key in keys}
    if not expected:
        raise EnvelopeRefused("no key is given to verify the envelope with")
    seen: set[str] = set()
    for signature in envelope.signatures:
        key = expected.get(signature.keyid)
        if key is None:
            raise EnvelopeRefused(f"a signature is by an unknown key {signature.keyid!r}")
        if signature.keyid in seen:
            raise EnvelopeRefused(f"the key {signature.keyid} has signed twice")
        if not key.verifies(message=envelope.pae, signature=signature.sig):
            raise EnvelopeRefused(f"the signature of the key {signature.keyid} is wrong")
        seen.add(signature.keyid)
    if missing := expected.keys() - seen:
        raise EnvelopeRefused(f"the signature of the key {min(missing)} is missing")
    return envelope.payload


def _signature(value: Any) -> Signature:
    _require_fields(value, {"keyid", "sig"}, "a signature")
    if not isinstance(value["keyid"], str):
        raise EnvelopeRefused("keyid must be a string")
    return Signature(value["keyid"], _decode(value["sig"], "sig"))


def _require_fields(value: Any, fields: set[str], what: str) -> None:
    if not isinstance(value, Mapping) or set(value) != fields:
        raise EnvelopeRefused(f"{what} must have exactly the fields {', '.join(sorted(fields))}")


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: Any, what: str) -> bytes:
    """Return the bytes of `text`; refuse base64 that does not re-encode to itself (RFC 4648, 3.5)."""
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        data = None
    if data is None or _encode(data) != text:
        raise EnvelopeRefused(f"{what} is not base64")
    return data
