"""The verb that imports what happened before: one act, one receipt, many incidents that are only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from conductor.graph.models import Edge, Node
from conductor.ledger import receipts
from conductor.ledger.models import Receipt
from conductor.lib.clock import rfc3339
from conductor.lib.refs import Ref, ref
from conductor.tenancy.actors import Actor, display_name, require
from conductor.tenancy.database.numbers import next_number
from conductor.tenancy.models import Environment, Membership
from incidents.history.reader import PastIncident, Unreadable, read_past, shifted
from incidents.models.choices import EventKind, Kind, Role, Status
from incidents.models.history import StatusTransition, TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.record.chain import chained
from incidents.record.topology import INCIDENT

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ORIGIN = "import"


@dataclass(frozen=True)
class HistorySource:
    """Where the history comes from."""

    key: str
    """Short and stable; with a record's id it makes the record importable once only."""
    name: str
    """Who published the updates, for people."""
    file_name: str
    digest: str
    """SHA-256 of the file, which the receipt vouches for."""

    @property
    def ref(self) -> Ref:
        return ref("incidents.source", self.key)


@dataclass(frozen=True)
class HistoryReport:
    """What an import did."""

    created: int
    updates: int
    known: int
    """Records that had been imported before."""
    rejected: list[Unreadable] = field(default_factory=list)


def import_history(
    *,
    tenant_id: UUID,
    records: Sequence[Mapping[str, Any]],
    source: HistorySource,
    actor: Actor,
    now: datetime,
    mapping: Mapping[str, str] | None = None,
    shift_to_end_at: datetime | None = None,
) -> HistoryReport:
    """Import the records of another system as resolved incidents of kind IMPORTED, oldest first, and report.

    They are a status page's, or a log's with milestones and commanders (incidents.history.reader). A commander who
    is a member, by user name or e-mail address, holds the role. Times are the source's, or moved by whole weeks to end
    before `shift_to_end_at`; the entries keep the published time beside it. `mapping` renames services. Records
    imported before are left alone. The import is the act: it has one receipt, which every entry cites and which names
    the file's digest; importing nothing new has none.
    """
    require(actor=actor, permission="command")
    past, rejected = read_past(records=records, services=mapping or {})
    if shift_to_end_at is not None:
        past = shifted(incidents=past, end_at=shift_to_end_at)
    with transaction.atomic():
        keys = {_key(source, each) for each in past}
        known = set(Incident.objects.filter(source_key__in=keys).values_list("source_key", flat=True))
        fresh = [each for each in past if _key(source, each) not in known]
        updates = sum(len(each.updates) for each in fresh)
        report = HistoryReport(len(fresh), updates, len(known), rejected)
        if fresh:
            receipt = _receipt(tenant_id, source, report, actor, now)
            _insert(tenant_id, fresh, source, receipt, actor, now)
    return report


def _key(source: HistorySource, past: PastIncident) -> str:
    return f"{source.key}:{past.source_id}"


def _receipt(tenant_id: UUID, source: HistorySource, report: HistoryReport, actor: Actor, now: datetime) -> Receipt:
    return receipts.append(
        tenant_id=tenant_id,
        action="incidents.history.imported",
        subject=source.ref,
        subject_name=source.name,
        actor=actor,
        now=now,
        body={"created": report.created, "updates": report.updates, "rejected": len(report.rejected)},
        subjects=[{"name": source.file_name, "digest": source.digest}],
    )


def _insert(
    tenant_id: UUID, past: list[PastIncident], source: HistorySource, receipt: Receipt, actor: Actor, now: datetime
) -> None:
    environments = {each.slug: each for each in Environment.objects.all()}
    incidents = [
        Incident(
            tenant_id=tenant_id,
            number=next_number(tenant_id=tenant_id, series="incident"),
            title=each.title,
            summary=each.summary,
            kind=Kind.IMPORTED,
            origin=ORIGIN,
            severity=each.severity,
            status=Status.RESOLVED,
            incident_type=each.type,
            service=each.service[:200],
            environment=environments.get(each.environment),
            source_key=_key(source, each),
            declared_by=source.ref,
            declared_by_name=each.declared_by or source.name,
            detected_at=each.detected_at,
            declared_at=each.declared_at,
            acknowledged_at=each.acknowledged_at,
            mitigated_at=each.mitigated_at,
            resolved_at=each.resolved_at,
            recorded_at=now,
        )
        for each in past
    ]
    pairs = list(zip(incidents, past, strict=True))
    Incident.objects.bulk_create(incidents)
    RoleAssignment.objects.bulk_create(_commands(pairs, source))
    StatusTransition.objects.bulk_create(
        transition for incident, each in pairs for transition in _transitions(incident, each, source, now)
    )
    TimelineEvent.objects.bulk_create(
        (
            entry
            for incident, each in pairs
            for entry in chained(_entries(incident, each, source, receipt, now), previous="")
        ),
        batch_size=500,
    )
    _place(tenant_id, pairs, actor, now)


def _commands(pairs: list[tuple[Incident, PastIncident]], source: HistorySource) -> list[RoleAssignment]:
    """Return the commander's interval of each incident whose commander is a member, by user name or address."""
    members: dict[str, User] = {}
    for membership in Membership.objects.select_related("user"):
        member = membership.user
        members |= {name.casefold(): member for name in (member.get_username(), member.email) if name}
    found = ((incident, past, members.get(past.commander.casefold())) for incident, past in pairs if past.commander)
    return [
        RoleAssignment(
            tenant_id=incident.tenant_id,
            incident=incident,
            role=Role.COMMANDER,
            user=user,
            user_name=display_name(user),
            assigned_by=source.ref,
            assumed_at=past.acknowledged_at or past.declared_at,
            accepted_at=past.acknowledged_at or past.declared_at,
        )
        for incident, past, user in found
        if user is not None
    ]


def _transitions(
    incident: Incident, past: PastIncident, source: HistorySource, now: datetime
) -> list[StatusTransition]:
    """Return the declaration, the mitigation if the source says when, and the resolution as stated or inferred."""
    path = [(Status.OPEN, past.declared_at), (Status.MITIGATED, past.mitigated_at), (Status.RESOLVED, past.resolved_at)]
    known = [(status, at) for status, at in path if at is not None]
    rows = []
    before = ""
    for seq, (status, at) in enumerate(known, start=1):
        is_inferred = status == Status.RESOLVED and not past.is_end_stated
        rows.append(
            StatusTransition(
                tenant_id=incident.tenant_id,
                incident=incident,
                seq=seq,
                from_status=before,
                to_status=status,
                reason="The last update that was published while it lasted." if is_inferred else "",
                occurred_at=at,
                inferred=is_inferred,
                actor=source.ref,
                actor_name=source.name,
                recorded_at=now,
            )
        )
        before = status
    return rows


def _entries(
    incident: Incident, past: PastIncident, source: HistorySource, receipt: Receipt, now: datetime
) -> list[TimelineEvent]:
    return [
        TimelineEvent(
            tenant_id=incident.tenant_id,
            incident=incident,
            seq=seq,
            kind=EventKind.IMPORTED_UPDATE,
            occurred_at=update.occurred_at,
            recorded_at=now,
            actor=source.ref,
            actor_name=update.by or source.name,
            source=ORIGIN,
            body=update.body,
            data={
                "source": source.name,
                "source_id": past.source_id,
                "published_at": rfc3339(update.published_at),
                "url": past.url,
                **({"by": update.by} if update.by else {}),
            },
            receipt_id=receipt.id,
        )
        for seq, update in enumerate(past.updates, start=1)
    ]


def _place(tenant_id: UUID, pairs: list[tuple[Incident, PastIncident]], actor: Actor, now: datetime) -> None:
    """Put the incidents into the graph, and let them affect the services that stand there by exactly their names."""
    nodes = [
        Node(
            tenant_id=tenant_id,
            kind=INCIDENT,
            key=str(incident.id),
            name=str(incident)[:200],
            attributes={"severity": incident.severity, "number": incident.number},
            ref=incident.ref,
            environment=incident.environment,
            updated_at=now,
        )
        for incident, _ in pairs
    ]
    Node.objects.bulk_create(nodes)
    wanted = {name for _, past in pairs for name in past.services}
    services: dict[str, list[Node]] = {}
    for node in Node.objects.filter(kind="service", name__in=wanted):
        services.setdefault(node.name, []).append(node)
    Edge.objects.bulk_create(
        Edge(
            tenant_id=tenant_id,
            source=node,
            target=resource,
            kind=Edge.Kind.AFFECTS,
            asserted_by=actor.ref,
            since=incident.declared_at,
        )
        for node, (incident, past) in zip(nodes, pairs, strict=True)
        for name in dict.fromkeys(past.services)
        if (resource := _only(services.get(name, []), incident)) is not None
    )


def _only(named: list[Node], incident: Incident) -> Node | None:
    """Return the one service of that name, in the incident's environment where it has one; None for several."""
    near = [each for each in named if incident.environment_id in {None, each.environment_id}]
    return near[0] if len(near) == 1 else None
