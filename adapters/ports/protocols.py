"""What the product asks of the outside: one Protocol per port, the values that pass, and the one error.

Vendors stand behind these in adapters/kinds/; nobody above this app knows which. Every call has a timeout of its
own. No port retries: that is the engine's work, and an adapter that retries hides what happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from adapters.ports.table_manifest import TableManifest
from conductor.lib.refs import Ref

if TYPE_CHECKING:
    from pydantic import BaseModel

    from adapters.ports.installation import Installation

SCRATCH_PREFIX = "conductor_scratch_"
"""A backup source creates and drops databases of this prefix only, so that no mistake can drop a real one."""


class AdapterError(Exception):
    """The outside did not do what was asked. The message names no secret and may be shown.

    `permanent`: asking again in the same way cannot help. `code` is stable. `retry_after` is the other side's hint.
    """

    def __init__(
        self, message: str, *, permanent: bool, code: str = "adapter_failed", retry_after: timedelta | None = None
    ) -> None:
        self.message, self.permanent, self.code, self.retry_after = message, permanent, code, retry_after
        super().__init__(message)


class Port(StrEnum):
    """What an adapter is used for."""

    NOTIFICATION = "notification"
    NOTARY = "notary"
    BACKUP = "backup"
    METRICS = "metrics"
    TICKETING = "ticketing"
    """The port is in adapters.ports.ticketing."""


class Capability(StrEnum):
    """What a kind promises beyond its port. The contract tests hold each kind to it."""

    DEDUPLICATES = "deduplicates"
    """The receiver is given the idempotency key where its protocol has a place for it, and can drop a repetition."""
    SIGNS = "signs"
    """The receiver can verify that the message comes from this installation."""
    INDEPENDENT = "independent"
    """Somebody else than this installation vouches for the time. Without it, an operator could have backdated."""
    OFFLINE = "offline"
    """The attestation can be verified later without the notary: from the record and the trust anchor alone."""
    CALLS_BACK = "calls_back"
    """The tracker tells of changes by a signed webhook."""
    SAME_SNAPSHOT = "same_snapshot"
    """The manifest of a dump is of exactly the rows in it, however busy the source is."""


class Adapter(Protocol):
    """What every kind's class has, whatever its port."""

    config_model: ClassVar[type[BaseModel]]
    """Settings, plain: stored as JSON and shown."""
    secrets_model: ClassVar[type[BaseModel]]
    """Fields of SecretStr: stored as references or sealed, resolved at use, never shown."""
    capabilities: ClassVar[frozenset[Capability]]

    def __init__(self, *, config: Any, secrets: Any, installation: Installation) -> None: ...


# Notification --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Message:
    """A notice, worded by whoever sends it."""

    event: str
    """Dotted and past: `incidents.incident.declared`."""
    subject: Ref
    at: datetime
    """When it was first to be sent: the same for every attempt."""
    title: str
    text: str = ""
    url: str = ""
    """Absolute address of the page about it, or empty."""
    facts: tuple[tuple[str, str], ...] = ()
    """Label and value, in the order in which they are shown."""

    @classmethod
    def of(cls, *, event: str, subject: Ref, payload: Mapping[str, Any], at: datetime) -> Message:
        """Return the message of `{title, text, url, facts}`; facts are a mapping or pairs. ValueError without a title.

        Raised also for a key that no message has: a misspelt one would be lost in silence.
        """
        if unknown := set(payload) - {"title", "text", "url", "facts"}:
            raise ValueError(f"a message has no {', '.join(sorted(unknown))}")
        title = " ".join(str(payload.get("title", "")).split())
        if not title:
            raise ValueError("a message needs a title")
        facts = payload.get("facts") or ()
        pairs = facts.items() if isinstance(facts, Mapping) else facts
        return cls(
            event=event,
            subject=subject,
            at=at,
            title=title,
            text=str(payload.get("text", "")),
            url=str(payload.get("url", "")),
            facts=tuple((str(label), str(value)) for label, value in pairs),
        )

    def as_json(self) -> dict[str, Any]:
        """Return what `of` takes as its payload; facts as pairs, because JSON columns forget the order of keys."""
        return {"title": self.title, "text": self.text, "url": self.url, "facts": [list(pair) for pair in self.facts]}


@dataclass(frozen=True)
class Sent:
    """The other side has taken the message."""

    provider_id: str
    """Its name for the message, or the name that we gave it."""
    warning: str = ""
    """What it did not take, for example one of several recipients."""


class NotificationPort(Protocol):
    """Tells people or programs."""

    @property
    def recipient(self) -> str:
        """Who is told, as it may be shown: addresses or a host, no secret path."""
        ...

    def send(self, *, message: Message, key: str, now: datetime) -> Sent:
        """Hand the message over, with `key` as its name. Raise AdapterError if it was not taken.

        After a lost answer the message may have been taken although this raised; hence the same `key` again.
        """
        ...


# Notary --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Verification:
    """An attestation holds."""

    attested_at: datetime
    """The time that the notary vouches for."""
    verified_by: str
    """The program that checked it: `rfc3161-client 1.0.9`."""
    trust_anchor: str
    """`sha256:<hex>` of the DER of the certificate or key that the check rests on."""
    trust_anchor_pem: str
    """That certificate or key."""


@dataclass(frozen=True)
class Attestation:
    """A notary's answer, verified."""

    request: bytes
    """As sent; empty where nothing was sent."""
    response: bytes
    """As received: DER for RFC 3161, a DSSE envelope in canonical JSON for the local notary."""
    verification: Verification


class AttestationRefused(AdapterError):
    """The notary answered, and the answer must not be believed: for another digest, replayed, or by a stranger.

    Permanent for this answer. `request` and `response` are kept as proof of what was refused.
    """

    def __init__(self, message: str, *, code: str, request: bytes = b"", response: bytes = b"") -> None:
        self.request, self.response = request, response
        super().__init__(message, permanent=True, code=code)


class AttestationUnreadable(AdapterError):
    """The notary's answer cannot be read by any verifier here. That is not the same as being wrong."""

    def __init__(self, message: str, *, request: bytes = b"", response: bytes = b"") -> None:
        self.request, self.response = request, response
        super().__init__(message, permanent=False, code="unreadable")


class NotaryPort(Protocol):
    """Vouches that a digest existed at a time."""

    def attest(self, *, digest_hex: str, now: datetime) -> Attestation:
        """Obtain and verify an attestation of a SHA-256 digest. Raise AdapterError if there is none to believe.

        Never uses a nonce twice. Refuses a time that differs from `now` by more than the configured skew.
        """
        ...

    def verify(self, *, digest_hex: str, request: bytes, response: bytes) -> Verification:
        """Check a stored attestation again, as of its own time. Raise AttestationRefused or AttestationUnreadable."""
        ...


# Backup --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class SourceDescription:
    """What a backup source is, for people and for evidence."""

    server: str
    """`PostgreSQL 15.18`."""
    database: str
    size_bytes: int
    client: str
    """The programs that dump and restore, with their version: without a path, because it is printed in evidence."""
    identity: str
    """What no other database has at the same time: a name alone says nothing about the server that it is on."""


@dataclass(frozen=True)
class DumpResult:
    """A finished dump, and the state of every table at the very snapshot that it holds."""

    path: Path
    size_bytes: int
    digest: str
    """SHA-256 of the file."""
    manifest: TableManifest
    server: str
    client: str
    duration_seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return everything but the path, for a step's output or a file of evidence."""
        return {
            "size_bytes": self.size_bytes,
            "digest": self.digest,
            "manifest": self.manifest.as_json(),
            "server": self.server,
            "client": self.client,
            "duration_seconds": round(self.duration_seconds, 3),
        }


@dataclass(frozen=True)
class RestoreResult:
    """A finished restore."""

    database: str
    client: str
    duration_seconds: float


class BackupPort(Protocol):
    """A database whose backups can be proven: dumped, restored beside itself, compared, and the copy dropped."""

    def describe(self) -> SourceDescription:
        """Return what the source is; raise AdapterError if it or a fitting client program is out of reach."""
        ...

    def dump(self, *, target: Path) -> DumpResult:
        """Write a dump of everything to `target` (replaced if there) with the manifest of the same snapshot."""
        ...

    def restore_into_scratch(self, *, dump: Path, scratch_name: str) -> RestoreResult:
        """Create the scratch database (anew, if it exists) and restore `dump` into it, all or an error.

        `scratch_name` is SCRATCH_PREFIX and up to 40 of [a-z0-9_]; anything else is a permanent AdapterError.
        """
        ...

    def table_manifest(self, *, database: str) -> TableManifest:
        """Return the state of every table of a scratch database, by the same rules as `dump`'s manifest.

        The empty string names the source itself.
        """
        ...

    def drop_scratch(self, *, scratch_name: str) -> bool:
        """Drop the scratch database with whoever is connected to it; return False if there is none."""
        ...

    def list_scratch(self) -> list[str]:
        """Return the scratch databases on the source's server, by name."""
        ...


# Metrics -------------------------------------------------------------------------------------------------------------
class Unit(StrEnum):
    """What a measured number counts."""

    RATIO = "ratio"
    """0 to 1: errors among requests."""
    SECONDS = "seconds"
    PER_SECOND = "per_second"
    COUNT = "count"


@dataclass(frozen=True)
class Measure:
    """Something that a source can tell of a service."""

    key: str
    """Stable name: `error_rate`, `latency_p95`."""
    label: str
    unit: Unit
    objective: float | None = None
    """The value that must not be exceeded; None where nothing was promised."""
    budget_seconds: float | None = None
    """How long it may be exceeded within `budget_window_seconds`; None where there is no such budget."""
    budget_window_seconds: float | None = None


@dataclass(frozen=True)
class Reading:
    """What a source said of one measure over one window."""

    points: tuple[tuple[datetime, float], ...]
    """Ascending, at most one per step. A moment without a value is left out: nothing is filled in."""
    query: str
    """What was asked, as the source's own console takes it, so that anybody can ask again."""


class MetricsPort(Protocol):
    """Tells how a service behaved."""

    @property
    def source(self) -> str:
        """Where the numbers come from, as it may be shown."""
        ...

    def measures(self) -> tuple[Measure, ...]:
        """Return what the source is configured to tell, in the order in which it is shown."""
        ...

    def read(
        self, *, measure: str, service: str, environment: str, start: datetime, end: datetime, step: timedelta
    ) -> Reading:
        """Return the measure from `start` to `end`, both included; no points if the source has none.

        Raise AdapterError if it could not tell, or if what it told is more than one line or no number.
        """
        ...
