"""The keys of this installation as anybody may know them: public, with the time in which each was in force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection

from conductor.ledger import statement
from conductor.ledger.keys import dsse
from conductor.ledger.keys.keys import LOG, SEAL, KeyProvider, KeyUnavailable, PublicKey, Signer, UnsupportedKey
from conductor.ledger.models import SigningKey
from conductor.lib.clock import rfc3339

ROTATION: Final = "https://maestro-conductor.dev/key-rotation/v1"
_LOCK = "hashtextextended('signing-keys', 0)"


class KeyNotInForce(KeyUnavailable):
    """The provider does not hold the key that is in force, or that key was declared compromised."""


@dataclass(frozen=True)
class KeyPeriod:
    """A public key and when it was in force."""

    purpose: str
    number: int
    key: PublicKey
    valid_from: datetime | None
    """None: from the beginning."""
    valid_to: datetime | None
    """None: still."""
    compromised_from: datetime | None = None

    def fault(self, moment: datetime) -> str:
        """Return why the key may not have signed at `moment`, or nothing."""
        if self.compromised_from and moment >= self.compromised_from:
            return f"signed by a key that was declared compromised from {rfc3339(self.compromised_from)} on"
        if self.valid_from and moment < self.valid_from:
            return f"signed by a key that came into force only at {rfc3339(self.valid_from)}"
        if self.valid_to and moment > self.valid_to:
            return f"signed by a key that was replaced at {rfc3339(self.valid_to)}"
        return ""


@dataclass(frozen=True)
class Keyring:
    """Every key that this installation has had, oldest first for each purpose."""

    periods: Sequence[KeyPeriod] = ()
    faults: list[str] = field(default_factory=list)
    """One sentence each: a key that its predecessor did not endorse."""

    def of(self, purpose: str) -> list[KeyPeriod]:
        """Return the periods of one purpose, oldest first."""
        return [each for each in self.periods if each.purpose == purpose]

    def keys(self, purpose: str) -> list[PublicKey]:
        """Return the public keys of one purpose, newest first."""
        return [each.key for each in reversed(self.of(purpose))]

    def find(self, purpose: str, fingerprint: str) -> KeyPeriod | None:
        """Return the period of the key with this fingerprint."""
        return next((each for each in self.of(purpose) if each.key.fingerprint == fingerprint), None)

    def strangers(self, provider: KeyProvider) -> list[str]:
        """Return a sentence for each purpose whose present key the provider does not hold: whose ledger is this?"""
        found = []
        for purpose in (SEAL, LOG):
            held = {each.public for each in provider.signers(purpose)}
            if (periods := self.of(purpose)) and periods[-1].key not in held:
                found.append(f"the {purpose.lower()} key in force is not one that this installation holds")
        return found


def keyring() -> Keyring:
    """Return the keyring, each key's endorsement by its predecessor checked."""
    return assemble(SigningKey.objects.order_by("purpose", "number"))


def assemble(rows: Iterable[SigningKey]) -> Keyring:
    """Return the keyring of `rows`, which are ordered by purpose and number."""
    periods: list[KeyPeriod] = []
    faults: list[str] = []
    for row in rows:
        before = next((each for each in reversed(periods) if each.purpose == row.purpose), None)
        name = f"{row.purpose.lower()} key {row.number}"
        try:
            period = _period(row)
            if before is not None:
                _require_endorsed(row, before, period)
            elif row.number != 1:
                faults.append(f"{name}: its predecessor is missing")
        except (UnsupportedKey, dsse.EnvelopeRefused, statement.StatementRefused) as why:
            faults.append(f"{name}: {why}")
            continue
        periods.append(period)
    return Keyring(periods, faults)


def rotation_statement(*, purpose: str, number: int, old: PublicKey, new: PublicKey, moment: datetime) -> bytes:
    """Return what both keys sign when one replaces the other."""
    predicate = {
        "purpose": purpose.lower(),
        "number": number,
        "validFrom": rfc3339(moment),
        "predecessor": {"sha256": old.fingerprint},
        "publicKey": new.pem,
    }
    subject = statement.Subject(f"keys/{purpose.lower()}-{number}.pub.der", new.fingerprint)
    return statement.build(subjects=[subject], predicate_type=ROTATION, predicate=predicate)


def hold_still() -> None:
    """Keep keys from being replaced until the end of the transaction. Many sequencers may hold this at once."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock_shared({_LOCK})")


def hold_all() -> None:
    """Wait until no sequencer is signing, and keep them all from signing until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")


def in_force(*, purpose: str, provider: KeyProvider, for_rotation: bool = False) -> tuple[Signer, KeyPeriod]:
    """Return the signer whose key is in force, and its period. The very first key is put in force by being used.

    Raise KeyNotInForce if the provider does not hold it: a key is replaced by `manage.py rotate_key` and in no
    other way, so that nobody can slip one in. A compromised key is good for nothing but being replaced.
    """
    row = SigningKey.objects.filter(purpose=purpose, valid_to=None).first() or _first(purpose, provider)
    if row.compromised_from is not None and not for_rotation:
        raise KeyNotInForce(f"the {purpose.lower()} key in force was declared compromised: run manage.py rotate_key")
    for signer in provider.signers(purpose):
        if signer.public.fingerprint == row.fingerprint_digest:
            return signer, _period(row)
    raise KeyNotInForce(
        f"the {purpose.lower()} key in force, sha256:{row.fingerprint_digest}, is not among those at hand"
    )


def _first(purpose: str, provider: KeyProvider) -> SigningKey:
    key = provider.signers(purpose)[-1].public
    row = SigningKey(purpose=purpose, fingerprint_digest=key.fingerprint, public_key=key.pem, number=1)
    SigningKey.objects.bulk_create([row], ignore_conflicts=True)  # another tenant's sequencer may be first as well
    return SigningKey.objects.get(purpose=purpose, valid_to=None)


def _period(row: SigningKey) -> KeyPeriod:
    key = PublicKey.from_pem(row.public_key)
    if key.fingerprint != row.fingerprint_digest:
        raise UnsupportedKey("its fingerprint is that of another key")
    return KeyPeriod(row.purpose, row.number, key, row.valid_from, row.valid_to, row.compromised_from)


def _require_endorsed(row: SigningKey, before: KeyPeriod, period: KeyPeriod) -> None:
    envelope: dict[str, Any] = row.endorsement or {}
    payload = dsse.verify(envelope=dsse.Envelope.from_dict(envelope), keys=[before.key, period.key])
    moment = row.valid_from
    if moment is None or payload != rotation_statement(
        purpose=row.purpose, number=before.number + 1, old=before.key, new=period.key, moment=moment
    ):
        raise statement.StatementRefused("the endorsement is of another rotation")
    if before.valid_to != moment:
        raise statement.StatementRefused("it did not follow at once upon its predecessor")
