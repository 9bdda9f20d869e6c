"""An incident's timeline as a file that an outsider can check: words, salts, digests and the chain that ties them.

A redacted entry keeps its digests and has neither words nor salt, so the chain holds and nobody can guess the words.
How to check it by hand: docs/how-to/verify.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from conductor.lib.clock import parse_rfc3339, rfc3339
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.record.chain import Broken, broken_links, verify_against
from incidents.record.wording import sentence


def entry_as_json(event: TimelineEvent) -> dict[str, Any]:
    """Return the entry with everything that its digests are made of, and a sentence for people."""
    return {
        "seq": event.seq,
        "kind": event.kind,
        "says": sentence(event),
        "text": event.body,
        "facts": event.data,
        "occurred_at": rfc3339(event.occurred_at),
        "recorded_at": rfc3339(event.recorded_at),
        "actor": {"ref": event.actor, "name": event.actor_name},
        "source": event.source,
        "receipt": str(event.receipt_id) if event.receipt_id else None,
        "redacted_at": rfc3339(event.redacted_at) if event.redacted_at else None,
        "proof": {
            "text_salt": event.body_salt,
            "text_digest": event.body_digest,
            "facts_salt": event.data_salt,
            "facts_digest": event.data_digest,
            "chain_digest": event.chain_digest,
        },
    }


def broken_entries(entries: Sequence[Mapping[str, Any]], *, vouched: Iterable[Mapping[str, Any]]) -> list[Broken]:
    """Return what does not hold in a timeline that was read from such a file. No query.

    A redacted entry needs a later entry that says so. `vouched` are the `entries` of the incident's receipts.
    """
    events = [_event(each) for each in entries]
    redactions = [each for each in entries if each["kind"] == EventKind.ENTRY_REDACTED]
    approved = {each["facts"]["seq"] for each in redactions if "seq" in each["facts"]}
    told = [
        Broken(event.seq, "Its sentence is not what its facts say.")
        for event, each in zip(events, entries, strict=True)
        if sentence(event) != each["says"]
    ]
    return [*broken_links(events, approved=approved), *verify_against(events, vouched), *told]


def _event(entry: Mapping[str, Any]) -> TimelineEvent:
    """Return the entry as the unsaved row that it was."""
    proof = entry["proof"]
    return TimelineEvent(
        seq=entry["seq"],
        kind=entry["kind"],
        body=entry["text"],
        data=entry["facts"],
        occurred_at=parse_rfc3339(entry["occurred_at"]),
        recorded_at=parse_rfc3339(entry["recorded_at"]),
        actor=entry["actor"]["ref"],
        actor_name=entry["actor"]["name"],
        source=entry["source"],
        body_salt=proof["text_salt"],
        body_digest=proof["text_digest"],
        data_salt=proof["facts_salt"],
        data_digest=proof["facts_digest"],
        chain_digest=proof["chain_digest"],
        redacted_at=parse_rfc3339(entry["redacted_at"]) if entry["redacted_at"] else None,
    )
