"""One receipt, verified where it stands, and the outcome in words that a reader understands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from conductor.ledger import statement
from conductor.ledger.anchors import Stamp, anchored_size
from conductor.ledger.export.sigstore import origin_of, stamps_of
from conductor.ledger.keys import dsse
from conductor.ledger.keys.keyring import KeyPeriod, Keyring
from conductor.ledger.log import checkpoint as notes
from conductor.ledger.log import merkle
from conductor.ledger.log.entry import log_entry
from conductor.ledger.log.sequencer import content_of
from conductor.ledger.log.tiles import TileIncomplete
from conductor.ledger.models import Receipt
from conductor.ledger.selectors import InclusionProof, NotYetSequenced, inclusion_proof
from conductor.ledger.verify.verification import signed_text, signer_of
from conductor.lib.canonical import canonical_json, sha256_hex

OK: Final = "ok"
WAIT: Final = "wait"
BAD: Final = "bad"


@dataclass(frozen=True)
class Check:
    """One link of the chain from the row to somebody else's clock."""

    title: str
    state: str
    """ok, wait or bad."""
    detail: str


@dataclass(frozen=True)
class Verification:
    """What was checked of one receipt, and how it came out."""

    checks: list[Check]
    stamps: list[Stamp]

    @property
    def is_verified(self) -> bool:
        """Whether content, signature and log hold. A missing outside witness is said, but spoils nothing."""
        states = [each.state for each in self.checks]
        return BAD not in states and states[:3] == [OK, OK, OK]

    @property
    def verdict(self) -> str:
        """One sentence."""
        if any(each.state == BAD for each in self.checks):
            return "Not verified: this receipt is not what was signed and logged."
        if not self.is_verified:
            return "Not in the log yet: the sequencer signs and numbers it within seconds."
        if self.checks[-1].state == OK:
            return "Verified: signed, in the log, and seen by somebody outside of this installation."
        return "Verified: signed and in the log. Nobody outside of this installation has seen it yet."


_REFUSALS = (
    dsse.EnvelopeRefused,
    statement.StatementRefused,
    notes.CheckpointRefused,
    merkle.ProofRefused,
    TileIncomplete,
)


def check_receipt(*, receipt: Receipt, keyring: Keyring, tenant_slug: str) -> Verification:
    """Verify one receipt: content, signature, place in the log, and who else has seen it. Needs the scope."""
    if receipt.leaf_index is None:
        waits = [Check(title, WAIT, "Waits for the sequencer") for title in ("Content", "Signature", "Log", "Witness")]
        return Verification(waits, [])
    stamps: list[Stamp] = []
    checks = []
    parts: dict[str, Callable[[], str]] = {
        "Content": lambda: _content(receipt, tenant_slug),
        "Signature": lambda: _signature(receipt, keyring),
        "Log": lambda: _log(receipt, keyring),
    }
    for title, part in parts.items():
        try:
            checks.append(Check(title, OK, part()))
        except NotYetSequenced:
            checks.append(Check(title, WAIT, "Waits for a checkpoint"))
        except _REFUSALS as why:
            checks.append(Check(title, BAD, f"{str(why)[:1].upper()}{str(why)[1:]}."))
    if all(each.state == OK for each in checks):
        stamps = stamps_of(receipt)
        checks.append(_witness(receipt, stamps))
    else:
        checks.append(Check("Witness", WAIT, "Of no use while the others do not hold"))
    return Verification(checks, stamps)


def signed_fault(*, receipt: Receipt, keyring: Keyring, tenant_slug: str) -> str:
    """Return why the receipt's row is not what was signed; empty if it is.

    One that is not signed yet holds by its digest. No query: the log is not asked.
    """
    if sha256_hex(canonical_json(receipt.body)) != receipt.body_digest:
        return "the body was changed"
    if receipt.leaf_index is None:
        return ""
    try:
        _content(receipt, tenant_slug)
        _signature(receipt, keyring)
    except _REFUSALS as why:
        return str(why)
    return ""


def _content(receipt: Receipt, slug: str) -> str:
    if sha256_hex(canonical_json(receipt.body)) != receipt.body_digest:
        raise statement.StatementRefused("the body was changed")
    envelope = dsse.Envelope.from_dict(receipt.envelope or {})
    if envelope.payload != statement.receipt(content_of(receipt, slug)):
        raise statement.StatementRefused("the row says something else than what was signed")
    return f"The row says what was signed, byte for byte ({len(envelope.payload)} bytes)."


def _signature(receipt: Receipt, keyring: Keyring) -> str:
    period = _signer(receipt, keyring)
    dsse.verify(envelope=dsse.Envelope.from_dict(receipt.envelope or {}), keys=[period.key])
    if receipt.sequenced_at and (fault := period.fault(receipt.sequenced_at)):
        raise dsse.EnvelopeRefused(f"the receipt is {fault}")
    return f"Signed by seal key {period.number}, sha256:{period.key.fingerprint[:16]}…, in force at the time."


def _log(receipt: Receipt, keyring: Keyring) -> str:
    proof = inclusion_proof(receipt=receipt)
    text, period = signed_text(note=proof.checkpoint, origin=origin_of(receipt.tenant_id), keyring=keyring)
    state = notes.parse(text)
    merkle.verify_inclusion(
        leaf=merkle.leaf_hash(_entry(receipt, keyring)),
        index=proof.leaf_index,
        size=state.tree_size,
        proof=_hashes(proof),
        root_hash=state.root_hash,
    )
    steps = len(proof.hashes)
    entry = f"Entry {proof.leaf_index} of {state.tree_size}; {steps} {'hash leads' if steps == 1 else 'hashes lead'}"
    return f"{entry} to the root that log key {period.number} signed."


def _witness(receipt: Receipt, stamps: list[Stamp]) -> Check:
    told = list(_told(receipt, stamps))
    if told:
        return Check("Witness", OK, " ".join(told))
    return Check("Witness", WAIT, "No independent notary has stamped it, or a checkpoint that covers it, so far.")


def _told(receipt: Receipt, stamps: list[Stamp]) -> Iterator[str]:
    for stamp in stamps:
        if stamp.independent:
            yield f"{stamp.notary} stamped the signature at {stamp.attested_at:%Y-%m-%d %H:%M:%S} UTC."
    size = anchored_size()
    if receipt.leaf_index is not None and receipt.leaf_index < size:
        yield f"A notary stamped the checkpoint of {size} entries, which covers it."


def _signer(receipt: Receipt, keyring: Keyring) -> KeyPeriod:
    return signer_of(envelope=dsse.Envelope.from_dict(receipt.envelope or {}), keyring=keyring)


def _entry(receipt: Receipt, keyring: Keyring) -> bytes:
    return log_entry(envelope=dsse.Envelope.from_dict(receipt.envelope or {}), key=_signer(receipt, keyring).key)


def _hashes(proof: InclusionProof) -> list[bytes]:
    return [bytes.fromhex(each) for each in proof.hashes]
