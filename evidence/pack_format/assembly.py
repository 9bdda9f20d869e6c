"""Finishing a pack once its receipt is signed and logged. Nothing leaves here that would not verify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conductor.ledger import statement
from conductor.ledger.keys import dsse
from conductor.ledger.keys.dsse import Envelope
from conductor.ledger.keys.keys import PublicKey
from conductor.ledger.log import checkpoint, merkle
from conductor.ledger.log.entry import log_entry
from evidence.pack_format import verify
from evidence.pack_format.archive import write_archive
from evidence.pack_format.layout import (
    PackContents,
    PackRefused,
    SequencedReceipt,
    checksums,
    pack_files,
    proof_file,
    subjects,
)


def assemble(
    *, contents: PackContents, pack: SequencedReceipt, receipts: Sequence[SequencedReceipt], note: str
) -> bytes:
    """Return the finished ZIP. The same arguments give the same bytes.

    `pack` is the receipt of `evidence.pack.generated`, whose subjects were `subjects(pack_files(contents))`;
    `receipts` are those of `contents`, in the same order; `note` is one checkpoint that all the proofs lead to.
    Raise PackRefused if any of it does not fit together.
    """
    files = pack_files(contents)
    try:
        _require_vouched(files, Envelope.from_dict(pack.envelope), contents.seal_keys[0])
        if [dict(each.envelope) for each in receipts] != [dict(each) for each in contents.receipts]:
            raise PackRefused("the proofs are not of the receipts that are in the pack")
        paths = [verify.ENVELOPE, *sorted(each for each in files if each.startswith(verify.RECEIPTS))]
        proofs = [
            (path, each, _entry(each, contents.seal_keys)) for path, each in zip(paths, [pack, *receipts], strict=True)
        ]
        _require_logged(proofs, note, contents.log_key)
    except PackRefused:
        raise
    except ValueError as why:  # every refusal of the ledger's modules is one
        raise PackRefused(str(why)) from why
    files[verify.ENVELOPE] = Envelope.from_dict(pack.envelope).to_bytes()
    files[verify.PROOF] = proof_file(proofs)
    files[verify.CHECKPOINT] = note.encode()
    files[verify.TAG_MANIFEST] = checksums({p: data for p, data in files.items() if not p.startswith(verify.DATA)})
    return write_archive(base=contents.name, files=files)


def _require_vouched(files: Mapping[str, bytes], envelope: Envelope, key: PublicKey) -> None:
    said = statement.parse_receipt(dsse.verify(envelope=envelope, keys=[key]))
    if said.action != verify.PACK_ACTION:
        raise PackRefused(f"the pack's receipt is one of {said.action}")
    if [{"name": each.name, "digest": each.digest} for each in said.files] != subjects(files):
        raise PackRefused("the pack's receipt vouches for other files than these: the contents have changed")


def _entry(receipt: SequencedReceipt, keys: Sequence[PublicKey]) -> bytes:
    envelope = Envelope.from_dict(receipt.envelope)
    signers = [key for key in keys if [key.fingerprint] == [each.keyid for each in envelope.signatures]]
    dsse.verify(envelope=envelope, keys=signers)
    return log_entry(envelope=envelope, key=signers[0])


def _require_logged(proofs: Sequence[tuple[str, SequencedReceipt, bytes]], note: str, key: PublicKey) -> None:
    state = checkpoint.parse(checkpoint.parse_note(note.encode()).text)
    checkpoint.verify(note=note.encode(), origin=state.origin, key=key)
    for _, receipt, entry in proofs:
        merkle.verify_inclusion(
            leaf=merkle.leaf_hash(entry),
            index=receipt.leaf_index,
            size=state.tree_size,
            proof=[bytes.fromhex(step) for step in receipt.proof],
            root_hash=state.root_hash,
        )
