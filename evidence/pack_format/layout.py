"""What a pack consists of: its inputs as plain data, and the files that can be made before it is signed.

    bagit.txt  bag-info.txt  manifest-sha256.txt  tagmanifest-sha256.txt      the bag (BagIt 1.0, RFC 8493)
    data/<artifacts>  data/report.pdf                                         its payload
    manifest.json                                                             the sealed bundle's manifest
    provenance/pack.dsse.json  pack.proof.json  checkpoint.txt                the pack's own receipt, and the log
    provenance/receipts/0001.dsse.json …                                      receipts of what led to it
    provenance/notary/<id>.tsr .tsq .dsse.json                                what notaries said of manifest.json
    trust/seal.pub.pem  log.pub.pem  notary.pub.pem                           public keys, for convenience
    VERIFY.md  verify.py                                                      how to check all this

The pack's receipt vouches for every file except the four that can only be made after it (verify.DEPENDENT).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from conductor.ledger.keys.dsse import Envelope
from conductor.ledger.keys.keys import PublicKey
from conductor.lib.canonical import canonical_json, sha256_hex
from evidence.pack_format import instructions, verify
from evidence.pack_format.verify import DATA, NOTARY, RECEIPTS, REPORT

NOTARY_KEY: Final = "trust/notary.pub.pem"
AGENT: Final = "Maestro Conductor"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class PackRefused(ValueError):
    """A pack cannot be made of this: a name, a path or a proof is not what it must be."""


@dataclass(frozen=True)
class NotaryToken:
    """What a notary said of the digest of manifest.json."""

    name: str
    """File name without its ending: lower letters, digits and hyphens, unique within the pack."""
    response: bytes
    """RFC 3161: the TimeStampResp in DER. Local notary: its DSSE envelope in canonical JSON."""
    request: bytes = b""
    """RFC 3161: the TimeStampReq in DER; empty for a local notary."""
    attested_at: datetime | None = None
    """The time that the notary vouches for; printed in the instructions."""


@dataclass(frozen=True)
class PackContents:
    """Everything that goes into a pack, known before its own receipt is written."""

    name: str
    """`EVB-0017-pack-1`: the folder in the ZIP and the bag's identifier."""
    title: str
    organisation: str
    created_on: date
    manifest: bytes
    """manifest.json: the canonical JSON whose digest was sealed. Lists `artifacts` with path, digest, size_bytes."""
    artifacts: Mapping[str, bytes]
    """Path below data/ to content: exactly those that the manifest lists."""
    report: bytes
    """The PDF."""
    receipts: Sequence[Mapping[str, Any]]
    """DSSE envelopes (as JSON objects) of the receipts that led here, the sealing's among them, in log order."""
    seal_keys: Sequence[PublicKey]
    """The key that signs the pack's receipt first; then older ones that signed any of `receipts`."""
    log_key: PublicKey
    notary_tokens: Sequence[NotaryToken] = ()
    notary_key: PublicKey | None = None
    """The local notary's key, if one of the tokens is its."""


@dataclass(frozen=True)
class SequencedReceipt:
    """A receipt with its place in the log that the checkpoint describes."""

    envelope: Mapping[str, Any]
    leaf_index: int
    proof: Sequence[str] = field(default_factory=tuple)
    """Audit path, lower hexadecimal digits, from the leaf upwards."""


def pack_files(contents: PackContents) -> dict[str, bytes]:
    """Return every file that the pack's receipt vouches for, by path. The same contents give the same bytes.

    Raise PackRefused for paths that could not be unpacked everywhere, and for contents that contradict
    each other.
    """
    files = {DATA + path: data for path, data in contents.artifacts.items()}
    if not _NAME.fullmatch(contents.name) or REPORT in files or not contents.seal_keys:
        raise PackRefused(f"{contents.name!r} cannot name a pack, an artifact takes the report's place, or no key")
    files[REPORT] = contents.report
    files |= {
        verify.BAGIT: verify.BAGIT_TEXT,
        verify.BAG_INFO: _bag_info(contents, files),
        verify.PAYLOAD_MANIFEST: checksums(files),
        verify.MANIFEST: contents.manifest,
        "verify.py": Path(verify.__file__).read_bytes(),
        verify.LOG_KEY: contents.log_key.pem.encode(),
    }
    for number, key in enumerate(contents.seal_keys):
        files[f"trust/seal-{number}.pub.pem" if number else verify.SEAL_KEY] = key.pem.encode()
    for number, envelope in enumerate(contents.receipts, start=1):
        files[f"{RECEIPTS}{number:04d}.dsse.json"] = Envelope.from_dict(envelope).to_bytes()
    files |= _notary_files(contents)
    files["VERIFY.md"] = instructions.text(
        name=contents.name, title=contents.title, dependent=verify.DEPENDENT,
        seal_keys=contents.seal_keys, log_key=contents.log_key,
        stamps={each.name: each.attested_at for each in contents.notary_tokens if each.request and each.attested_at},
    ).encode()  # fmt: skip
    if problems := verify.path_problems(list(files)):
        raise PackRefused("; ".join(f"{each.file} {each.text}" for each in problems))
    return files


def subjects(files: Mapping[str, bytes]) -> list[dict[str, str]]:
    """Return what the pack's receipt vouches for: name and SHA-256 of every file, by name."""
    return [{"name": path, "digest": sha256_hex(files[path])} for path in sorted(files)]


def checksums(files: Mapping[str, bytes]) -> bytes:
    """Return a manifest of `files` as `sha256sum -c` and BagIt read it."""
    return "".join(f"{sha256_hex(files[path])}  {path}\n" for path in sorted(files)).encode()


def proof_file(proofs: Sequence[tuple[str, SequencedReceipt, bytes]]) -> bytes:
    """Return provenance/pack.proof.json for (path of the envelope, its place, its log entry), in pack order."""
    entries = [
        {
            "envelope": path,
            "logIndex": str(each.leaf_index),
            "canonicalizedBody": base64.b64encode(entry).decode(),
            "hashes": [base64.b64encode(bytes.fromhex(step)).decode() for step in each.proof],
        }
        for path, each, entry in proofs
    ]
    return canonical_json({"entries": entries})


def _bag_info(contents: PackContents, payload: Mapping[str, bytes]) -> bytes:
    info = {
        "Source-Organization": contents.organisation,
        "External-Identifier": contents.name,
        "External-Description": contents.title,
        "Bagging-Date": contents.created_on.isoformat(),
        "Payload-Oxum": f"{sum(map(len, payload.values()))}.{len(payload)}",
        "Bag-Software-Agent": AGENT,
        "Conductor-Pack-Format": verify.FORMAT,
    }
    return "".join(f"{name}: {' '.join(value.split())}\n" for name, value in info.items()).encode()


def _notary_files(contents: PackContents) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for token in contents.notary_tokens:
        taken = any(path.startswith(f"{NOTARY}{token.name}.") for path in files)
        if taken or not re.fullmatch(r"[a-z0-9-]{1,60}", token.name):
            raise PackRefused(f"{token.name!r} cannot name a notary's token, or names two")
        if token.request:
            files |= {f"{NOTARY}{token.name}.tsr": token.response, f"{NOTARY}{token.name}.tsq": token.request}
        else:
            files[f"{NOTARY}{token.name}.dsse.json"] = token.response
    if contents.notary_key:
        files[NOTARY_KEY] = contents.notary_key.pem.encode()
    return files
