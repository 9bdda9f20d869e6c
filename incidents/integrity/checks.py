"""Whether an incident's record still is what was written: chain, receipts, the incident's own row, its postmortems.

Asked by `manage.py verify_ledger`, by the incident's page and the API, and before a postmortem or an evidence bundle is
made of the record. What it does not cover is in docs/explanation/what-is-proven.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from conductor.ledger.checking import signed_fault
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.models import Receipt
from conductor.lib.errors import Conflict
from conductor.tenancy.models import Tenant
from incidents.integrity.postmortem_digest import content_digest
from incidents.integrity.stated_facts import differences
from incidents.models.choices import EventKind
from incidents.models.history import Redaction, TimelineEvent
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem
from incidents.record.chain import Broken, broken_links, verify_against

NAMED = 5
DECLARED = "incidents.incident.declared"


class TimelineBroken(Conflict):
    """The incident's record is not what was written, so nothing is drawn from it. Its Receipts tab names the faults."""

    code = "timeline_broken"

    def __init__(self, incident: Incident, faults: Sequence[Broken]) -> None:
        self.faults = list(faults)
        more = f" And {len(faults) - NAMED} more." if len(faults) > NAMED else ""
        named = " ".join(str(each) for each in faults[:NAMED])
        super().__init__(
            f"The record of {incident.code} is not what was written, so nothing is drawn from it: {named}{more}"
        )


@dataclass
class Record:
    """An incident's record, as it was read for being checked."""

    incident: Incident
    events: list[TimelineEvent] = field(default_factory=list)
    """Oldest first."""
    receipts: list[Receipt] = field(default_factory=list)
    postmortems: list[Postmortem] = field(default_factory=list)
    approved: set[int] = field(default_factory=set)
    """Numbers of the entries whose redaction was approved."""


def faults_of(*, incident: Incident) -> list[Broken]:
    """Return what of the timeline and the incident's row is not what was written. Two queries, one more if redacted."""
    return faults_in(read_record(incident))


def require_unbroken(*, incident: Incident) -> None:
    """Raise TimelineBroken unless all of the record holds, the signatures of its receipts and its postmortems too."""
    record = read_record(incident)
    record.postmortems = list(Postmortem.objects.filter(incident=incident).order_by("version"))
    slug = Tenant.objects.values_list("slug", flat=True).get(id=incident.tenant_id)
    faults = [*faults_in(record), *_signature_faults(record, slug)]
    if faults:
        raise TimelineBroken(incident, faults)


def faults_in(record: Record) -> list[Broken]:
    """Return what does not hold in a record that was read whole. No query."""
    found = broken_links(record.events, approved=record.approved)
    if not record.incident.is_history:
        found += _against_receipts(record)
        declared = [each.body for each in record.receipts if each.action == DECLARED]
        row = differences(record.incident, record.events, declared[0] if declared else {})
        found += [Broken(0, what) for what in row]
    return found + list(_postmortem_faults(record))


def read_record(incident: Incident) -> Record:
    """Return the incident's record without its postmortems."""
    events = list(TimelineEvent.objects.filter(incident=incident).order_by("seq"))
    record = Record(incident, events)
    if any(each.redacted_at for each in events):
        approved = Redaction.objects.filter(event__incident=incident, state=Redaction.State.APPROVED)
        record.approved = set(approved.values_list("event__seq", flat=True))
    if not incident.is_history:
        record.receipts = list(Receipt.objects.filter(subject=incident.ref).order_by("recorded_at", "id"))
    return record


def _against_receipts(record: Record) -> Iterator[Broken]:
    """Compare the entries with what receipts vouch for, their authors with the receipts' actors."""
    if not record.events:
        yield Broken(0, "It has no timeline.")
    yield from verify_against(
        record.events, [entry for each in record.receipts for entry in each.body.get("entries", [])]
    )
    authors = {each.id: (each.actor, each.actor_name) for each in record.receipts}
    for event in record.events:
        if event.receipt_id not in authors:
            yield Broken(event.seq, "Its receipt is not among those of the incident.")
        elif authors[event.receipt_id] != (event.actor, event.actor_name):
            yield Broken(event.seq, "Its author is not the one that its receipt names.")


def _postmortem_faults(record: Record) -> Iterator[Broken]:
    """What a version says against its digest, and that against the entry of its approval."""
    approved = {
        each.data["version"]: each.data["content_digest"]
        for each in record.events
        if each.kind == EventKind.POSTMORTEM_APPROVED and "content_digest" in each.data
    }
    for each in record.postmortems:
        made = content_digest(sections=each.sections, metrics=each.metrics, charts=each.charts)
        if made != each.content_digest:
            yield Broken(0, f"Version {each.version} of its postmortem is not what its digest says.")
        if each.approved_at is not None and approved.get(each.version) != each.content_digest:
            yield Broken(0, f"Version {each.version} of its postmortem is not the one that was approved.")


def _signature_faults(record: Record, slug: str) -> Iterator[Broken]:
    """Whoever rewrites the timeline and its receipts together has no key to sign them with."""
    ring = keyring()
    for receipt in record.receipts:
        if fault := signed_fault(receipt=receipt, keyring=ring, tenant_slug=slug):
            yield Broken(0, f"The receipt {receipt.action} does not hold: {fault}.")
