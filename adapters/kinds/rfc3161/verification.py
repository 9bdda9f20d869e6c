"""Whether an answer is to be believed: for this digest, to this request, under this policy, by this root.

The nonce, the policy and the digest are compared with the request that was kept; signature, chain and purpose are
the client library's work. What it cannot read goes to OpenSSL (adapters.kinds.rfc3161.openssl).
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import TimeStampResponse, VerificationError, VerifierBuilder, decode_timestamp_response

from adapters.kinds.rfc3161 import openssl
from adapters.kinds.rfc3161.config import Config
from adapters.kinds.rfc3161.protocol import SHA256, TimeStampReq, parse_request, refusal_in
from adapters.ports.protocols import AdapterError, AttestationRefused, AttestationUnreadable, Verification

VERIFIER = f"rfc3161-client {version('rfc3161-client')}"


class TimeStampNotGranted(AdapterError):
    """The authority answered that it gives no time stamp."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message, permanent=permanent, code="not_granted")


def verify(*, digest_hex: str, request: bytes, response: bytes, config: Config) -> Verification:
    """Return what the answer proves; raise AttestationRefused, AttestationUnreadable or TimeStampNotGranted."""
    try:
        asked = parse_request(request)
    except ValueError as error:
        raise AttestationRefused("the kept request is not one of ours", code="request_wrong") from error
    if asked.message_imprint.hashed_message.hex() != digest_hex:
        raise AttestationRefused("the request was for another digest", code="digest_other")
    try:
        refusal = refusal_in(response)
        parsed = None if refusal else decode_timestamp_response(response)
    except ValueError:
        return _by_openssl(request, response, config)
    if refusal:
        raise TimeStampNotGranted(f"the authority refused: {refusal[0]}", permanent=not refusal[1])
    assert parsed is not None
    _compare(asked, parsed)
    anchor = _anchor(parsed, bytes.fromhex(digest_hex), asked, config)
    return _verification(anchor, parsed.tst_info.gen_time, VERIFIER)


def fingerprint(certificate: x509.Certificate) -> str:
    """Return `sha256:<hex>` of the certificate, as `openssl x509 -fingerprint -sha256` shows it with colons."""
    return f"sha256:{certificate.fingerprint(hashes.SHA256()).hex()}"


def _compare(asked: TimeStampReq, answer: TimeStampResponse) -> None:
    told = answer.tst_info
    if told.message_imprint.hash_algorithm != SHA256:
        raise AttestationRefused("the time stamp uses another hash algorithm", code="digest_other")
    if told.message_imprint.message != asked.message_imprint.hashed_message:
        raise AttestationRefused("the time stamp is of another digest", code="digest_other")
    if told.nonce != asked.nonce:
        raise AttestationRefused("the time stamp answers another request: its nonce differs", code="nonce_other")
    if asked.req_policy is not None and told.policy != asked.req_policy:
        raise AttestationRefused(f"the time stamp is under the policy {told.policy.dotted_string}", code="policy_other")


def _anchor(answer: TimeStampResponse, digest: bytes, asked: TimeStampReq, config: Config) -> x509.Certificate:
    """Return the configured root that the answer's signature leads to, with every certificate valid at its time."""
    intermediates = _load(config.intermediate_certificates)
    why = ""
    for root in _load(config.root_certificate):
        builder = VerifierBuilder(roots=[root], intermediates=list(intermediates), nonce=asked.nonce)
        try:
            builder.build().verify(answer, digest)
        except (VerificationError, ValueError) as error:
            why = str(error)
        else:
            return root
    raise AttestationRefused(f"the time stamp does not lead to the configured root: {why}"[:400], code="untrusted")


def _by_openssl(request: bytes, response: bytes, config: Config) -> Verification:
    """Ask the second verifier. What neither of them reads is unreadable, not wrong."""
    for root in (roots := _load(config.root_certificate)):
        try:
            attested_at = openssl.verify(
                request=request,
                response=response,
                root_pem=_pem(root),
                intermediates_pem=config.intermediate_certificates,
            )
        except openssl.Unreadable as error:
            raise AttestationUnreadable(f"no verifier can read the authority's answer: {error}") from error
        except AttestationRefused:
            if root is roots[-1]:
                raise
        else:
            return _verification(root, attested_at, openssl.version())
    raise AttestationRefused("no root certificate is configured", code="untrusted")


def _verification(anchor: x509.Certificate, attested_at: datetime, verifier: str) -> Verification:
    return Verification(attested_at.astimezone(UTC), verifier, fingerprint(anchor), _pem(anchor))


def _load(pem: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(pem.encode()) if pem.strip() else []


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
