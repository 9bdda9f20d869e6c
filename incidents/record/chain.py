"""The timeline's chain: what an entry said is held by salted digests, and each entry vouches for the one before.

Redacting drops words and their salt and keeps the digests, so the chain still holds and nobody can guess the words.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from conductor.lib.canonical import canonical_json, sha256_hex
from incidents.models.history import Redaction, TimelineEvent

SALT_BYTES = 16


@dataclass(frozen=True)
class Broken:
    """One thing in a timeline that does not hold."""

    seq: int
    """The entry's number; 0 where it is about the incident as a whole."""
    what: str

    def __str__(self) -> str:
        return f"Entry {self.seq}: {self.what[:1].lower()}{self.what[1:]}" if self.seq else self.what


def chained(events: Iterable[TimelineEvent], *, previous: str) -> Iterator[TimelineEvent]:
    """Give unsaved entries, in order, their salts and digests; `previous` is the chain digest before the first."""
    for event in events:
        event.body_salt, event.data_salt = secrets.token_hex(SALT_BYTES), secrets.token_hex(SALT_BYTES)
        event.body_digest = salted(event.body_salt, event.body)
        event.data_digest = salted(event.data_salt, event.data)
        event.chain_digest = previous = link_digest(event, previous)
        yield event


def salted(salt: str, content: Any) -> str:
    """Return the digest that stands for `content`: nobody can tell it from another without the salt."""
    return sha256_hex(salt.encode() + b"\0" + canonical_json(content))


def link_digest(event: TimelineEvent, previous: str) -> str:
    """Return the chain digest of an entry that follows the one whose digest is `previous`."""
    return sha256_hex(
        canonical_json(
            {
                "previous": previous,
                "seq": event.seq,
                "kind": str(event.kind),
                "occurred_at": _plain(event.occurred_at),
                "recorded_at": _plain(event.recorded_at),
                "actor": event.actor,
                "source": event.source,
                "body_digest": event.body_digest,
                "data_digest": event.data_digest,
            }
        )
    )


def verify(events: Sequence[TimelineEvent]) -> list[Broken]:
    """Return everything that does not hold in an incident's whole timeline, given oldest first; empty if it holds.

    A redacted entry needs its approved redaction; an entry cut off at the end is found by the receipts
    (`verify_against`), because a shorter chain is a chain too.
    """
    redacted = [each.id for each in events if each.redacted_at]
    approved = Redaction.objects.filter(event__in=redacted, state=Redaction.State.APPROVED) if redacted else ()
    return broken_links(events, approved={each.event.seq for each in approved})


def broken_links(events: Sequence[TimelineEvent], *, approved: Container[int]) -> list[Broken]:
    """Return what `verify` does, given the numbers of the entries whose redaction was approved. No query."""
    found, previous = [], ""
    for expected, event in enumerate(events, start=1):
        if event.seq != expected:
            found.append(Broken(event.seq, f"Entry {expected} is missing."))
        found += [Broken(event.seq, what) for what in _contents(event, event.seq in approved)]
        if not hmac.compare_digest(event.chain_digest, link_digest(event, previous)):
            found.append(Broken(event.seq, "It does not follow from the entry before it."))
        previous = event.chain_digest
    return found


def verify_against(events: Sequence[TimelineEvent], vouched: Iterable[Mapping[str, Any]]) -> list[Broken]:
    """Return where receipts and timeline differ: entries changed whole, cut off at the end, or vouched for by none.

    `vouched` are the `entries` of the incident's receipts: {"seq", "chain_digest"}.
    """
    known, stated = {each.seq: each.chain_digest for each in events}, list(vouched)
    differing = [
        Broken(each["seq"], "A receipt vouches for another entry, or for one that is not there.")
        for each in stated
        if known.get(each["seq"]) != each["chain_digest"]
    ]
    named = {each["seq"] for each in stated}
    return differing + [Broken(seq, "No receipt vouches for it.") for seq in known if seq not in named]


def _contents(event: TimelineEvent, is_approved: bool) -> Iterator[str]:
    if event.redacted_at is not None and not is_approved:
        yield "It was redacted without approval."
    parts = (
        ("text is", event.body_salt, event.body, event.body_digest),
        ("facts are", event.data_salt, event.data, event.data_digest),
    )
    for name, salt, content, digest in parts:
        dropped = event.redacted_at is not None and not salt and not content
        if not dropped and not hmac.compare_digest(digest, salted(salt, content)):
            yield f"Its {name} not what was written."


def _plain(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
