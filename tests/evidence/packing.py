"""A real pack for tests, made by the product's own code: a log of some receipts, a bundle, and its pack."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from conductor.ledger import statement
from conductor.ledger.keys import dsse
from conductor.ledger.keys.keys import LocalSigner, generate_log_key, generate_seal_key
from conductor.ledger.log import checkpoint, merkle
from conductor.ledger.log.entry import log_entry
from conductor.ledger.statement import ReceiptContent, Subject
from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.clock import rfc3339
from evidence.pack_format import layout, verify
from evidence.pack_format.archive import read_archive, write_archive
from evidence.pack_format.assembly import assemble
from evidence.pack_format.layout import NotaryToken, PackContents, SequencedReceipt

NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
PERIOD = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-20T11:00:00Z"}
TENANT = UUID("0192f0c1-0000-7000-8000-000000000001")
ARTIFACTS = {
    "restore/source_manifest.json": b'{"tables":12,"rows":"48211"}\n',
    "restore/log.txt": "restored in 4 s; Prüfsumme gleich\n".encode(),
    "restore/übersicht.csv": b"table;rows\nusers;312\n",
    "restore/empty.txt": b"",
}

SEAL = LocalSigner.from_pem(generate_seal_key(), source="test")
LOG = LocalSigner.from_pem(generate_log_key(), source="test")
NOTARY = LocalSigner.from_pem(generate_seal_key(), source="test")


@dataclass
class Ledger:
    """A tenant's log in memory, doing what the sequencer does."""

    seal: LocalSigner = SEAL
    log: LocalSigner = LOG
    tenant: UUID = TENANT
    envelopes: list[dsse.Envelope] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)

    def add(
        self,
        action: str,
        *,
        files: Sequence[Mapping[str, str]] = (),
        body: Mapping[str, Any] | None = None,
        subject: str = "evidence.bundle:17",
        recorded_at: datetime | None = None,
    ) -> int:
        """Append a receipt and return its index."""
        number = len(self.leaves)
        content = ReceiptContent(
            receipt_id=UUID(int=number + 1),
            tenant_id=self.tenant,
            tenant_slug="northwind",
            action=action,
            subject=subject,
            subject_name="EVB-0017",
            actor="tenancy.user:3",
            actor_name="Cora",
            occurred_at=NOW + timedelta(seconds=number),
            recorded_at=recorded_at or NOW + timedelta(seconds=number),
            body=body or {"number": number},
            files=[Subject(each["name"], each["digest"]) for each in files],
            # Old receipts, which do not say how their actor was authenticated, are in packs beside new ones.
            authentication={"method": "password", "at": rfc3339(NOW)} if number % 2 else None,
        )
        envelope = dsse.sign(payload=statement.receipt(content), signers=[self.seal])
        self.envelopes.append(envelope)
        self.leaves.append(merkle.leaf_hash(log_entry(envelope=envelope, key=self.seal.public)))
        return number

    def note(self) -> str:
        state = checkpoint.Checkpoint(
            checkpoint.origin_of(log_name="conductor.example", tenant_id=self.tenant),
            len(self.leaves),
            merkle.root(self.leaves),
        )
        return checkpoint.sign(checkpoint=state, signer=self.log)

    def sequenced(self, index: int) -> SequencedReceipt:
        proof = merkle.inclusion_proof(index=index, leaf_hashes=self.leaves)
        return SequencedReceipt(self.envelopes[index].to_dict(), index, [each.hex() for each in proof])


def bundle_manifest(artifacts: Mapping[str, bytes], changes: Mapping[str, Any] | None = None) -> bytes:
    """Return a manifest with what the verifier reads of one; `changes` replace whole top-level values."""
    document = {
        "bundle": {"code": "EVB-0017", "conclusion": "NO_EXCEPTIONS", "period": PERIOD},
        "controls": [{"key": "SOC2_A1.2"}, {"key": "SOC2_A1.3"}],
        "artifacts": [
            {
                "path": path,
                "uri": f"cas:sha256:{sha256_hex(data)}",
                "digest": sha256_hex(data),
                "size_bytes": len(data),
                "role": "raw",
                "collected_at": rfc3339(NOW),
            }
            for path, data in sorted(artifacts.items())
        ],
        "findings": [{"check": "R1", "title": "Same rows", "result": "pass"}],
        "links": {"run": None, "incident": None, "supersedes": None},
    }
    return canonical_json({**document, **(changes or {})})


def seal_body(manifest: bytes) -> dict[str, Any]:
    """Return what the receipt of a seal says of the manifest."""
    document = json.loads(manifest)
    return {
        "code": document["bundle"]["code"],
        "conclusion": document["bundle"]["conclusion"],
        "period": document["bundle"]["period"],
        "manifest": sha256_hex(manifest),
        "artifacts": len(document["artifacts"]),
        "controls": [each["key"] for each in document["controls"]],
    }


def local_token(manifest: bytes, *, signer: LocalSigner = NOTARY) -> NotaryToken:
    said = {"attestedAt": rfc3339(NOW), "digest": {"sha256": sha256_hex(manifest)}, "notary": "Our own key"}
    envelope = dsse.sign(payload=canonical_json(said), signers=[signer], payload_type=verify.ATTESTATION_TYPE)
    return NotaryToken("local-1", envelope.to_bytes())


def contents_of(
    ledger: Ledger,
    receipts: Sequence[int],
    *,
    artifacts: Mapping[str, bytes] = ARTIFACTS,
    manifest: bytes | None = None,
) -> PackContents:
    manifest = manifest or bundle_manifest(artifacts)
    return PackContents(
        name="EVB-0017-pack-1",
        title="Backup and restore, November",
        organisation="Northwind",
        created_on=date(2026, 11, 20),
        manifest=manifest,
        artifacts=artifacts,
        report=b"%PDF-1.7 as far as these tests care\n%%EOF\n",
        receipts=[ledger.envelopes[each].to_dict() for each in receipts],
        seal_keys=[ledger.seal.public],
        log_key=ledger.log.public,
        notary_tokens=[local_token(manifest)],
        notary_key=NOTARY.public,
    )


@dataclass(frozen=True)
class Made:
    """A finished pack and what it was made of."""

    contents: PackContents
    ledger: Ledger
    data: bytes


def make_pack(
    *,
    ledger: Ledger | None = None,
    artifacts: Mapping[str, bytes] = ARTIFACTS,
    others: int = 17,
    document: Mapping[str, Any] | None = None,
    sealed_as: Mapping[str, Any] | None = None,
    about: Sequence[int] = (),
    **changes: Any,
) -> Made:
    """Return a pack whose bundle was sealed in `ledger`, with `others` receipts of other things before it.

    `document` replaces values of the manifest, `sealed_as` facts in the receipt of its seal; `about` are receipts
    of the ledger that go into the pack too.
    """
    ledger = ledger or Ledger()
    for _ in range(others):
        ledger.add("incidents.incident.declared")
    manifest = bundle_manifest(artifacts, document)
    sealed_files = [{"name": "manifest.json", "digest": sha256_hex(manifest)}]
    sealed_files += [{"name": f"data/{path}", "digest": sha256_hex(data)} for path, data in sorted(artifacts.items())]
    collected = ledger.add("conductor.run.succeeded", body={"ratio": 0.25})
    body = {**seal_body(manifest), **(sealed_as or {})}
    sealed = ledger.add("evidence.bundle.sealed", files=sealed_files, body=body)
    behind = [*about, collected, sealed]
    contents = contents_of(ledger, behind, artifacts=artifacts, manifest=manifest)
    contents = replace(contents, **changes)
    own = ledger.add("evidence.pack.generated", files=layout.subjects(layout.pack_files(contents)))
    ledger.add("incidents.incident.declared")
    data = assemble(
        contents=contents,
        pack=ledger.sequenced(own),
        receipts=[ledger.sequenced(each) for each in behind],
        note=ledger.note(),
    )
    return Made(contents, ledger, data)


def unpacked(data: bytes) -> dict[str, bytes]:
    return read_archive(data)[1]


def repacked(files: Mapping[str, bytes], *, base: str = "EVB-0017-pack-1") -> bytes:
    """Return the canonical ZIP of `files`: a forger's work, with nothing wrong about the container."""
    return write_archive(base=base, files=files)


def rebagged(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return `files` with the bag's manifests made to fit, as a forger would (T20)."""
    payload = {path: data for path, data in files.items() if path.startswith("data/")}
    fitted = {**files, "manifest-sha256.txt": layout.checksums(payload)}
    tags = {path: data for path, data in fitted.items() if not path.startswith(("data/", "tagmanifest"))}
    return {**fitted, "tagmanifest-sha256.txt": layout.checksums(tags)}
