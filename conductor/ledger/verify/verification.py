"""Checks a tenant's whole ledger: every body, signature, leaf, root, checkpoint, tile and key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from conductor.ledger import statement
from conductor.ledger.anchors import stamp_faults
from conductor.ledger.keys import dsse
from conductor.ledger.keys.keyring import KeyPeriod, Keyring
from conductor.ledger.keys.keys import LOG, SEAL
from conductor.ledger.log import checkpoint as notes
from conductor.ledger.log import tile_store
from conductor.ledger.log.entry import log_entry
from conductor.ledger.log.merkle import Frontier, leaf_hash
from conductor.ledger.log.sequencer import content_of
from conductor.ledger.log.tiles import Coordinates, edge_of, grown
from conductor.ledger.models import Checkpoint, Receipt
from conductor.ledger.verify.records import RecordReport, check_records
from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.tenancy.models import Tenant

TILED_AT_ONCE = 4096


@dataclass
class LedgerReport:
    """What was looked at and what is wrong."""

    receipts: int = 0
    pending: int = 0
    checkpoints: int = 0
    tiles: int = 0
    faults: list[str] = field(default_factory=list)
    """One sentence each, naming the receipt, checkpoint or record. Empty: everything holds."""
    records: list[RecordReport] = field(default_factory=list)
    """What else was compared with what was signed; its faults are among `faults`."""


def verify_ledger(
    *, tenant_id: UUID, keyring: Keyring, kept: Sequence[str] = (), read_files: bool = False
) -> LedgerReport:
    """Check the tenant's ledger from its first receipt, then the records that it vouches for. Needs the scope.

    Found are: a changed, missing, moved or inserted receipt, a signature by a key that was not in force, a
    checkpoint that does not follow from the receipts or is not signed by the log's key, a tile that proofs would
    fail with. `kept` are checkpoints that were kept elsewhere: with one of them, a ledger that was cut off,
    replaced by an older one or rewritten with the keys themselves is found too, up to that checkpoint
    (docs/explanation/what-is-proven.md). With `read_files` stored files are read and compared with their digests.

    While a sequencer is at work, call it in a snapshot_scope, or what it adds meanwhile does not fit what was read.
    """
    report = LedgerReport(pending=Receipt.objects.filter(leaf_index=None).count(), faults=list(keyring.faults))
    walk = _Walk(tenant_id, keyring)
    outside = walk.kept(kept, report)
    checkpoints = iter(Checkpoint.objects.order_by("tree_size"))
    due = next(checkpoints, None)
    for receipt in Receipt.objects.exclude(leaf_index=None).order_by("leaf_index").iterator(chunk_size=500):
        report.receipts += 1
        report.faults.extend(walk.receipt(receipt))
        report.faults.extend(walk.compared(outside))
        while due is not None and due.tree_size <= walk.frontier.size:
            report.checkpoints += 1
            report.faults.extend(walk.checkpoint(due))
            due = next(checkpoints, None)
    if due is not None:
        report.faults.append(
            f"checkpoint {due.tree_size}: the log has only {walk.frontier.size} receipts; its tail is missing"
        )
    elif (newest := Checkpoint.objects.order_by("-tree_size").first()) and newest.tree_size < walk.frontier.size:
        report.faults.append(f"receipt {newest.tree_size}: no checkpoint covers it and what follows")
    for size in sorted(each for each in outside if each > walk.frontier.size):
        report.faults.append(
            f"kept checkpoint {size}: the log has only {walk.frontier.size} receipts; what came after them is gone"
        )
    report.faults.extend(stamp_faults())
    stored = tile_store.all_tiles()
    report.tiles = len(stored)
    report.faults.extend(_tile_faults(stored, walk.tiles()))
    report.records = check_records(read_files=read_files)
    report.faults.extend(fault for each in report.records for fault in each.faults)
    return report


class _Walk:
    """The log as it follows from the receipts seen so far."""

    def __init__(self, tenant_id: UUID, keyring: Keyring) -> None:
        self.keyring = keyring
        self.slug = Tenant.objects.values_list("slug", flat=True).get(id=tenant_id)
        self.origin = notes.origin_of(log_name=settings.CONDUCTOR_LOG_NAME, tenant_id=tenant_id)
        self.frontier = Frontier()
        self._newest = {SEAL: 0, LOG: 0}
        self._tiles: dict[Coordinates, bytes] = {}
        self._untiled: list[bytes] = []

    def kept(self, notes_kept: Sequence[str], report: LedgerReport) -> dict[int, list[bytes]]:
        """Return the roots that checkpoints kept elsewhere state, by size; report those that are not of this log."""
        found: dict[int, list[bytes]] = {}
        for note in notes_kept:
            try:
                state = notes.parse(signed_text(note=note, origin=self.origin, keyring=self.keyring)[0])
            except notes.CheckpointRefused as error:
                report.faults.append(f"kept checkpoint: {error}")
                continue
            if state.origin != self.origin:
                report.faults.append(f"kept checkpoint: is of the log {state.origin}")
                continue
            found.setdefault(state.tree_size, []).append(state.root_hash)
        return found

    def compared(self, outside: Mapping[int, Sequence[bytes]]) -> Iterator[str]:
        """Yield what is wrong if a checkpoint that was kept elsewhere has this size."""
        for root in outside.get(self.frontier.size, ()):
            if root != self.frontier.root():
                yield f"kept checkpoint {self.frontier.size}: states another root; the log was rewritten or forked"

    def receipt(self, receipt: Receipt) -> Iterator[str]:
        """Yield what is wrong with the next receipt."""
        name = f"receipt {receipt.leaf_index} ({receipt.action}, {receipt.id})"
        if receipt.leaf_index != self.frontier.size:
            yield f"{name}: expected number {self.frontier.size}; a receipt is missing or was inserted"
        leaf = bytes.fromhex(receipt.leaf_hash or "00" * 32)
        self.frontier.append(leaf)
        self._untiled.append(leaf)
        if len(self._untiled) == TILED_AT_ONCE:
            self._tile()
        try:
            if sha256_hex(canonical_json(receipt.body)) != receipt.body_digest:
                yield f"{name}: the body was changed"
            yield from (f"{name}: {fault}" for fault in self._signature_faults(receipt))
        except (dsse.EnvelopeRefused, statement.StatementRefused, ValueError) as error:
            yield f"{name}: {error}"

    def checkpoint(self, row: Checkpoint) -> Iterator[str]:
        """Yield what is wrong with a checkpoint over the receipts so far."""
        name = f"checkpoint {row.tree_size}"
        if row.tree_size != self.frontier.size:
            yield f"{name}: no receipt carries number {row.tree_size - 1}"
            return
        expected = notes.Checkpoint(origin=self.origin, tree_size=row.tree_size, root_hash=self.frontier.root())
        if row.root_hash != expected.root_hash.hex():
            yield f"{name}: the root does not follow from the receipts"
        try:
            text, period = signed_text(note=row.note, origin=self.origin, keyring=self.keyring)
        except notes.CheckpointRefused as error:
            yield f"{name}: {error}"
            return
        if text != expected.text:
            yield f"{name}: the signed note says something else than the receipts"
        if fault := period.fault(row.created_at):
            yield f"{name}: {fault}"
        yield from (f"{name}: {fault}" for fault in self._order_faults(period))

    def tiles(self) -> dict[Coordinates, bytes]:
        """Return the tiles that follow from the receipts."""
        self._tile()
        return self._tiles

    def _signature_faults(self, receipt: Receipt) -> Iterator[str]:
        envelope = dsse.Envelope.from_dict(receipt.envelope or {})
        period = signer_of(envelope=envelope, keyring=self.keyring)
        payload = dsse.verify(envelope=envelope, keys=[period.key])
        if payload != statement.receipt(content_of(receipt, self.slug)):
            yield "the row says something else than what was signed"
        if leaf_hash(log_entry(envelope=envelope, key=period.key)).hex() != receipt.leaf_hash:
            yield "the leaf is not that of the signed receipt"
        if receipt.sequenced_at and (fault := period.fault(receipt.sequenced_at)):
            yield fault
        elif period.valid_to and receipt.recorded_at > period.valid_to:
            yield "says that it was recorded after its key had been replaced"
        yield from self._order_faults(period)

    def _order_faults(self, period: KeyPeriod) -> Iterator[str]:
        """A key that was replaced never comes back: the log itself tells, whatever its rows say about time."""
        if period.number < self._newest[period.purpose]:
            yield "signed by a key that an earlier entry shows to have been replaced"
        self._newest[period.purpose] = max(self._newest[period.purpose], period.number)

    def _tile(self) -> None:
        size = self.frontier.size - len(self._untiled)
        held = {at: self._tiles.get(at, b"") for at in edge_of(size)}
        self._tiles |= grown(size=size, edge=held, leaves=self._untiled)
        self._untiled = []


def signer_of(*, envelope: dsse.Envelope, keyring: Keyring) -> KeyPeriod:
    """Return the period of the key that the envelope names; raise EnvelopeRefused if it is none of ours."""
    named = [each.keyid for each in envelope.signatures]
    period = keyring.find(SEAL, named[0]) if len(named) == 1 else None
    if period is None:
        raise dsse.EnvelopeRefused(f"a receipt bears one signature, by a key of this installation, not {named}")
    return period


def signed_text(*, note: str, origin: str, keyring: Keyring) -> tuple[str, KeyPeriod]:
    """Return the note's text and whose signature it bears; raise CheckpointRefused if it is none of ours."""
    parsed = notes.parse_note(note.encode())
    hashes = {each.key_hash for each in parsed.signatures if each.name == origin}
    for period in keyring.of(LOG):
        if notes.key_hash(name=origin, key=period.key) in hashes:
            return notes.verify_note(note=note.encode(), name=origin, key=period.key), period
    raise notes.CheckpointRefused(f"the note is not signed by {origin} with a key of this installation")


def _tile_faults(stored: Mapping[Coordinates, bytes], expected: Mapping[Coordinates, bytes]) -> Iterator[str]:
    for at in sorted({*stored, *expected}):
        if stored.get(at) != expected.get(at):
            yield f"tile {at.level}/{at.number}: is not what follows from the receipts (manage.py rebuild_tiles)"
