"""in-toto Statements (v1) as RFC 8785 bytes: what is said about which files, before it is signed.

Reading is strict: a statement that is not in its one canonical form is refused, whatever it says.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.clock import parse_rfc3339, rfc3339
from conductor.lib.refs import Ref

STATEMENT: Final = "https://in-toto.io/Statement/v1"
RECEIPT_V1: Final = "https://maestro-conductor.dev/receipt/v1"
"""Receipts of before they said how the actor was authenticated. They stay verifiable; none is written any more."""
RECEIPT: Final = "https://maestro-conductor.dev/receipt/v2"
"""The same, and `actor.authentication` (docs/reference/receipts.md)."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_RECEIPT_FIELDS = {
    "receiptId", "tenant", "action", "subject", "actor", "occurredAt", "recordedAt", "body", "links",
}  # fmt: skip


class StatementRefused(ValueError):
    """A statement is malformed, ambiguous, or says something that JSON cannot say exactly."""


@dataclass(frozen=True)
class Subject:
    """A file (or other bytes) that a statement is about."""

    name: str
    """Path or other name, Unicode NFC, unique within the statement."""
    digest: str
    """SHA-256, 64 lower hexadecimal digits."""


@dataclass(frozen=True)
class Statement:
    """A parsed statement."""

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: dict[str, Any]


@dataclass(frozen=True)
class ReceiptContent:
    """What a receipt says: who did what to which record, and when."""

    receipt_id: UUID
    tenant_id: UUID
    tenant_slug: str
    action: str
    """Dotted and past: `incidents.incident.resolved`."""
    subject: Ref
    subject_name: str
    actor: Ref
    actor_name: str
    occurred_at: datetime
    recorded_at: datetime
    body: Mapping[str, Any] = field(default_factory=dict)
    links: Sequence[Ref] = ()
    files: Sequence[Subject] = ()
    """Files that the act vouches for; without any, the statement's subject is the body itself."""
    authentication: Mapping[str, Any] | None = None
    """How the actor was authenticated: JSON with a `method`. None makes it a statement of receipt/v1."""


def build(*, subjects: Sequence[Subject], predicate_type: str, predicate: Mapping[str, Any]) -> bytes:
    """Return the statement as RFC 8785 bytes.

    Raise StatementRefused without subjects, with a name twice or not in NFC, with a malformed digest, or for
    a predicate that JSON cannot say exactly (integers beyond 2^53, NaN, lone surrogates).
    """
    _require_subjects(subjects)
    listed = [{"name": each.name, "digest": {"sha256": each.digest}} for each in subjects]
    try:
        return canonical_json(
            {"_type": STATEMENT, "subject": listed, "predicateType": predicate_type, "predicate": dict(predicate)}
        )
    except ValueError as error:
        raise StatementRefused(f"the predicate cannot be written as canonical JSON: {error}") from error


def parse(payload: bytes) -> Statement:
    """Return the statement of RFC 8785 bytes; raise StatementRefused on anything but the canonical form."""
    value = _load(payload)
    if not isinstance(value, dict) or set(value) != {"_type", "subject", "predicateType", "predicate"}:
        raise StatementRefused("a statement has _type, subject, predicateType and predicate, and nothing else")
    if value["_type"] != STATEMENT:
        raise StatementRefused(f"the statement's type is {value['_type']!r} instead of {STATEMENT!r}")
    if not isinstance(value["predicateType"], str) or not isinstance(value["predicate"], dict):
        raise StatementRefused("predicateType must be a string and predicate an object")
    if not isinstance(value["subject"], list):
        raise StatementRefused("subject must be a list")
    subjects = tuple(map(_subject, value["subject"]))
    _require_subjects(subjects)
    return Statement(subjects, value["predicateType"], value["predicate"])


def receipt(content: ReceiptContent) -> bytes:
    """Return the receipt's statement as RFC 8785 bytes; raise StatementRefused like `build`."""
    try:
        body = canonical_json(dict(content.body))
    except ValueError as error:
        raise StatementRefused(f"the body cannot be written as canonical JSON: {error}") from error
    actor: dict[str, Any] = {"ref": content.actor, "name": content.actor_name}
    if content.authentication is not None:
        actor["authentication"] = dict(content.authentication)
    predicate = {
        "receiptId": str(content.receipt_id),
        "tenant": {"id": str(content.tenant_id), "slug": content.tenant_slug},
        "action": content.action,
        "subject": {"ref": content.subject, "name": content.subject_name},
        "actor": actor,
        "occurredAt": rfc3339(content.occurred_at),
        "recordedAt": rfc3339(content.recorded_at),
        "body": dict(content.body),
        "links": list(content.links),
    }
    itself = Subject(f"receipts/{content.receipt_id}/body.json", sha256_hex(body))
    subjects = content.files or [itself]
    if any(each.name == itself.name and each != itself for each in subjects):
        raise StatementRefused("the receipt gives its own body another digest")
    version = RECEIPT_V1 if content.authentication is None else RECEIPT
    return build(subjects=subjects, predicate_type=version, predicate=predicate)


def parse_receipt(payload: bytes) -> ReceiptContent:
    """Return what a receipt's statement says; raise StatementRefused if it is not one of ours.

    `receipt(parse_receipt(payload)) == payload` for every payload that is accepted.
    """
    parsed = parse(payload)
    if parsed.predicate_type not in (RECEIPT, RECEIPT_V1):
        raise StatementRefused(f"the predicate's type is {parsed.predicate_type!r} instead of {RECEIPT!r}")
    version = parsed.predicate_type.rpartition("/")[2]
    said = parsed.predicate
    if set(said) != _RECEIPT_FIELDS:
        raise StatementRefused(f"the receipt's fields are not those of receipt/{version}")
    try:
        authentication = _authentication(said["actor"]) if parsed.predicate_type == RECEIPT else None
        content = ReceiptContent(
            receipt_id=UUID(said["receiptId"]),
            tenant_id=UUID(said["tenant"]["id"]),
            tenant_slug=said["tenant"]["slug"],
            action=said["action"],
            subject=said["subject"]["ref"],
            subject_name=said["subject"]["name"],
            actor=said["actor"]["ref"],
            actor_name=said["actor"]["name"],
            occurred_at=parse_rfc3339(said["occurredAt"]),
            recorded_at=parse_rfc3339(said["recordedAt"]),
            body=said["body"],
            links=said["links"],
            files=parsed.subjects,
            authentication=authentication,
        )
        texts = (
            content.tenant_slug,
            content.action,
            content.subject,
            content.subject_name,
            content.actor,
            content.actor_name,
            *content.links,
        )
        same = all(isinstance(each, str) for each in texts) and receipt(content) == payload
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StatementRefused(f"the receipt's fields are not those of receipt/{version}") from error
    if not same:
        raise StatementRefused(f"the receipt is not in the form that receipt/{version} prescribes")
    return content


def _authentication(actor: Mapping[str, Any]) -> Mapping[str, Any]:
    found = actor["authentication"]
    if not isinstance(found, dict) or not isinstance(found.get("method"), str) or not found["method"]:
        raise ValueError("how the actor was authenticated has no method")
    return found


def _load(payload: bytes) -> Any:
    try:
        value = json.loads(payload, object_pairs_hook=_no_duplicates, parse_constant=_no_constants)
        canonical = canonical_json(value)
    except StatementRefused:
        raise
    except (ValueError, RecursionError) as error:
        raise StatementRefused(f"not canonical JSON: {error}") from error
    if canonical != payload:
        raise StatementRefused("the statement is not in its canonical form (RFC 8785)")
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise StatementRefused("an object names a key twice")
    return found


def _no_constants(name: str) -> Any:
    raise StatementRefused(f"{name} is not JSON")


def _subject(value: Any) -> Subject:
    if not isinstance(value, dict) or set(value) != {"name", "digest"}:
        raise StatementRefused("a subject has a name and a digest, and nothing else")
    name, digest = value["name"], value["digest"]
    if not isinstance(name, str) or not isinstance(digest, dict) or set(digest) != {"sha256"}:
        raise StatementRefused("a subject's digest is a SHA-256, and nothing else")
    return Subject(name, digest["sha256"])


def _require_subjects(subjects: Sequence[Subject]) -> None:
    if not subjects:
        raise StatementRefused("a statement is about something: it has no subject")
    names = set()
    for each in subjects:
        if not each.name or unicodedata.normalize("NFC", each.name) != each.name:
            raise StatementRefused(f"the subject's name {each.name!r} is empty or not in Unicode NFC")
        if not isinstance(each.digest, str) or not _DIGEST.fullmatch(each.digest):
            raise StatementRefused(f"the digest of {each.name} is not 64 lower hexadecimal digits")
        if each.name in names:
            raise StatementRefused(f"{each.name} is a subject twice")
        names.add(each.name)
