"""Envelopes against two other implementations, and against forgers (T16)."""

from __future__ import annotations

import base64
import copy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from conductor.ledger.keys import dsse
from conductor.ledger.keys.dsse import Envelope, EnvelopeRefused
from conductor.ledger.keys.keys import LocalSigner
from tests.harness import counterparts
from tests.ledger.signers import LOG, OTHER_SEAL, SEAL

PAYLOAD = b'{"what":"a payload, \xc3\xa9"}'


def signed(signer: LocalSigner = SEAL) -> Envelope:
    return dsse.sign(payload=PAYLOAD, signers=[signer])


def test_the_pre_authentication_encoding_is_that_of_the_specification() -> None:
    assert (
        dsse.pae(payload_type="http://example.com/HelloWorld", payload=b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert dsse.pae(payload_type="é", payload=b"") == "DSSEv1 2 é 0 ".encode()


@pytest.mark.parametrize("signer", [SEAL, LOG], ids=["ecdsa", "ed25519"])
def test_an_envelope_survives_its_file_and_verifies(signer: LocalSigner) -> None:
    envelope = signed(signer)

    again = Envelope.from_dict(envelope.to_dict())

    assert again == envelope
    assert again.to_bytes() == envelope.to_bytes()
    assert dsse.verify(envelope=again, keys=[signer.public]) == PAYLOAD


@pytest.mark.parametrize("signer", [SEAL, LOG], ids=["ecdsa", "ed25519"])
def test_securesystemslib_accepts_our_envelopes_and_refuses_a_changed_one(signer: LocalSigner) -> None:
    key = SSlibKey.from_crypto(load_der_public_key(signer.public.der), keyid=signer.public.fingerprint)  # type: ignore[arg-type]
    envelope = signed(signer).to_dict()
    changed = copy.deepcopy(envelope)
    changed["payload"] = base64.b64encode(PAYLOAD.replace(b"a", b"b")).decode()

    OtherEnvelope.from_dict(copy.deepcopy(envelope)).verify([key], threshold=1)

    with pytest.raises(VerificationError):
        OtherEnvelope.from_dict(changed).verify([key], threshold=1)


@pytest.mark.parametrize("signer", [SEAL, LOG], ids=["ecdsa", "ed25519"])
def test_openssl_accepts_the_signature(signer: LocalSigner, tmp_path: Path) -> None:
    envelope = signed(signer)
    (tmp_path / "pae").write_bytes(envelope.pae)
    (tmp_path / "sig").write_bytes(envelope.signatures[0].sig)
    (tmp_path / "key").write_text(signer.public.pem)
    digest = ["-digest", "sha256"] if signer is SEAL else []
    command = [counterparts.need("openssl"), "pkeyutl", "-verify", "-pubin", "-inkey", "key", "-rawin", "-in", "pae"]
    command += ["-sigfile", "sig", *digest]

    def accepts() -> bool:
        return subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0

    assert accepts()
    (tmp_path / "pae").write_bytes(envelope.pae + b" ")
    assert not accepts()


@given(st.integers(0), st.integers(0, 7))
def test_no_bit_of_payload_or_signature_can_be_flipped(position: int, bit: int) -> None:
    envelope = signed()
    parts = envelope.payload + envelope.signatures[0].sig
    position %= len(parts)
    flipped = bytearray(parts)
    flipped[position] ^= 1 << bit
    changed = Envelope(
        bytes(flipped[: len(envelope.payload)]),
        envelope.payload_type,
        (dsse.Signature(SEAL.public.fingerprint, bytes(flipped[len(envelope.payload) :])),),
    )

    with pytest.raises(EnvelopeRefused):
        dsse.verify(envelope=changed, keys=[SEAL.public])


def _with(envelope: Envelope, *signatures: dsse.Signature) -> Envelope:
    return Envelope(envelope.payload, envelope.payload_type, signatures)


def test_surplus_missing_and_repeated_signatures_are_refused() -> None:
    envelope = signed()
    own = envelope.signatures[0]
    stranger = signed(OTHER_SEAL).signatures[0]
    misattributed = dsse.Signature(OTHER_SEAL.public.fingerprint, own.sig)
    both = [SEAL.public, OTHER_SEAL.public]
    cases = {
        "unknown key": (_with(envelope, own, stranger), [SEAL.public]),
        "is missing": (_with(envelope), [SEAL.public]),
        "signed twice": (_with(envelope, own, own), both),
        "is wrong": (_with(envelope, misattributed), [OTHER_SEAL.public]),
        "no key is given": (_with(envelope), []),
    }

    for reason, (forged, keys) in cases.items():
        with pytest.raises(EnvelopeRefused, match=reason):
            dsse.verify(envelope=forged, keys=keys)
    with pytest.raises(EnvelopeRefused, match="is missing"):
        dsse.verify(envelope=envelope, keys=both)
    assert dsse.verify(envelope=_with(envelope, own, stranger), keys=both) == PAYLOAD


def test_another_payload_type_is_refused_even_if_it_is_signed() -> None:
    envelope = dsse.sign(payload=PAYLOAD, signers=[SEAL], payload_type="application/json")
    relabelled = Envelope(envelope.payload, dsse.IN_TOTO, envelope.signatures)

    with pytest.raises(EnvelopeRefused, match="payload type"):
        dsse.verify(envelope=envelope, keys=[SEAL.public])
    with pytest.raises(EnvelopeRefused, match="is wrong"):
        dsse.verify(envelope=relabelled, keys=[SEAL.public])


MALFORMED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a field too many": lambda e: e.update(extra=1),
    "no signatures": lambda e: e.pop("signatures"),
    "signatures are no list": lambda e: e.update(signatures={}),
    "payload type is no string": lambda e: e.update(payloadType=1),
    "payload is no base64": lambda e: e.update(payload="a b="),
    "payload is urlsafe base64": lambda e: e.update(payload="-_-_"),
    "payload has spare bits": lambda e: e.update(payload="YR=="),
    "payload lacks padding": lambda e: e.update(payload="YQ"),
    "payload is no string": lambda e: e.update(payload=None),
    "payload is not ASCII": lambda e: e.update(payload="é==="),
    "a signature is no object": lambda e: e.update(signatures=["x"]),
    "a signature has a certificate": lambda e: e["signatures"][0].update(cert="x"),
    "a keyid is no string": lambda e: e["signatures"][0].update(keyid=None),
}


@pytest.mark.parametrize("damage", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_envelope_is_refused(damage: Callable[[dict[str, Any]], Any]) -> None:
    value = signed().to_dict()
    damage(value)

    with pytest.raises(EnvelopeRefused):
        Envelope.from_dict(value)
