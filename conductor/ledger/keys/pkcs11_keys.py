"""Signing keys in a hardware module, by PKCS#11 (CONDUCTOR_KEY_PROVIDER=pkcs11; install the extra `pkcs11`).

A key is found by the label of its pair: `conductor-seal`, then `conductor-seal-2`, and so on; `conductor-log` likewise.
Private keys stay in the module.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final

import pkcs11
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import PKCS11Error
from pkcs11.util.ec import encode_ecdsa_signature

from conductor.ledger.keys.keys import LOG, SEAL, KeyUnavailable, PublicKey, require_kind

LABELS: Final = {SEAL: "conductor-seal", LOG: "conductor-log"}
POINT_BYTES: Final = {KeyType.EC: 65, KeyType.EC_EDWARDS: 32}


class Pkcs11Keys:
    """The provider. One session for the process; a module's sessions are not for several threads at once."""

    def __init__(self, *, module: str, token: str, pin: str, labels: Mapping[str, str] = LABELS) -> None:
        self._labels, self._lock = labels, Lock()
        try:
            self._session = pkcs11.lib(module).get_token(token_label=token).open(user_pin=pin)
        except (PKCS11Error, RuntimeError, OSError) as error:
            raise KeyUnavailable(f"the token {token} cannot be opened: {type(error).__name__} {error}") from error

    def signers(self, purpose: str) -> list[Pkcs11Signer]:
        """Newest first: the highest number in its label."""
        label = self._labels[purpose]
        with self._lock:
            found = {
                _number(label, str(private[Attribute.LABEL])): private
                for private in self._session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})
            }
            signers = [
                Pkcs11Signer(found[number], self._public(found[number]), self._lock)
                for number in sorted((each for each in found if each), reverse=True)
            ]
        if not signers:
            raise KeyUnavailable(f"the token holds no private key labelled {label}")
        return [require_kind(each, purpose, source=f"the token's {label}") for each in signers]

    def _public(self, private: Any) -> PublicKey:
        try:
            public = self._session.get_key(object_class=ObjectClass.PUBLIC_KEY, label=private.label, id=private.id)
            point = bytes(public[Attribute.EC_POINT])
            # An OCTET STRING round the point, as the standard says; some modules leave it out for Edwards curves.
            raw = point[-POINT_BYTES[private.key_type] :]
        except (PKCS11Error, KeyError) as error:
            raise KeyUnavailable(f"the token has no public key for {private.label}") from error
        try:
            loaded: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
            if private.key_type == KeyType.EC_EDWARDS:
                loaded = ed25519.Ed25519PublicKey.from_public_bytes(raw)
            else:
                loaded = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
        except ValueError as error:
            raise KeyUnavailable(f"{private.label} is neither ECDSA P-256 nor Ed25519") from error
        der = loaded.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return PublicKey(der)


class Pkcs11Signer:
    """One key pair of the token."""

    def __init__(self, private: Any, public: PublicKey, lock: Lock) -> None:
        self._private, self.public, self._lock = private, public, lock

    def sign(self, message: bytes) -> bytes:
        try:
            with self._lock:
                if self.public.details == "PKIX_ED25519":
                    return bytes(self._private.sign(message, mechanism=Mechanism.EDDSA))
                signature = self._private.sign(hashlib.sha256(message).digest(), mechanism=Mechanism.ECDSA)
        except PKCS11Error as error:
            raise KeyUnavailable(f"the token does not sign: {type(error).__name__}") from error
        return bytes(encode_ecdsa_signature(signature))


def from_environment() -> Pkcs11Keys:
    """Return the provider that CONDUCTOR_PKCS11_MODULE, _TOKEN and _PIN_FILE (or _PIN) describe."""
    given = os.environ.get
    module, token = given("CONDUCTOR_PKCS11_MODULE", ""), given("CONDUCTOR_PKCS11_TOKEN", "")
    if not module or not token:
        raise KeyUnavailable("CONDUCTOR_PKCS11_MODULE and CONDUCTOR_PKCS11_TOKEN are not both set")
    pin_file = given("CONDUCTOR_PKCS11_PIN_FILE", "")
    try:
        pin = Path(pin_file).read_text().strip() if pin_file else given("CONDUCTOR_PKCS11_PIN", "")
    except OSError as error:
        raise KeyUnavailable(f"the PIN in {pin_file} cannot be read: {error.strerror}") from error
    names = {SEAL: given("CONDUCTOR_SEAL_KEY_NAME", LABELS[SEAL]), LOG: given("CONDUCTOR_LOG_KEY_NAME", LABELS[LOG])}
    return Pkcs11Keys(module=module, token=token, pin=pin, labels=names)


def _number(label: str, found: str) -> int:
    """Return which of the keys of this label it is, from 1 on; 0 if it is another's."""
    match = re.fullmatch(rf"{re.escape(label)}(?:-([0-9]{{1,4}}))?", found)
    return int(match[1] or 1) if match else 0
