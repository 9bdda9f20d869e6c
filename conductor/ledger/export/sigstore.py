"""A receipt as a Sigstore bundle v0.3, and what a verifier must trust to believe it.

Any verifier of the format takes the bundle: it has the envelope, its entry in the log with the audit path and the
signed checkpoint, and the RFC 3161 stamps of the signature. The trust root belongs in the verifier's hands by another
way than the bundle.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings
from rfc3161_client import decode_timestamp_response

from conductor.ledger import anchors
from conductor.ledger.anchors import Stamp
from conductor.ledger.keys import dsse
from conductor.ledger.keys.keyring import KeyPeriod, Keyring
from conductor.ledger.keys.keys import LOG, SEAL
from conductor.ledger.log import checkpoint
from conductor.ledger.log.entry import KIND, VERSION, log_entry
from conductor.ledger.models import Receipt
from conductor.ledger.selectors import inclusion_proof
from conductor.ledger.verify.verification import signed_text, signer_of
from conductor.lib.canonical import sha256_hex
from conductor.lib.clock import rfc3339
from conductor.lib.refs import ref

BUNDLE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
TRUSTED_ROOT: Final = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
AUTHORITIES_LOOKED_AT: Final = 500


def signature_digest(receipt: Receipt) -> str:
    """Return what a notary stamps for a receipt: the SHA-256 of the raw signature, as the format demands."""
    return sha256_hex(dsse.Envelope.from_dict(receipt.envelope or {}).signatures[0].sig)


def stamps_of(receipt: Receipt) -> list[Stamp]:
    """Return the RFC 3161 stamps of the receipt's signature, oldest first."""
    found = anchors.anchors().stamps(subjects=[ref(anchors.RECEIPT, receipt.id)])
    digest = signature_digest(receipt) if found else ""
    return [each for each in found if each.is_rfc3161 and each.digest == digest]


def bundle(*, receipt: Receipt, keyring: Keyring) -> dict[str, Any]:
    """Return the receipt as a bundle; raise NotYetSequenced if it is not in the log.

    Without a stamp of its signature it proves everything but the time.
    """
    proof = inclusion_proof(receipt=receipt)
    envelope = dsse.Envelope.from_dict(receipt.envelope or {})
    key = signer_of(envelope=envelope, keyring=keyring).key
    origin = origin_of(receipt.tenant_id)
    _, log = signed_text(note=proof.checkpoint, origin=origin, keyring=keyring)
    index = str(proof.leaf_index)
    entry = {
        "logIndex": index,
        "logId": {"keyId": _base64(log_id(origin=origin, period=log))},
        "kindVersion": {"kind": KIND, "version": VERSION},
        "integratedTime": "0",
        "inclusionProof": {
            "logIndex": index,
            "rootHash": _base64(bytes.fromhex(proof.root_hash)),
            "treeSize": str(proof.tree_size),
            "hashes": [_base64(bytes.fromhex(each)) for each in proof.hashes],
            "checkpoint": {"envelope": proof.checkpoint},
        },
        "canonicalizedBody": _base64(log_entry(envelope=envelope, key=key)),
    }
    stamps = [{"signedTimestamp": _base64(each.response)} for each in stamps_of(receipt)]
    return {
        "mediaType": BUNDLE,
        "verificationMaterial": {
            "publicKey": {"hint": key.fingerprint},
            "tlogEntries": [entry],
            "timestampVerificationData": {"rfc3161Timestamps": stamps},
        },
        "dsseEnvelope": envelope.to_dict(),
    }


def trust_root(*, tenant_id: UUID, keyring: Keyring) -> dict[str, Any]:
    """Return what a verifier must trust: the tenant's log, the keys that sign receipts, the stamping authorities.

    `trustedRoot` is a Sigstore TrustedRoot; `publicKeys` maps each bundle's `publicKey.hint` to the key. A key counts
    for the time in which it was in force, and not from the moment on from which it is compromised.
    """
    origin = origin_of(tenant_id)
    stamps = anchors.anchors().newest(kind=anchors.RECEIPT, limit=AUTHORITIES_LOOKED_AT)
    return {
        "trustedRoot": {
            "mediaType": TRUSTED_ROOT,
            "tlogs": [_log(origin, each) for each in keyring.of(LOG)],
            "certificateAuthorities": [],
            "ctlogs": [],
            "timestampAuthorities": _authorities(stamps),
        },
        "publicKeys": {each.key.fingerprint: _public_key(each) for each in keyring.of(SEAL)},
    }


def origin_of(tenant_id: UUID) -> str:
    """Return the name of the tenant's log."""
    return checkpoint.origin_of(log_name=settings.CONDUCTOR_LOG_NAME, tenant_id=tenant_id)


def log_id(*, origin: str, period: KeyPeriod) -> bytes:
    """Return the 32 bytes of which a signed note shows the first four."""
    return hashlib.sha256(origin.encode() + b"\n" + checkpoint.ED25519_NOTE + period.key.raw).digest()


def _log(origin: str, period: KeyPeriod) -> dict[str, Any]:
    return {
        "baseUrl": f"https://{origin}",
        "hashAlgorithm": "SHA2_256",
        "publicKey": _public_key(period),
        "logId": {"keyId": _base64(log_id(origin=origin, period=period))},
    }


def _public_key(period: KeyPeriod) -> dict[str, Any]:
    ends = [each for each in (period.valid_to, period.compromised_from) if each]
    return {
        "rawBytes": _base64(period.key.der),
        "keyDetails": period.key.details,
        "validFor": _range(period.valid_from, min(ends, default=None)),
    }


def _authorities(stamps: Iterable[Stamp]) -> list[dict[str, Any]]:
    """Return each stamping certificate once, with the chain up to the root that its notary is configured with."""
    found: dict[bytes, dict[str, Any]] = {}
    for stamp in stamps:
        chain = _chain(stamp) if stamp.is_rfc3161 else []
        if chain and (der := chain[0].public_bytes(Encoding.DER)) not in found:
            found[der] = {
                "subject": {"organization": _name(chain[0], NameOID.ORGANIZATION_NAME), "commonName": _name(chain[0])},
                "uri": "",
                "certChain": {"certificates": [{"rawBytes": _base64(_der(each))} for each in chain]},
                "validFor": _range(chain[0].not_valid_before_utc, chain[0].not_valid_after_utc),
            }
    return list(found.values())


def _chain(stamp: Stamp) -> list[x509.Certificate]:
    """Return the certificates from the stamp's signer to its root; none if the token does not bring the signer."""
    try:
        brought = decode_timestamp_response(stamp.response).signed_data.certificates
    except ValueError:
        return []  # a token that only openssl reads; it cannot be told who signed it
    certificates = [x509.load_der_x509_certificate(bytes(each)) for each in brought]
    roots = x509.load_pem_x509_certificates(stamp.trust_anchor_pem.encode())
    signer = next((each for each in certificates if _stamps(each)), None)
    return _linked(signer, [*certificates, *roots]) if signer else []


def _linked(first: x509.Certificate, others: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    chain = [first]
    while chain[-1].issuer != chain[-1].subject and len(chain) <= len(others):
        issuer = next((each for each in others if each.subject == chain[-1].issuer), None)
        if issuer is None:
            break
        chain.append(issuer)
    return chain


def _stamps(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.TIME_STAMPING in usage.value


def _name(certificate: x509.Certificate, oid: x509.ObjectIdentifier = NameOID.COMMON_NAME) -> str:
    return "".join(str(each.value) for each in certificate.subject.get_attributes_for_oid(oid)[:1])


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _range(start: datetime | None, end: datetime | None) -> dict[str, str]:
    return {name: rfc3339(moment) for name, moment in (("start", start), ("end", end)) if moment}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
