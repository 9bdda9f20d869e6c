#!/usr/bin/env python3
"""Verify an Evidence Pack, offline and without the system that made it.

    python3 verify.py PACK.zip            or, inside an extracted pack:    python3 verify.py .

On Windows: py verify.py PACK.zip (openssl comes with Git for Windows, where this script looks for it).

Needs Python 3.9 or later and the command `openssl` (version 3 or later); nothing else, and no network.
Exit status:
  0  VERIFIED: every check passed, and the keys are the ones that you named
  1  NOT VERIFIED: something failed; the files are named
  2  the verification could not run, or could not finish: nothing is known
  3  CONSISTENT, SIGNER UNKNOWN: all of it fits together, but you named no keys

A pack brings the public keys that it was signed with, and a forged pack brings the forger's. Only fingerprints
that you got elsewhere tell the two apart: name them by --seal-key-fingerprint and --log-key-fingerprint.

This is one long file because it is copied into every pack and must run there alone: it repeats what other
modules of the product know (paths, Merkle proofs, notes), which also makes it a second opinion on them.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import calendar
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

FORMAT = "1"
MAX_BYTES = 1 << 30
"""Size of a pack at most, as a ZIP or as a folder."""
MAX_FILES = 10_000
MAX_DOCUMENT_BYTES = 64 << 20
"""Size of one JSON document of the pack at most: parsing takes many times as much memory."""
MAX_DEPTH = 100
"""Lists and objects within each other at most, where JSON is written again to be hashed."""
OPENSSL_SECONDS = 60
WINDOWS_OPENSSL = r"C:\Program Files\Git\usr\bin\openssl.exe"
"""Where Git for Windows puts it; it is not on the PATH there."""
STRAY = {
    ".DS_Store": "macOS's Finder puts it there: delete it, or verify the ZIP",
    "Thumbs.db": "Windows puts it there: delete it, or verify the ZIP",
    "desktop.ini": "Windows puts it there: delete it, or verify the ZIP",
}
"""Files that looking at a folder leaves in it, and what to do about them."""

BAGIT, BAG_INFO = "bagit.txt", "bag-info.txt"
PAYLOAD_MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
MANIFEST, REPORT, DATA = "manifest.json", "data/report.pdf", "data/"
TIMELINE = "data/incident/timeline.json"
ENVELOPE, PROOF, CHECKPOINT = "provenance/pack.dsse.json", "provenance/pack.proof.json", "provenance/checkpoint.txt"
RECEIPTS, NOTARY = "provenance/receipts/", "provenance/notary/"
SEAL_KEY, SEAL_KEYS = "trust/seal.pub.pem", "trust/seal"
LOG_KEY, NOTARY_KEYS = "trust/log.pub.pem", "trust/notary"
DEPENDENT = frozenset({ENVELOPE, PROOF, CHECKPOINT, TAG_MANIFEST})
"""Made after the pack's receipt was signed, so that it cannot vouch for them: each has a check of its own."""
BAGIT_TEXT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
RECEIPT_TYPES = ("https://maestro-conductor.dev/receipt/v1", "https://maestro-conductor.dev/receipt/v2")
"""The second says how the actor was authenticated as well; receipts of before stay valid."""
ATTESTATION_TYPE = "application/vnd.maestro-conductor.attestation+json"
PACK_ACTION, SEAL_ACTION = "evidence.pack.generated", "evidence.bundle.sealed"

PASS, FAIL, NOT_CHECKED = "pass", "fail", "not checked"
VERIFIED, NOT_VERIFIED, SIGNER_UNKNOWN = "VERIFIED", "NOT VERIFIED", "CONSISTENT, SIGNER UNKNOWN"
STATUS = {VERIFIED: 0, NOT_VERIFIED: 1, SIGNER_UNKNOWN: 3}
"""Exit status of each verdict."""


class CouldNotRun(Exception):
    """The verification itself was impossible: no openssl, no such file."""


class Malformed(ValueError):
    """Something is not in the one form that it must have."""


class Finding(NamedTuple):
    """What is wrong, and with which file."""

    file: str
    text: str


class Failed(Exception):
    """A check failed."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__(*findings)
        self.findings = findings


class Skipped(Exception):
    """A check was not made, for a reason that the reader must know."""


@dataclass(frozen=True)
class Trust:
    """What the reader knows from elsewhere. Fingerprints are SHA-256 of the public key in DER, lower hex."""

    seal_keys: frozenset[str] = frozenset()
    log_keys: frozenset[str] = frozenset()
    notary_keys: frozenset[str] = frozenset()
    tsa_root: str = ""
    """Path of a PEM file with the root certificates of time-stamping authorities."""


@dataclass(frozen=True)
class Check:
    """The outcome of one check."""

    name: str
    status: str
    detail: str
    files: tuple[str, ...] = ()
    """Files that are damaged or forged; empty unless the check failed."""


@dataclass
class Report:
    """The outcome of all checks."""

    checks: list[Check] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def consistent(self) -> bool:
        """Whether no check failed. That says nothing of who signed."""
        return all(each.status != FAIL for each in self.checks)

    @property
    def verified(self) -> bool:
        """Whether no check failed and the signer is known: both keys are ones that the reader named."""
        known = {each.name for each in self.checks if each.status == PASS}
        return self.consistent and {"seal key", "log key"} <= known

    @property
    def verdict(self) -> str:
        return VERIFIED if self.verified else SIGNER_UNKNOWN if self.consistent else NOT_VERIFIED

    @property
    def files(self) -> list[str]:
        return sorted({name for each in self.checks for name in each.files})

    def to_dict(self) -> dict[str, Any]:
        checks = [{**asdict(each), "files": list(each.files)} for each in self.checks]
        verdict = {"verdict": self.verdict, "verified": self.verified, "consistent": self.consistent}
        return {**verdict, "files": self.files, "facts": self.facts, "checks": checks}

    def to_text(self) -> str:
        lines = [f"{name:<14}{value}" for name, value in self.facts.items()]
        for each in self.checks:
            first, *more = each.detail.split("\n")
            status = each.status.upper() if each.status == FAIL else each.status
            lines += [f"{status:<13}{each.name:<14}{first}", *(" " * 27 + line for line in more)]
        count = Counter(each.status for each in self.checks)
        lines.append(f"{self.verdict}: {count[PASS]} passed, {count[FAIL]} failed, {count[NOT_CHECKED]} not checked")
        if self.files:
            lines[-1] += f"; look at {', '.join(self.files)}"
        # Names come from the pack: nothing in them may steer the reader's terminal.
        return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in "\n".join(lines))


# --- openssl ---


class Key(NamedTuple):
    file: str
    pem: bytes
    der: bytes
    ed25519: bool

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.der).hexdigest()

    @property
    def details(self) -> str:
        return "PKIX_ED25519" if self.ed25519 else "PKIX_ECDSA_P256_SHA_256"


def read_key(file: str, pem: bytes) -> Key:
    """Return an ECDSA P-256 or Ed25519 public key; raise Malformed if the PEM is anything else."""
    lines = pem.split(b"\n")
    der = decode(b"".join(lines[1:-2]))
    body = base64.b64encode(der)
    wrapped = b"".join(body[i : i + 64] + b"\n" for i in range(0, len(body), 64))
    ed25519 = der[:12].hex() == "302a300506032b6570032100" and len(der) == 44
    p256 = der[:27].hex() == "3059301306072a8648ce3d020106082a8648ce3d03010703420004" and len(der) == 91
    if not (ed25519 or p256) or pem != b"-----BEGIN PUBLIC KEY-----\n" + wrapped + b"-----END PUBLIC KEY-----\n":
        raise Malformed("is not an ECDSA P-256 or Ed25519 public key in PEM")
    return Key(file, pem, der, ed25519)


class OpenSSL:
    """The command, in a scratch directory of its own."""

    def __init__(self, command: str) -> None:
        self.command = command
        banner = self.run("version").stdout.decode(errors="replace").strip()
        version = re.match(r"OpenSSL (\d+)\.", banner)
        if not version or int(version.group(1)) < 3:
            raise CouldNotRun(f"OpenSSL 3 or later is needed; {command} is {banner or 'something else'}")

    def run(self, *arguments: str, **inputs: bytes) -> subprocess.CompletedProcess[bytes]:
        """Run openssl in a directory that holds `inputs` as files."""
        with tempfile.TemporaryDirectory(prefix="verify-") as scratch:
            for name, data in inputs.items():
                Path(scratch, name).write_bytes(data)
            command, environment = [self.command, *arguments], {**os.environ, "LC_ALL": "C"}
            try:
                return subprocess.run(  # noqa: S603 - no shell, and no argument comes from the pack
                    command,
                    cwd=scratch,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=OPENSSL_SECONDS,
                )
            except OSError as error:
                raise CouldNotRun(f"the command {self.command} cannot be run: {error.strerror}") from error
            except subprocess.TimeoutExpired as error:
                raise CouldNotRun(f"openssl {arguments[0]} did not end within {OPENSSL_SECONDS} s") from error

    def verifies(self, key: Key, message: bytes, signature: bytes) -> bool:
        """Return whether `signature` is `key`'s over `message`."""
        if key.ed25519:
            command = "pkeyutl -verify -pubin -inkey key -rawin -in message -sigfile signature"
        else:
            command = "dgst -sha256 -verify key -signature signature message"
        done = self.run(*command.split(), key=key.pem, message=message, signature=signature)
        return done.returncode == 0


# --- forms ---


def decode(text: Any) -> bytes:
    """Return the bytes of base64 in its one standard form."""
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    try:
        decoded = base64.b64decode(data, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise Malformed("is not base64") from error
    if base64.b64encode(decoded) != data:
        raise Malformed("is not in the one form that base64 has")
    return decoded


def load(data: bytes) -> Any:
    """Return parsed JSON; refuse keys that appear twice, NaN, what is not UTF-8, and what is too large to parse."""
    if len(data) > MAX_DOCUMENT_BYTES:
        raise Malformed(f"is larger than {MAX_DOCUMENT_BYTES} bytes")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise Malformed("names a key twice")
        return dict(pairs)

    def refuse(constant: str) -> Any:
        raise Malformed(f"contains {constant}")

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse)
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or a number of thousands of digits
        raise Malformed(f"is not JSON: {error}") from error


def load_canonical(data: bytes) -> Any:
    """Return parsed JSON of strings, lists and objects; refuse every form but the canonical one (RFC 8785)."""
    value = load(data)
    written = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if written.encode("utf-8", "surrogatepass") != data:
        raise Malformed("is not in its canonical form")
    return value


def canonical(value: Any, depth: int = 0) -> str:
    """Return a JSON value in its canonical form (RFC 8785), as text; raise Malformed for what is nested too deep."""
    if depth > MAX_DEPTH:
        raise Malformed(f"is nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        names = sorted(value, key=lambda each: each.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{canonical(each)}:{canonical(value[each], depth + 1)}" for each in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(each, depth + 1) for each in value) + "]"
    if isinstance(value, float):
        return canonical_number(value)
    return json.dumps(value, ensure_ascii=False)


def canonical_number(value: float) -> str:
    """Return a number as ECMAScript prints it: the shortest digits, whole up to 21 of them, small from 1e-6."""
    digits, _, exponent = repr(value).partition("e")
    if not exponent:
        return "0" if not value else digits[:-2] if digits.endswith(".0") else digits
    sign, figures, power = "-" * (value < 0), digits.lstrip("-").replace(".", ""), int(exponent)
    if power < -6 or power > 20:
        return f"{digits}e{power:+d}"
    if power < 0:  # Python prints 1e-05 where ECMAScript prints 0.00001
        return f"{sign}0.{'0' * (-power - 1)}{figures}"
    return sign + figures.ljust(power + 1, "0")


def require_fields(value: Any, *fields: str) -> Any:
    if not isinstance(value, dict) or set(value) != set(fields):
        raise Malformed(f"must have exactly the fields {', '.join(fields)}")
    return value


class Statement(NamedTuple):
    subjects: dict[str, str]
    """Name to SHA-256."""
    predicate_type: str
    predicate: dict[str, Any]


def read_statement(payload: bytes) -> Statement:
    """Return an in-toto Statement v1; raise Malformed if it is not one."""
    value = require_fields(load(payload), "_type", "subject", "predicateType", "predicate")
    if value["_type"] != STATEMENT_TYPE or not isinstance(value["predicate"], dict):
        raise Malformed(f"is not a statement of the type {STATEMENT_TYPE}")
    subjects: dict[str, str] = {}
    for each in value["subject"] if isinstance(value["subject"], list) else []:
        name = require_fields(each, "name", "digest")["name"]
        digest = require_fields(each["digest"], "sha256")["sha256"]
        if not isinstance(name, str) or name in subjects or not re.fullmatch(r"[0-9a-f]{64}", str(digest)):
            raise Malformed("has a malformed or repeated subject")
        subjects[name] = digest
    if not subjects:
        raise Malformed("has no subject")
    return Statement(subjects, value["predicateType"], value["predicate"])


class Envelope(NamedTuple):
    payload: bytes
    pae: bytes
    keyid: str
    signature: bytes


def read_envelope(data: bytes, payload_type: str = PAYLOAD_TYPE) -> Envelope:
    """Return a DSSE envelope with exactly one signature; raise Malformed if it is not in its canonical form."""
    value = require_fields(load_canonical(data), "payload", "payloadType", "signatures")
    if value["payloadType"] != payload_type:
        raise Malformed(f"has the payload type {value['payloadType']!r}")
    if not isinstance(value["signatures"], list) or len(value["signatures"]) != 1:
        raise Malformed("must bear exactly one signature")
    signature = require_fields(value["signatures"][0], "keyid", "sig")
    payload = decode(value["payload"])
    pae = b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)
    return Envelope(payload, pae, signature["keyid"], decode(signature["sig"]))


def log_entry(envelope: Envelope, key: Key) -> bytes:
    """Return what the log holds of an envelope (a Rekor v2 hashedrekord 0.0.2), as canonical JSON."""

    def text(data: bytes) -> str:
        return base64.b64encode(data).decode()

    verifier = {"keyDetails": key.details, "publicKey": {"rawBytes": text(key.der)}}
    record = {
        "data": {"algorithm": "SHA2_256", "digest": text(hashlib.sha256(envelope.pae).digest())},
        "signature": {"content": text(envelope.signature), "verifier": verifier},
    }
    value = {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": record}}
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def root_of(entry: bytes, index: int, size: int, hashes: list[bytes]) -> bytes:
    """Return the Merkle root that an audit path leads to (RFC 9162, 2.1.3.2); raise Malformed if it leads nowhere."""
    if not 0 <= index < size:
        raise Malformed(f"there is no entry {index} in a log of {size}")
    position, last, computed = index, size - 1, hashlib.sha256(b"\0" + entry).digest()
    for sibling in hashes:
        if last == 0 or len(sibling) != 32:
            raise Malformed("the path is too long, or not made of SHA-256 hashes")
        left = position & 1 or position == last
        computed = hashlib.sha256(b"\1" + (sibling + computed if left else computed + sibling)).digest()
        while left and not position & 1 and position:
            position, last = position >> 1, last >> 1
        position, last = position >> 1, last >> 1
    if last:
        raise Malformed("the path is too short")
    return computed


def path_problem(path: str) -> str:
    """Return why `path` may not be in a pack, or nothing: it must be safe on every system it is unpacked on."""
    if len(path.encode("utf-8", "surrogateescape")) > 240 or unicodedata.normalize("NFC", path) != path:
        return "is too long, or not in Unicode NFC"
    for part in path.split("/"):
        if part in ("", ".", "..") or part != part.strip(" ") or part.endswith("."):
            return "has an empty, dotted or padded component"
        if any(each in '\\:*?"<>|%' or unicodedata.category(each) in ("Cc", "Cf", "Cs") for each in part):
            return "has a character that some systems do not allow"
        if re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", part, re.IGNORECASE):
            return "has a name that some systems reserve"
    return ""


def path_problems(names: list[str]) -> list[Finding]:
    """Return what is wrong with a pack's list of names, clashes included."""
    findings = [Finding(each, path_problem(each)) for each in names if path_problem(each)]
    seen: dict[str, str] = {}
    for each in names:
        if each.casefold() in seen:
            findings.append(Finding(each, f"clashes with {seen[each.casefold()]}"))
        seen[each.casefold()] = each
    if len(names) > MAX_FILES:
        findings.append(Finding("", f"there are more than {MAX_FILES} files"))
    return findings


# --- the container ---

LOCAL, CENTRAL, END = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s4H2IH")
Entries = list[tuple[bytes, bytes]]


def canonical_zip(entries: Entries) -> tuple[bytes, list[tuple[int, str]]]:
    """Return the one ZIP that a pack of these entries may be, and where each entry's parts end in it."""
    body, central, spans, directory = bytearray(), bytearray(), [], []
    for name, data in sorted(entries):
        flags = 0 if name.isascii() else 0x800
        common = (20, flags, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0)
        central += CENTRAL.pack(b"PK\1\2", 0x314, *common, 0, 0, 0, 0o100644 << 16, len(body)) + name
        body += LOCAL.pack(b"PK\3\4", *common) + name + data
        spans.append((len(body), name.decode("utf-8", "replace")))
        directory.append((len(central), name.decode("utf-8", "replace")))
    spans += [(len(body) + end, name) for end, name in directory]
    count = len(entries)
    return bytes(body + central + END.pack(b"PK\5\6", 0, 0, count, count, len(central), len(body), 0)), spans


def by_directory(raw: bytes) -> Entries:
    """Read the entries that the ZIP's central directory lists; raise Malformed if they cannot all be in it.

    Entries may point at the same bytes over and over: what they claim is added up before any of it is copied.
    """
    _, _, _, _, count, _, at, _ = END.unpack(raw[-END.size :])
    if count > MAX_FILES:
        raise Malformed("lists more files than a pack has")
    entries: Entries = []
    claimed = 0
    for _ in range(count):
        record = CENTRAL.unpack_from(raw, at)
        size, length, offset = record[8], record[10], record[16]
        claimed += size + length
        if claimed > len(raw):
            raise Malformed("lists more than it holds")
        begin = offset + LOCAL.size + length
        entries.append((raw[at + CENTRAL.size : at + CENTRAL.size + length], raw[begin : begin + size]))
        at += CENTRAL.size + length + record[11] + record[12]
    return entries


def by_walking(raw: bytes) -> Entries:
    """Read the entries one after the other, as far as they make sense."""
    entries: Entries = []
    at = 0
    while raw[at : at + 4] == b"PK\3\4" and at + LOCAL.size <= len(raw):
        record = LOCAL.unpack_from(raw, at)
        size, length = record[7], record[9]
        begin = at + LOCAL.size + length
        entries.append((raw[at + LOCAL.size : begin], raw[begin : begin + size]))
        limit_entries(len(entries))
        at = begin + size
    return entries


def limit_entries(count: int) -> None:
    """Raise CouldNotRun for more files than a pack may have."""
    if count > MAX_FILES:
        raise CouldNotRun(f"there are more than {MAX_FILES} files, which no pack has")


def differences(raw: bytes, rebuilt: bytes) -> list[int]:
    """Return the first hundred or so offsets at which two archives differ."""
    found: list[int] = []
    for start in range(0, max(len(raw), len(rebuilt)), 4096):
        ours, theirs = raw[start : start + 4096], rebuilt[start : start + 4096]
        if ours != theirs:
            found += [start + i for i in range(max(len(ours), len(theirs))) if ours[i : i + 1] != theirs[i : i + 1]]
        if len(found) > 100:
            break
    return found


def read_zip(raw: bytes) -> tuple[Entries, list[Finding]]:
    """Return the entries of a ZIP, and how it departs from the canonical archive of them.

    A damaged archive is read in both ways that a ZIP offers, and believed where it departs least.
    """
    best: tuple[int, Entries, list[int], list[tuple[int, str]]] | None = None
    for read in (by_directory, by_walking):
        try:
            entries = read(raw)
            rebuilt, spans = canonical_zip(entries)
        except (struct.error, Malformed):
            continue
        offsets = differences(raw, rebuilt)
        penalty = len(offsets) + (0 if len(raw) == len(rebuilt) else 1000)
        if entries and (best is None or penalty < best[0]):
            best = (penalty, entries, offsets, spans)
        if penalty == 0:
            break
    if best is None:
        raise CouldNotRun("this is not a ZIP archive")
    _, entries, offsets, spans = best
    where: dict[str, int] = {}
    for offset in offsets:
        where.setdefault(next((name for end, name in spans if offset < end), ""), offset)
    text = "{} the ZIP is not canonical at byte {}"
    return entries, [Finding(each, text.format("its part of" if each else "the end of", where[each])) for each in where]


# --- the pack ---


@dataclass
class Pack:
    """A pack under verification, and what the checks so far have established."""

    base: str
    """Name of the folder in the ZIP; empty for a pack that was already extracted."""
    names: list[str]
    files: dict[str, bytes]
    container: list[Finding] | None
    """How the ZIP departs from the canonical one; None for a folder."""
    oddities: list[Finding]
    """Links and special files in a folder."""
    trust: Trust
    openssl: OpenSSL
    report: Report
    proven: set[str] = field(default_factory=set)
    """Files whose content is established by a signature, directly or through a digest."""
    statement: Statement | None = None
    state: tuple[str, int, bytes] | None = None
    """Origin, size and root of the log."""
    receipts: list[Statement] = field(default_factory=list)
    """What the receipts that led to the pack state, as far as their signatures are good."""

    def read(self, name: str) -> bytes:
        if name not in self.files:
            raise Failed(Finding(name, "is missing"))
        return self.files[name]

    def digest(self, name: str) -> str:
        return hashlib.sha256(self.read(name)).hexdigest()

    def under(self, prefix: str) -> list[str]:
        return sorted(each for each in self.files if each.startswith(prefix))

    def keys(self, prefix: str) -> dict[str, Key]:
        """Return the public keys under a prefix by fingerprint; raise Failed for a file that is none."""
        found = {}
        for name in self.under(prefix):
            try:
                key = read_key(name, self.files[name])
            except Malformed as error:
                raise Failed(Finding(name, str(error))) from error
            found[key.fingerprint] = key
        return found

    def signed(self, name: str, keys: dict[str, Key], payload_type: str = PAYLOAD_TYPE) -> Envelope:
        """Return the envelope `name`, which is signed by one of `keys`; raise Failed otherwise."""
        try:
            envelope = read_envelope(self.read(name), payload_type)
            if envelope.keyid not in keys:
                files = ", ".join(each.file for each in keys.values()) or "no file in trust/"
                raise Failed(Finding(name, f"is signed by the key sha256:{envelope.keyid}, which is not in {files}"))
            if not self.openssl.verifies(keys[envelope.keyid], envelope.pae, envelope.signature):
                raise Failed(Finding(name, "the signature is wrong"))
            return envelope
        except Malformed as error:
            raise Failed(Finding(name, str(error))) from error

    def receipt(self, name: str, keys: dict[str, Key]) -> Statement:
        """Return what the receipt `name` states, signed by one of `keys`; raise Failed otherwise."""
        try:
            statement = read_statement(self.signed(name, keys).payload)
        except Malformed as error:
            raise Failed(Finding(name, str(error))) from error
        if statement.predicate_type not in RECEIPT_TYPES:
            raise Failed(Finding(name, "is not a receipt"))
        actor = statement.predicate.get("actor")
        says_how = isinstance(actor, dict) and isinstance(actor.get("authentication"), dict)
        if says_how is not (statement.predicate_type == RECEIPT_TYPES[1]):
            raise Failed(Finding(name, "says how its actor was authenticated, or not, against its type"))
        return statement


def open_pack(path: str, trust: Trust, openssl: OpenSSL) -> Pack:
    """Read a pack from a ZIP or a folder; raise CouldNotRun if there is none."""
    report = Report(facts={"pack": os.path.basename(os.path.abspath(path))})
    if os.path.isdir(path):
        files, oddities = read_folder(path)
        return Pack("", list(files), files, None, oddities, trust, openssl, report)
    try:
        if os.path.getsize(path) > MAX_BYTES:
            raise CouldNotRun(f"{path} is larger than {MAX_BYTES} bytes")
        raw = Path(path).read_bytes()
    except OSError as error:
        raise CouldNotRun(f"{path} cannot be read: {error.strerror}") from error
    entries, container = read_zip(raw)
    report.facts["sha256"] = hashlib.sha256(raw).hexdigest()
    names = [name.decode("utf-8", "surrogateescape") for name, _ in entries]
    base = Counter(each.partition("/")[0] for each in names).most_common(1)[0][0]
    names = [each[len(base) + 1 :] if each.startswith(base + "/") else each for each in names]
    files = {names[i]: data for i, (_, data) in enumerate(entries)}
    return Pack(base, names, files, container, [], trust, openssl, report)


def read_folder(path: str) -> tuple[dict[str, bytes], list[Finding]]:
    """Read every file below `path`; links and special files are not followed but reported.

    Raise CouldNotRun for what cannot be read, and for more files or bytes than a pack may have.
    """

    def unreadable(error: OSError) -> None:
        raise CouldNotRun(f"{error.filename} cannot be read: {error.strerror}") from error

    found: dict[str, bytes] = {}
    oddities: list[Finding] = []
    size = 0
    for folder, folders, names in os.walk(path, onerror=unreadable):
        for full in (os.path.join(folder, each) for each in folders + names):
            # Some file systems keep names in another Unicode form than the one they were written in.
            name = unicodedata.normalize("NFC", os.path.relpath(full, path).replace(os.sep, "/"))
            if os.path.islink(full) or not (os.path.isfile(full) or os.path.isdir(full)) or name in found:
                oddities.append(Finding(name, "is a link, a special file, or there twice"))
            elif os.path.isfile(full):
                limit_entries(len(found) + 1)
                try:
                    size += os.path.getsize(full)
                    if size > MAX_BYTES:
                        raise CouldNotRun(f"{path} is larger than {MAX_BYTES} bytes")
                    found[name] = Path(full).read_bytes()
                except OSError as error:
                    unreadable(error)
    if not found:
        raise CouldNotRun(f"{path} is empty")
    return found, oddities


# --- the checks, in the order in which they rest on each other ---


def check_container(pack: Pack) -> str:
    if pack.container is None:
        raise Skipped("this is a folder: the ZIP that it came from was not seen")
    if pack.container:
        raise Failed(*(Finding(each.file[len(pack.base) + 1 :], each.text) for each in pack.container))
    return f"byte for byte the canonical archive of its {len(pack.files)} files"


def check_paths(pack: Pack) -> str:
    if findings := pack.oddities + path_problems(pack.names):
        raise Failed(*findings)
    return "safe on every system, none twice"


def check_envelope(pack: Pack) -> str:
    pack.read(SEAL_KEY)
    keys = pack.keys(SEAL_KEYS)
    statement = pack.receipt(ENVELOPE, keys)
    said = statement.predicate
    if said.get("action") != PACK_ACTION:
        raise Failed(Finding(ENVELOPE, f"is not a receipt of {PACK_ACTION}"))
    pack.statement = statement
    pack.proven.add(ENVELOPE)
    pack.report.facts.update(tenant=f"{said['tenant']['slug']} ({said['tenant']['id']})")
    pack.report.facts.update(generated=f"{said['recordedAt']} by {said['actor']['name']}")
    for key in keys.values():
        pack.report.facts[key.file.split("/")[1].split(".")[0] + " key"] = f"sha256:{key.fingerprint}"
    return f"signed; a receipt of {PACK_ACTION}"


def require_statement(pack: Pack) -> Statement:
    if pack.statement is None:
        raise Skipped(f"this needs a valid {ENVELOPE}")
    return pack.statement


def check_coverage(pack: Pack) -> str:
    subjects = require_statement(pack).subjects
    known = DEPENDENT | set(subjects)
    findings = [Finding(each, stranger(each)) for each in pack.files if each not in known]
    findings += [Finding(each, "is missing") for each in known if each not in pack.files]
    findings += [Finding(ENVELOPE, f"cannot vouch for {each}") for each in DEPENDENT & set(subjects)]
    if findings:
        raise Failed(*sorted(findings))
    return f"all {len(pack.files)} files are accounted for, none is missing"


def stranger(name: str) -> str:
    """Return what to say of a file that the pack does not account for."""
    last = name.rpartition("/")[2]
    why = STRAY.get(last) or (STRAY[".DS_Store"] if last.startswith("._") else "")
    return f"is not part of the pack{f' ({why})' if why else ''}"


def check_content(pack: Pack) -> str:
    subjects = require_statement(pack).subjects
    present = {name: digest for name, digest in subjects.items() if name in pack.files}
    wrong = [name for name, digest in present.items() if pack.digest(name) != digest]
    pack.proven |= set(present) - set(wrong)
    if wrong:
        raise Failed(*(Finding(each, "is not the file that was signed") for each in sorted(wrong)))
    return f"{len(subjects)} files have the digests that were signed"


def check_checkpoint(pack: Pack) -> str:
    note, key = pack.read(CHECKPOINT), next(iter(pack.keys(LOG_KEY).values()), None)
    if key is None or not key.ed25519:
        raise Failed(Finding(LOG_KEY, "is missing, or not an Ed25519 key"))
    text = rb"((?P<origin>[^\s+]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>\S+)\n)"
    match = re.fullmatch(text + rb"\n\xe2\x80\x94 (?P=origin) (?P<sig>\S+)\n", note)
    if not match:
        raise Failed(Finding(CHECKPOINT, "is not a checkpoint with one signature by its log"))
    try:
        root, signature = decode(match["root"]), decode(match["sig"])
    except Malformed as error:
        raise Failed(Finding(CHECKPOINT, str(error))) from error
    hint = hashlib.sha256(match["origin"] + b"\n\x01" + key.der[12:]).digest()[:4]
    if signature[:4] != hint or not pack.openssl.verifies(key, match[1], signature[4:]):
        raise Failed(Finding(CHECKPOINT, f"is not signed by the key in {LOG_KEY}"))
    origin, size = match["origin"].decode("utf-8", "replace"), int(match["size"])
    tenant = require_statement(pack).predicate["tenant"]["id"]
    if not origin.endswith(f"/{tenant}"):
        raise Failed(Finding(CHECKPOINT, f"is of the log {origin}, which is not that of the tenant {tenant}"))
    pack.state = origin, size, root
    pack.proven.add(CHECKPOINT)
    pack.report.facts["log"] = f"{origin}, {size} entries, root {root.hex()}"
    pack.report.facts["log key"] = f"sha256:{key.fingerprint}"
    return f"signed; {size} entries"


def check_inclusion(pack: Pack) -> str:
    if pack.state is None:
        raise Skipped(f"this needs a valid {CHECKPOINT}")
    envelopes, keys = [ENVELOPE, *pack.under(RECEIPTS)], pack.keys(SEAL_KEYS)
    try:
        entries = require_fields(load_canonical(pack.read(PROOF)), "entries")["entries"]
        if [require_fields(each, *PROOF_FIELDS)["envelope"] for each in entries] != envelopes:
            raise Malformed("does not prove the receipts of this pack, in their order")
        for each in entries:
            prove_entry(pack, each, keys)
    except (Malformed, TypeError) as error:
        raise Failed(Finding(PROOF, str(error))) from error
    pack.proven.add(PROOF)
    return f"{len(entries)} receipts are in the log"


SIZE = r"0|[1-9][0-9]{0,18}"
PROOF_FIELDS = ("envelope", "logIndex", "canonicalizedBody", "hashes")


def prove_entry(pack: Pack, proof: dict[str, Any], keys: dict[str, Key]) -> None:
    """Return only if the log contains the envelope; raise Malformed otherwise."""
    assert pack.state is not None
    _, size, root = pack.state
    name, index = proof["envelope"], proof["logIndex"]
    try:
        envelope = read_envelope(pack.read(name))
    except Malformed as error:
        raise Failed(Finding(name, str(error))) from error
    if envelope.keyid not in keys or not re.fullmatch(SIZE, index):
        raise Malformed(f"gives {name} no proper index, or its key is unknown")
    entry = log_entry(envelope, keys[envelope.keyid])
    if decode(proof["canonicalizedBody"]) != entry:
        also = [] if name in pack.proven else [Finding(name, "is not what the log contains")]
        raise Failed(Finding(PROOF, f"proves something else than {name}"), *also)
    if root_of(entry, int(index), size, [decode(each) for each in proof["hashes"]]) != root:
        raise Malformed(f"does not lead from {name} to the root of the log")


def check_receipts(pack: Pack) -> str:
    tenant, names = require_statement(pack).predicate["tenant"], pack.under(RECEIPTS)
    keys = pack.keys(SEAL_KEYS)
    findings: list[Finding] = []
    for name in names:
        try:
            pack.receipts.append(pack.receipt(name, keys))
        except Failed as failure:
            findings += failure.findings
            continue
        if pack.receipts[-1].predicate.get("tenant") != tenant:
            findings.append(Finding(name, "is not a receipt of this tenant"))
    if findings:
        raise Failed(*findings)
    return f"{len(names)} receipts are signed"


def check_seal(pack: Pack) -> str:
    """The bundle in the pack must be the one that was sealed. Receipts of other bundles may be there too."""
    seals = [each for each in pack.receipts if each.predicate.get("action") == SEAL_ACTION]
    if not seals:
        raise Skipped(f"the pack brings no valid receipt of {SEAL_ACTION}")
    manifest = pack.digest(MANIFEST)
    seal = next((each for each in seals if each.subjects.get(MANIFEST) == manifest), None)
    if seal is None:
        raise Failed(Finding(MANIFEST, f"is not what any receipt of {SEAL_ACTION} is about"))
    wrong = [name for name, digest in seal.subjects.items() if name not in pack.files or pack.digest(name) != digest]
    if wrong:
        raise Failed(*(Finding(each, "is not the file that was sealed") for each in wrong))
    if differing := differing_facts(seal.predicate["body"], load(pack.read(MANIFEST)), manifest):
        text = f"says otherwise than the receipt of its seal: {', '.join(differing)}"
        raise Failed(Finding(MANIFEST, text))
    return f"{MANIFEST} is the one that was sealed at {seal.predicate['occurredAt']}"


def differing_facts(body: dict[str, Any], manifest: dict[str, Any], digest: str) -> list[str]:
    """Return the names of the facts in a seal's receipt that its manifest states differently."""
    header = manifest["bundle"]
    stated = {
        "code": header["code"],
        "conclusion": header["conclusion"],
        "period": header["period"],
        "manifest": digest,
        "artifacts": len(manifest["artifacts"]),
        "controls": [each["key"] for each in manifest["controls"]],
    }
    return sorted(name for name, value in stated.items() if body.get(name) != value)


def check_manifest(pack: Pack) -> str:
    try:
        artifacts = load(pack.read(MANIFEST))["artifacts"]
        listed = {DATA + each["path"]: (each["digest"], each["size_bytes"]) for each in artifacts}
        elsewhere = [each["path"] for each in artifacts if each["uri"] != f"cas:sha256:{each['digest']}"]
    except (Malformed, KeyError, TypeError) as error:
        text = f"does not list artifacts with path, digest, size_bytes and uri: {error}"
        raise Failed(Finding(MANIFEST, text)) from error
    if elsewhere:
        raise Failed(*(Finding(MANIFEST, f"gives {each} an address that is not its digest") for each in elsewhere))
    there = {name: (pack.digest(name), len(pack.files[name])) for name in pack.under(DATA) if name != REPORT}
    wrong = sorted(name for name in {*listed, *there} if listed.get(name) != there.get(name))
    if wrong:
        blame = ((MANIFEST if each in pack.proven else each, each) for each in wrong)
        raise Failed(*(Finding(file, f"{MANIFEST} and {each} disagree") for file, each in blame))
    return f"{len(listed)} artifacts are the ones that the bundle lists"


def check_conclusion(pack: Pack) -> str:
    """What the bundle concludes must follow from its checks: nothing is concluded from none, and no finding is lost."""
    manifest = load(pack.read(MANIFEST))
    conclusion, results = manifest["bundle"]["conclusion"], Counter(each["result"] for each in manifest["findings"])
    passed, exceptions = results["pass"], results["exception"]
    said = f"{passed} passed, {exceptions} exceptions, {sum(results.values()) - passed - exceptions} not checked"
    possible = {"EXCEPTIONS"} if exceptions else {"INCONCLUSIVE", *(["EXCEPTIONS"] if results else [])}
    if passed and not exceptions:
        possible.add("NO_EXCEPTIONS")
    if conclusion not in possible:
        raise Failed(Finding(MANIFEST, f"concludes {conclusion}, which does not follow from its checks ({said})"))
    return f"{conclusion} follows from the checks: {said}"


def check_timeline(pack: Pack) -> list[Check]:
    """Return the check of the incident's timeline; none for a bundle that is about no incident.

    Every entry must be as its salted digests say and follow from the one before, and the signed receipts of the pack
    must name the same chain digests: so words, facts, times, order and the end of the timeline are held fast.
    """
    try:
        links = load(pack.read(MANIFEST)).get("links", {})
    except (Failed, Malformed, AttributeError):
        return []  # the manifest's own checks say so
    if TIMELINE not in pack.files and not (isinstance(links, dict) and links.get("incident")):
        return []
    return [outcome("timeline", follow_timeline, pack)]


def follow_timeline(pack: Pack) -> str:
    if TIMELINE not in pack.files:
        raise Skipped("the bundle is about an incident, but does not hold its timeline")
    entries = load(pack.files[TIMELINE])["entries"]
    redactions = {each["facts"]["seq"] for each in entries if each["kind"] == REDACTED and "seq" in each["facts"]}
    faults, previous = [], ""
    for expected, entry in enumerate(entries, start=1):
        faults += [f"entry {expected} {what}" for what in faults_of(entry, expected, previous, redactions)]
        previous = entry["proof"]["chain_digest"]
    faults += vouching_faults(pack, {each["seq"]: each["proof"]["chain_digest"] for each in entries})
    if faults or not entries:
        raise Failed(*(Finding(TIMELINE, each) for each in faults[:20] or ["has no entry"]))
    redacted = sum(each["redacted_at"] is not None for each in entries)
    return f"{len(entries)} entries, {redacted} of them redacted, are as written; signed receipts vouch for each"


REDACTED = "entry.redacted"


def faults_of(entry: dict[str, Any], expected: int, previous: str, redactions: set[int]) -> list[str]:
    """Return what is wrong with an entry that must follow the chain digest `previous`."""
    proof, found = entry["proof"], []
    if entry["seq"] != expected:
        found.append(f"has the number {entry['seq']}")
    if entry["redacted_at"] is not None and entry["seq"] not in redactions:
        found.append("was redacted, and no later entry says so")
    for name in ("text", "facts"):
        salt, content = proof[f"{name}_salt"], entry[name]
        dropped = entry["redacted_at"] is not None and not salt and not content
        if not dropped and proof[f"{name}_digest"] != hashed(salt.encode() + b"\0", content):
            found.append(f"has {name} that its digest does not fit")
    link = {
        "previous": previous,
        "seq": entry["seq"],
        "kind": entry["kind"],
        "occurred_at": plain_time(entry["occurred_at"]),
        "recorded_at": plain_time(entry["recorded_at"]),
        "actor": entry["actor"]["ref"],
        "source": entry["source"],
        "body_digest": proof["text_digest"],
        "data_digest": proof["facts_digest"],
    }
    if proof["chain_digest"] != hashed(b"", link):
        found.append("does not follow from the entry before it")
    return found


def vouching_faults(pack: Pack, known: dict[int, str]) -> list[str]:
    """Return where the signed receipts of the pack and the timeline differ.

    Entries that were written once the timeline had been collected are no fault: it ends before them.
    """
    manifest, vouched = load(pack.read(MANIFEST)), set()
    incident = manifest["links"]["incident"]["ref"]
    collected = next(each["collected_at"] for each in manifest["artifacts"] if DATA + each["path"] == TIMELINE)
    found = []
    for receipt in pack.receipts:
        listed = receipt.predicate["body"].get("entries", []) if receipt.predicate["subject"]["ref"] == incident else []
        before = seconds(receipt.predicate["recordedAt"]) < seconds(collected) - WRITING_SECONDS
        for each in listed:
            vouched.add(each["seq"])
            if known.get(each["seq"], None if before else each["chain_digest"]) != each["chain_digest"]:
                found.append(f"entry {each['seq']} is not the one that a receipt vouches for")
    return found + [f"entry {seq} has no receipt that vouches for it" for seq in known if seq not in vouched]


WRITING_SECONDS = 60
"""What is written has its time when writing begins, and is seen when it ends: how far the two may be apart."""


def seconds(text: str) -> int:
    """Return an RFC 3339 time in UTC as whole seconds since 1970."""
    return calendar.timegm(time.strptime(plain_time(text)[:19], "%Y-%m-%dT%H:%M:%S"))


def hashed(prefix: bytes, value: Any) -> str:
    """Return the SHA-256 of the prefix and the canonical JSON of the value."""
    return hashlib.sha256(prefix + canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def plain_time(text: str) -> str:
    """Return an RFC 3339 time in UTC with six decimals and its offset, as the chain holds it."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z", text)
    if not match:
        raise Malformed(f"has a time that is not in UTC: {text!r}")
    return f"{match[1]}.{(match[2] or '').ljust(6, '0')}+00:00"


def check_notaries(pack: Pack) -> list[Check]:
    """Return one check for each token of an authority, and one for each statement of the installation's own key.

    The second kind is a self-witness: it is signed on the machine that made the pack, so it is nobody's word but
    the maker's, and never counts as a notary's.
    """
    tokens = pack.under(NOTARY)
    stamps = [each for each in tokens if each.endswith(".tsr")]
    own = [each for each in tokens if not each.endswith((".tsr", ".tsq"))]
    checks = [outcome("notary", check_timestamp, pack, each) for each in stamps]
    if not stamps:
        text = f"nobody outside the installation that made this pack has vouched for {MANIFEST}"
        checks = [Check("notary", NOT_CHECKED, text)]
    return checks + [outcome("self-witness", check_attestation, pack, each) for each in own]


def suspect(pack: Pack, token: str) -> str:
    """Return which of the two is damaged if a notary's token and the manifest do not fit."""
    return MANIFEST if token in pack.proven and MANIFEST not in pack.proven else token


def check_attestation(pack: Pack, name: str) -> str:
    envelope = pack.signed(name, pack.keys(NOTARY_KEYS), ATTESTATION_TYPE)
    said = require_fields(load(envelope.payload), "attestedAt", "digest", "notary")
    if said["digest"] != {"sha256": pack.digest(MANIFEST)}:
        raise Failed(Finding(suspect(pack, name), f"{name} does not attest this {MANIFEST}"))
    text = f"{said['notary']} saw {MANIFEST} at {said['attestedAt']}: a key of the installation itself, not a notary"
    if not pack.trust.notary_keys:
        raise Skipped(f"{text}; you did not name the key (--notary-key-fingerprint)")
    if envelope.keyid not in pack.trust.notary_keys:
        raise Failed(Finding(name, f"is signed by the key sha256:{envelope.keyid}, which you did not name"))
    return text


def check_timestamp(pack: Pack, name: str) -> str:
    token, digest = pack.files[name], pack.digest(MANIFEST)
    text = pack.openssl.run("ts", "-reply", "-in", "token", "-text", token=token).stdout.decode(errors="replace")
    stamp = re.search(r"^Time stamp: (\w+ +\d+ [\d:]+)(?:\.\d+)? (\d+) GMT", text, re.MULTILINE)
    imprint = "".join(re.findall(r"^ +[0-9a-f]{4} - ((?:[0-9a-f]{2}[ -]){16})", text.split("Serial")[0], re.MULTILINE))
    if not stamp or re.sub(r"[ -]", "", imprint) != digest:
        raise Failed(Finding(suspect(pack, name), f"{name} is not a time-stamp token for this {MANIFEST}"))
    moment = time.strptime(" ".join(stamp.groups()), "%b %d %H:%M:%S %Y")
    said = f"an authority saw {MANIFEST} at {time.strftime('%Y-%m-%dT%H:%M:%SZ', moment)}"
    if not pack.trust.tsa_root:
        raise Skipped(f"{said}, the token says; name its root certificate to check it (--tsa-root)")
    base = ["ts", "-verify", "-in", "token", "-CAfile", os.path.abspath(pack.trust.tsa_root)]
    base += ["-attime", str(calendar.timegm(moment))]
    query = pack.files.get(name[:-1] + "q", b"")
    ways = [["-digest", digest], ["-queryfile", "query"]] if query else [["-digest", digest]]
    for way in ways:
        if pack.openssl.run(*base, *way, token=token, query=query).returncode:
            raise Failed(Finding(name, "is not from an authority under the root certificate that you named"))
    return said


def check_bag(pack: Pack) -> str:
    tags = {each for each in pack.files if not each.startswith(DATA)} - {TAG_MANIFEST}
    findings = compare_manifest(pack, PAYLOAD_MANIFEST, set(pack.under(DATA)))
    findings += compare_manifest(pack, TAG_MANIFEST, tags)
    if pack.files.get(BAGIT) != BAGIT_TEXT:
        findings.append(Finding(BAGIT, "does not declare BagIt 1.0 in UTF-8"))
    lines = pack.files.get(BAG_INFO, b"").decode("utf-8", "replace").splitlines()
    info = dict(line.partition(": ")[::2] for line in lines)
    octets = sum(len(pack.files[each]) for each in pack.under(DATA))
    expected = {"Payload-Oxum": f"{octets}.{len(pack.under(DATA))}", "Conductor-Pack-Format": FORMAT}
    if pack.base:
        expected["External-Identifier"] = pack.base
    wrong = [f"{name} is not {value}" for name, value in expected.items() if info.get(name) != value]
    if wrong and (BAG_INFO not in pack.proven or not pack.report.files):
        findings.append(Finding(BAG_INFO, "; ".join(wrong)))
    if findings:
        raise Failed(*findings)
    return "a valid BagIt 1.0 bag"


def compare_manifest(pack: Pack, name: str, covered: set[str]) -> list[Finding]:
    """Return how a bag's manifest departs from the files that it must cover."""
    actual = {each: pack.digest(each) for each in covered}
    raw = pack.files.get(name, b"")
    if raw == "".join(f"{actual[each]}  {each}\n" for each in sorted(actual)).encode():
        return []
    lines = (line.partition("  ") for line in raw.decode("utf-8", "replace").split("\n"))
    stated = {path: digest for digest, _, path in lines if path}
    wrong = sorted(each for each in {*actual, *stated} if actual.get(each) != stated.get(each))
    known = set(pack.statement.subjects) | DEPENDENT if pack.statement else set(stated)
    doubtful = [each for each in wrong if each not in pack.proven and (each in covered or each in known)]
    return [Finding(each, f"is not the file that {name} states") for each in doubtful] or [
        Finding(name, f"is damaged{': ' + ', '.join(wrong) if wrong else ''}")
    ]


def check_key(pack: Pack, name: str, prefix: str, pins: frozenset[str], option: str) -> str:
    pack.read(name)
    keys = pack.keys(prefix)
    if not pins:
        raise Skipped(
            "the key came out of the pack, and a forger's would too: get its fingerprint elsewhere and name it "
            f"({option})"
        )
    strangers = [key for each, key in keys.items() if each not in pins]
    wrong = [Finding(each.file, f"is sha256:{each.fingerprint}, not the key you named") for each in strangers]
    if wrong:
        raise Failed(*wrong)
    return "the key is the one that you named"


CHECKS: dict[str, Callable[[Pack], str]] = {
    "container": check_container,
    "paths": check_paths,
    "envelope": check_envelope,
    "coverage": check_coverage,
    "content": check_content,
    "checkpoint": check_checkpoint,
    "inclusion": check_inclusion,
    "receipts": check_receipts,
    "seal": check_seal,
    "manifest": check_manifest,
    "conclusion": check_conclusion,
    "bag": check_bag,
}


BLAMED = {
    "checkpoint": CHECKPOINT,
    "inclusion": PROOF,
    "seal": MANIFEST,
    "manifest": MANIFEST,
    "conclusion": MANIFEST,
    "timeline": TIMELINE,
    "bag": BAG_INFO,
}
"""The document that a check reads, where that is not the pack's receipt or the file it was given."""


def outcome(name: str, check: Callable[..., str], *arguments: Any) -> Check:
    """Return what came of one check."""
    try:
        return Check(name, PASS, check(*arguments))
    except Skipped as reason:
        return Check(name, NOT_CHECKED, str(reason))
    except Failed as failure:
        lines = [f"{each.file}: {each.text}" if each.file else each.text for each in failure.findings]
        return Check(name, FAIL, "\n".join(lines), tuple(sorted({each.file for each in failure.findings} - {""})))
    except (Malformed, KeyError, TypeError, ValueError, AttributeError) as error:
        # A signed document of a shape that nobody foresaw: the check did not pass, so it failed.
        file = BLAMED.get(name, next(iter(each for each in arguments if isinstance(each, str)), ENVELOPE))
        return Check(name, FAIL, f"{file}: cannot be understood ({error!r})", (file,))


def verify(path: str, *, trust: Trust | None = None, openssl: str = "openssl", require: tuple[str, ...] = ()) -> Report:
    """Verify the pack at `path` (a ZIP or a folder) and report; raise CouldNotRun if that is impossible.

    Checks named in `require` fail if they cannot be made.
    """
    trust = trust or Trust()
    if trust.tsa_root and not os.path.isfile(trust.tsa_root):
        raise CouldNotRun(f"{trust.tsa_root} does not exist")
    pack = open_pack(path, trust, OpenSSL(openssl))
    checks = pack.report.checks
    for name, check in CHECKS.items():
        checks.append(outcome(name, check, pack))
    checks += check_timeline(pack)
    checks += check_notaries(pack)
    checks.append(outcome("seal key", check_key, pack, SEAL_KEY, SEAL_KEYS, trust.seal_keys, "--seal-key-fingerprint"))
    checks.append(outcome("log key", check_key, pack, LOG_KEY, LOG_KEY, trust.log_keys, "--log-key-fingerprint"))
    for i, each in enumerate(checks):
        if each.name in require and each.status == NOT_CHECKED:
            checks[i] = Check(each.name, FAIL, f"required, but not checked: {each.detail}")
    return pack.report


def fingerprint(text: str) -> str:
    """Return the hexadecimal digits of `sha256:<64 digits>`; colons and capitals are forgiven."""
    digits = re.sub(r"^sha256:", "", text.strip().lower()).replace(":", "")
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise argparse.ArgumentTypeError(f"{text!r} is not a SHA-256 fingerprint")
    return digits


def default_openssl() -> str:
    """Return the command to use: the one on the PATH, or that of Git for Windows."""
    missing = os.name == "nt" and not shutil.which("openssl")
    return WINDOWS_OPENSSL if missing and os.path.isfile(WINDOWS_OPENSSL) else "openssl"


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; return the exit status."""
    names = [*CHECKS, "timeline", "notary", "self-witness", "seal key", "log key"]
    parser = argparse.ArgumentParser(description="Verify an Evidence Pack offline.")
    parser.add_argument("pack", help="the ZIP, or the folder that it was extracted to")
    for kind in ("seal", "log", "notary"):
        option, how = f"--{kind}-key-fingerprint", "of the key that you trust; may be repeated"
        parser.add_argument(option, type=fingerprint, action="append", default=[], metavar="sha256:…", help=how)
    parser.add_argument("--tsa-root", default="", metavar="PEM", help="root certificates of time-stamping authorities")
    parser.add_argument("--require", action="append", default=[], choices=names, help="fail if this is not checked")
    parser.add_argument("--openssl", default=default_openssl(), help="the openssl command")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    given = parser.parse_args(arguments)
    trust = Trust(
        frozenset(given.seal_key_fingerprint),
        frozenset(given.log_key_fingerprint),
        frozenset(given.notary_key_fingerprint),
        given.tsa_root,
    )
    try:
        report = verify(given.pack, trust=trust, openssl=given.openssl, require=tuple(given.require))
    except CouldNotRun as reason:
        print(f"could not run: {reason}", file=sys.stderr)  # noqa: T201
        return 2
    except Exception as error:  # noqa: BLE001 - a traceback's exit status is that of a tampered pack
        print(f"could not finish, so nothing is known: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return 2
    text = json.dumps(report.to_dict(), indent=2) if given.json else report.to_text()
    encoding = sys.stdout.encoding or "utf-8"  # not every console has the letters that a file's name may have
    print(text.encode(encoding, "backslashreplace").decode(encoding))  # noqa: T201
    return STATUS[report.verdict]


if __name__ == "__main__":
    sys.exit(main())
