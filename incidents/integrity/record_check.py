"""Whether incidents still are what their receipts vouch for: part of `manage.py verify_ledger`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any, TypeVar

from conductor.ledger.models import Receipt
from conductor.ledger.verify.records import RecordReport
from incidents.integrity.checks import DECLARED, Record, faults_in
from incidents.models.history import Redaction, TimelineEvent
from incidents.models.incident import Incident
from incidents.models.postmortem import Postmortem

Row = TypeVar("Row")
AT_ONCE = 200
"""So many incidents are read with one set of queries."""


def check_incidents(read_files: bool) -> RecordReport:
    """Compare each incident of the active tenant with its timeline, and that with its digests and receipts.

    Five queries for each AT_ONCE incidents. `read_files` changes nothing: a timeline has no files.
    """
    report = RecordReport("incidents")
    rows = Incident.everything.select_related("environment").order_by("number").iterator(AT_ONCE)
    while some := list(islice(rows, AT_ONCE)):
        for record in _records(some):
            report.looked_at += 1
            report.faults.extend(f"{record.incident.code}: {_lower(str(each))}" for each in faults_in(record))
    report.faults.extend(_lost())
    return report


def _records(incidents: Sequence[Incident]) -> Iterator[Record]:
    ids = [each.id for each in incidents]
    refs = [each.ref for each in incidents]
    approved = Redaction.objects.filter(event__incident__in=ids, state=Redaction.State.APPROVED)
    redacted: dict[Any, set[int]] = {}
    for incident_id, seq in approved.values_list("event__incident_id", "event__seq"):
        redacted.setdefault(incident_id, set()).add(seq)
    events = _grouped(
        TimelineEvent.objects.filter(incident__in=ids).order_by("incident_id", "seq"), lambda each: each.incident_id
    )
    receipts = _grouped(
        Receipt.objects.filter(subject__in=refs).defer("envelope").order_by("subject", "recorded_at", "id"),
        lambda each: each.subject,
    )
    postmortems = _grouped(
        Postmortem.objects.filter(incident__in=ids).order_by("incident_id", "version"), lambda each: each.incident_id
    )
    for incident in incidents:
        yield Record(
            incident,
            events.get(incident.id, []),
            receipts.get(incident.ref, []),
            postmortems.get(incident.id, []),
            redacted.get(incident.id, set()),
        )


def _grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    return {of: list(some) for of, some in groupby(rows, key=key)}


def _lost() -> Iterator[str]:
    """Yield the incidents that a receipt says were declared, and that are gone."""
    there = {f"incidents.incident:{each}" for each in Incident.everything.values_list("id", flat=True)}
    declared = Receipt.objects.filter(action=DECLARED).order_by("recorded_at", "id")
    for subject, name in declared.values_list("subject", "subject_name"):
        if subject not in there:
            yield f"{name.partition(' ')[0]}: it was declared, and its row is gone"


def _lower(what: str) -> str:
    return f"{what[:1].lower()}{what[1:]}".rstrip(".")
