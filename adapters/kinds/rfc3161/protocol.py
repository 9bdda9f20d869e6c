"""The request of RFC 3161 in DER, and what an answer says before it is believed."""

from __future__ import annotations

import secrets
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

SHA256: Final = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
GRANTED: Final = 0
NONCE_BITS: Final = 64

REFUSALS: Final = {
    0: "the hash algorithm is not accepted",
    2: "the request is not permitted",
    5: "the request is malformed",
    14: "its time source is not available",
    15: "the policy is not offered",
    16: "the extension is not accepted",
    17: "additional information is not available",
    25: "it failed by itself",
}
"""PKIFailureInfo (RFC 3161 section 2.4.2), by bit."""
TEMPORARY_REFUSALS: Final = {14, 25}


@asn1.sequence
class AlgorithmIdentifier:
    """`AlgorithmIdentifier` with the NULL parameters that every authority understands."""

    algorithm: ObjectIdentifier
    parameters: asn1.Null


@asn1.sequence
class MessageImprint:
    """`MessageImprint`."""

    hash_algorithm: AlgorithmIdentifier
    hashed_message: bytes


@asn1.sequence
class TimeStampReq:
    """`TimeStampReq` (section 2.4.1), without extensions.

    Made here because the client library hashes what it is given: our digest must be the imprint itself, so that
    `openssl ts -verify -data FILE` works on the very file whose digest was stamped.
    """

    version: int
    message_imprint: MessageImprint
    req_policy: ObjectIdentifier | None
    nonce: int
    cert_req: Annotated[bool, asn1.Default(False)]


@asn1.sequence
class PKIStatusInfo:
    """`PKIStatusInfo` (section 2.4.2)."""

    status: int
    status_string: list[str] | None
    fail_info: asn1.BitString | None


@asn1.sequence
class ContentInfo:
    """The token's wrapping (RFC 5652 section 3); what is in it is left as it is."""

    content_type: ObjectIdentifier
    content: Annotated[asn1.TLV, asn1.Explicit(0)]


@asn1.sequence
class TimeStampResp:
    """`TimeStampResp` (section 2.4.2)."""

    status: PKIStatusInfo
    time_stamp_token: ContentInfo | None


def request_for(*, digest_hex: str, policy_oid: str = "") -> bytes:
    """Return a request for a time stamp of the SHA-256 digest, with a fresh nonce; ValueError if it is no digest."""
    digest = bytes.fromhex(digest_hex)
    if len(digest) != 32:
        raise ValueError("not a SHA-256 digest")
    imprint = MessageImprint(
        hash_algorithm=AlgorithmIdentifier(algorithm=SHA256, parameters=asn1.Null()), hashed_message=digest
    )
    return asn1.encode_der(
        TimeStampReq(
            version=1,
            message_imprint=imprint,
            req_policy=ObjectIdentifier(policy_oid) if policy_oid else None,
            nonce=secrets.randbits(NONCE_BITS),
            cert_req=True,
        )
    )


def parse_request(der: bytes) -> TimeStampReq:
    """Return a request that `request_for` made; raise ValueError for anything else."""
    return asn1.decode_der(TimeStampReq, der)


def refusal_in(der: bytes) -> tuple[str, bool] | None:
    """Return why the authority did not grant a time stamp and whether that may pass; None if it granted one.

    Raise ValueError if `der` is no answer at all. "Granted with modifications" is not what was asked for.
    """
    info = asn1.decode_der(TimeStampResp, der).status
    if info.status == GRANTED:
        return None
    bits = _bits(info.fail_info)
    reasons = [REFUSALS[bit] for bit in bits if bit in REFUSALS] or [f"status {info.status}"]
    return ", ".join(reasons), bool(bits) and set(bits) <= TEMPORARY_REFUSALS


def _bits(value: asn1.BitString | None) -> list[int]:
    """Return the numbers of the set bits; bit 0 is the first byte's highest (X.690 section 8.6)."""
    if value is None:
        return []
    data = value.as_bytes()
    return [8 * index + bit for index, byte in enumerate(data) for bit in range(8) if byte & (0x80 >> bit)]
