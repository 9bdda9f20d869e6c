"""The signing keys, and the two plainest places that they come from.

The seal key signs receipts (ECDSA P-256, because every key store can do it); the log key signs checkpoints
(Ed25519, as C2SP notes want it). Callers see a `Signer` and never a private key, so that a key store that
keeps its keys to itself can stand behind the same protocol.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol, TypeVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from conductor.lib.private_files import ANY_ACCESS_BY_OTHERS, WRITE_BY_OTHERS, is_open_to_others, write_once

SEAL: Final = "SEAL"
"""Purpose of the keys that sign receipts: ECDSA P-256 or Ed25519."""
LOG: Final = "LOG"
"""Purpose of the keys that sign checkpoints: Ed25519."""
_VARIABLE: Final = {SEAL: "CONDUCTOR_SEAL_KEY", LOG: "CONDUCTOR_LOG_KEY"}

ECDSA_P256: Final = "PKIX_ECDSA_P256_SHA_256"
ED25519: Final = "PKIX_ED25519"

_PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class KeyUnavailable(Exception):
    """A signing key is missing, unreadable, of the wrong kind, or open to others."""


class UnsupportedKey(ValueError):
    """A public key is neither ECDSA P-256 nor Ed25519."""


@dataclass(frozen=True)
class PublicKey:
    """A verification key, known by its SubjectPublicKeyInfo."""

    der: bytes
    """SubjectPublicKeyInfo, DER."""

    def __post_init__(self) -> None:
        if self.der != _der(self._parsed):
            raise UnsupportedKey("the public key is not in its one DER form")

    @classmethod
    def from_pem(cls, pem: str | bytes) -> PublicKey:
        """Return the key of a PEM text; raise UnsupportedKey if it is none of ours."""
        data = pem.encode() if isinstance(pem, str) else pem
        try:
            loaded = serialization.load_pem_public_key(data)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise UnsupportedKey("not a public key in PEM") from error
        return cls(_der(loaded))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER in lower hexadecimal digits; also the DSSE keyid."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def details(self) -> str:
        """Sigstore's name of the algorithm: PKIX_ECDSA_P256_SHA_256 or PKIX_ED25519."""
        return ED25519 if isinstance(self._parsed, ed25519.Ed25519PublicKey) else ECDSA_P256

    @property
    def pem(self) -> str:
        """The key as `openssl` reads it."""
        return self._parsed.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()

    @property
    def raw(self) -> bytes:
        """The 32 bytes of an Ed25519 key; UnsupportedKey for another."""
        if not isinstance(self._parsed, ed25519.Ed25519PublicKey):
            raise UnsupportedKey("only an Ed25519 key has a raw form")
        return self._parsed.public_bytes_raw()

    def verifies(self, *, message: bytes, signature: bytes) -> bool:
        """Return whether `signature` is this key's over `message`."""
        try:
            if isinstance(self._parsed, ed25519.Ed25519PublicKey):
                self._parsed.verify(signature, message)
            else:
                self._parsed.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    @cached_property
    def _parsed(self) -> _PublicKey:
        try:
            loaded = serialization.load_der_public_key(self.der)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise UnsupportedKey("not a SubjectPublicKeyInfo") from error
        if isinstance(loaded, ed25519.Ed25519PublicKey):
            return loaded
        if isinstance(loaded, ec.EllipticCurvePublicKey) and isinstance(loaded.curve, ec.SECP256R1):
            return loaded
        raise UnsupportedKey("only ECDSA P-256 and Ed25519 keys are used here")


class Signer(Protocol):
    """Something that signs with one key."""

    @property
    def public(self) -> PublicKey: ...

    def sign(self, message: bytes) -> bytes:
        """Return the signature: DER for ECDSA (over the SHA-256 of `message`), 64 bytes for Ed25519."""
        ...


AnySigner = TypeVar("AnySigner", bound=Signer)


class KeyProvider(Protocol):
    """Where the installation's signing keys come from (conductor.ledger.keys.providers)."""

    def signers(self, purpose: str) -> Sequence[Signer]:
        """Return every key that is held for `purpose` (SEAL or LOG), newest first; raise KeyUnavailable for none.

        Which of them is in force, the key table says (conductor.ledger.keys.keyring): a new key is there before it is.
        """
        ...


class LocalSigner:
    """A signer whose private key is in this process's memory."""

    def __init__(self, key: _PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(_der(key.public_key()))

    def sign(self, message: bytes) -> bytes:
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        return self._key.sign(message, ec.ECDSA(hashes.SHA256()))

    @classmethod
    def from_pem(cls, pem: bytes, *, source: str) -> LocalSigner:
        """Return the signer of an unencrypted PKCS#8 key; raise KeyUnavailable naming `source`."""
        try:
            key = serialization.load_pem_private_key(pem, password=None)
            if isinstance(key, _PrivateKey):
                return cls(key)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyUnavailable(f"{source} is not an unencrypted private key in PEM") from error
        raise KeyUnavailable(f"{source} is neither an ECDSA P-256 nor an Ed25519 key")


def generate_seal_key() -> bytes:
    """Return a new ECDSA P-256 key as PKCS#8 PEM."""
    return _private_pem(ec.generate_private_key(ec.SECP256R1()))


def generate_log_key() -> bytes:
    """Return a new Ed25519 key as PKCS#8 PEM."""
    return _private_pem(ed25519.Ed25519PrivateKey.generate())


_GENERATE: Final = {SEAL: generate_seal_key, LOG: generate_log_key}


class FileKeys:
    """Keys in a directory that only their owner may enter: `seal.key.pem`, then `seal-2.key.pem`; `log` likewise."""

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory)

    def create(self) -> None:
        """Make the keys that are missing, private to this user; keep those that exist.

        Safe to call from several processes at once: all of them end up with the same keys.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for purpose in (SEAL, LOG):
            if not self._numbers(purpose):
                write_once(path=self.directory / _file(purpose, 1), data=_GENERATE[purpose]())

    def add(self, purpose: str) -> LocalSigner:
        """Make one more key for `purpose`, numbered on, and return it. It is not in force yet."""
        name = _file(purpose, max(self._numbers(purpose), default=0) + 1)
        write_once(path=self.directory / name, data=_GENERATE[purpose]())
        return self._load(name)

    def signers(self, purpose: str) -> list[LocalSigner]:
        """Newest first. Keys whose files are gone are simply not held any more."""
        names = [_file(purpose, number) for number in sorted(self._numbers(purpose), reverse=True)]
        return [require_kind(self._load(name), purpose, source=name) for name in names or [_file(purpose, 1)]]

    def seal(self) -> LocalSigner:
        """The newest key that signs receipts."""
        return self.signers(SEAL)[0]

    def log(self) -> LocalSigner:
        """The newest key that signs checkpoints."""
        return self.signers(LOG)[0]

    def _numbers(self, purpose: str) -> list[int]:
        found = self.directory.glob(f"{purpose.lower()}*.key.pem") if self.directory.is_dir() else ()
        matches = (re.fullmatch(r"[a-z]+(?:-([0-9]+))?\.key\.pem", path.name) for path in found)
        return [int(match[1] or 1) for match in matches if match]

    def _load(self, name: str) -> LocalSigner:
        path = self.directory / name
        try:
            _require_private(self.directory, forbidden=WRITE_BY_OTHERS, remedy="chmod 700")
            _require_private(path, forbidden=ANY_ACCESS_BY_OTHERS, remedy="chmod 600")
            pem = path.read_bytes()
        except FileNotFoundError as error:
            raise KeyUnavailable(f"the signing key {path} is missing") from error
        except OSError as error:
            raise KeyUnavailable(f"the signing key {path} cannot be read: {error.strerror}") from error
        return LocalSigner.from_pem(pem, source=str(path))


class EnvKeys:
    """Keys as PEM texts in the environment: CONDUCTOR_SEAL_KEY, CONDUCTOR_LOG_KEY, and each with _NEXT behind it."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    def signers(self, purpose: str) -> list[LocalSigner]:
        """The next key first, if there is one."""
        name = _VARIABLE[purpose]
        names = [each for each in (f"{name}_NEXT", name) if self._environ.get(each, "").strip()]
        if not names:
            raise KeyUnavailable(f"{name} is not set")
        return [require_kind(self._load(each), purpose, source=each) for each in names]

    def _load(self, name: str) -> LocalSigner:
        return LocalSigner.from_pem(self._environ[name].replace("\\n", "\n").encode(), source=name)


def require_kind(signer: AnySigner, purpose: str, *, source: str) -> AnySigner:
    """Return the signer if its key is of the kind that `purpose` needs; raise KeyUnavailable naming `source`."""
    if purpose == LOG and signer.public.details != ED25519:
        raise KeyUnavailable(f"{source} must be an Ed25519 key: checkpoints are signed with nothing else")
    return signer


def _file(purpose: str, number: int) -> str:
    return f"{purpose.lower()}.key.pem" if number == 1 else f"{purpose.lower()}-{number}.key.pem"


def _require_private(path: Path, *, forbidden: int, remedy: str) -> None:
    """Refuse what others may read or replace: a key they have seen proves nothing."""
    if is_open_to_others(path, forbidden=forbidden):
        raise KeyUnavailable(f"{path} is open to other users; run: {remedy} {path}")


def _private_pem(key: _PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _der(key: object) -> bytes:
    if not isinstance(key, _PublicKey):
        raise UnsupportedKey("only ECDSA P-256 and Ed25519 keys are used here")
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
