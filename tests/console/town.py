"""Northwind after a busy time: what every page is tried on. Everything is written by the verbs of the product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from adapters.configuration.lifecycle import configure_adapter
from adapters.models.ticket import Ticket
from adapters.tickets.lifecycle import request_ticket
from conductor.access.lifecycle.invitations import invite
from conductor.access.lifecycle.tokens import issue_token
from conductor.engine.models import Run, Step, Try
from conductor.engine.operate.simulations import Selection, start_simulation
from conductor.graph.lifecycle import ensure_node, link
from conductor.graph.models import Edge
from conductor.ledger import blobs
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.policy.candidate import candidate_with
from conductor.policy.lifecycle import upload_policy
from conductor.policy.models import PolicyDecision, PolicySimulation, TenantPolicy
from conductor.policy.simulation import Tally, recorded, replay
from conductor.policy.tenant_rules import own, rules_in_force
from conductor.tenancy.actors import Actor, actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, Membership, Tenant
from controls.lifecycle import bind_defaults
from evidence.models import EvidenceBundle, Pack
from evidence.packs.lifecycle import finish_pack, keep_report, request_pack
from incidents.alerts.sources import add_alert_source
from incidents.followups.action_items import add_action_item
from incidents.incident.lifecycle import acknowledge_incident, declare_incident
from incidents.incident.status import move_incident
from incidents.models.incident import Incident
from incidents.postmortem.lifecycle import draft_postmortem, store_rendering
from incidents.response.roles import assign_role
from incidents.timeline.lifecycle import post_update, record_decision
from tests import world
from tests.evidence.bundles import FAILED, PASSED, collecting, sealed
from tests.evidence.driving import local_notary
from tests.policy.own_rules import FREEZE

SERVICES = [f"service-{n:02d}" for n in range(40)]
OPEN, RESOLVED, UPDATES, BUNDLES = 14, 12, 60, 12
HOSTILE = "<script>alert(1)</script> & \"quoted\" 'too'"


@dataclass(frozen=True)
class Town:
    """The records that addresses are made of."""

    tenant_id: UUID
    told: int
    """Number of the resolved incident with a long timeline, every role, a postmortem and its PDF."""
    burning: int
    """Number of an open SEV1 that nobody has acknowledged, with a hostile title."""
    run: int
    """Number of a run with a failed try."""
    bundle: int
    """Number of a sealed bundle with a finished pack."""
    artifact: UUID
    pack: UUID
    control: str
    receipt: UUID
    """A receipt that is signed and in the log."""
    decision: UUID
    """A decision that policy allowed."""
    policy: UUID
    """A draft of the organisation's own rules, uploaded by Ana."""
    simulation: int
    action: int
    """Number of an open, overdue action item of the resolved incident."""
    membership: UUID
    """Ben's."""
    invitation: UUID
    """An open one of Ana's."""
    token: UUID
    """An API token of Ana's, with a hostile name."""


def build() -> Town:
    """Fill Northwind. Takes about two seconds."""
    moment = clock_now() - timedelta(days=3)
    with tenant_scope(world.NORTHWIND):
        tenant = Tenant.objects.get(id=world.NORTHWIND)
        ben, cora = (_actor(name, tenant) for name in ("ben", "cora"))
        bind_defaults(tenant_id=tenant.id, actor=Actor.system(), now=moment)
        local_notary(tenant)
        _topology(tenant, cora, moment)
        told = _told(tenant, ben, cora, moment)
        action = _item(told, ben, moment)
        _tracked(tenant, told, moment)
        burning = _many(tenant, ben, cora, clock_now())
        run = _worked(Run.objects.filter(subject=told.ref).order_by("number")[0], moment)
        bundle = _bundles(tenant, cora, told, run, moment)
        collecting(tenant, cora, moment, title="Access review")
        pack = _packed(bundle, cora, moment)
        policy, simulation = _ruled(tenant, clock_now())
        invitation, token = _let_in(tenant)
    sequence(tenant_id=world.NORTHWIND, now=clock_now())
    with tenant_scope(world.NORTHWIND):
        receipt = Receipt.objects.filter(subject=told.ref).earliest("recorded_at")
        artifact = EvidenceBundle.objects.get(id=bundle.id).artifacts.earliest("path")
        decision = PolicyDecision.objects.filter(subject=told.ref).latest("decided_at").id
        membership = Membership.objects.get(user__username="ben").id
    return Town(
        world.NORTHWIND,
        told.number,
        burning.number,
        run.number,
        bundle.number,
        artifact.id,
        pack.id,
        "SOC2_A1.2",
        receipt=receipt.id,
        decision=decision,
        policy=policy.id,
        simulation=simulation.number,
        action=action,
        membership=membership,
        invitation=invitation,
        token=token,
    )


def _bundles(tenant: Tenant, cora: Actor, told: Incident, run: Run, moment: datetime) -> EvidenceBundle:
    """Seal BUNDLES of them, one with a failure; the first two belong to the incident and the run. Return the first."""
    bundles = [
        sealed(
            tenant,
            cora,
            moment,
            findings=[PASSED, FAILED] if n == 3 else [PASSED],
            title=f"Restore {n}",
            incident=told if n < 2 else None,
            run_id=run.id if n < 2 else None,
        )
        for n in range(BUNDLES)
    ]
    return bundles[0]


def _let_in(tenant: Tenant) -> tuple[UUID, UUID]:
    """Invite an auditor, issue a token and add an alert source, all by Ana; return the ids of the first two."""
    ana = _actor("ana", tenant)
    add_alert_source(tenant_id=tenant.id, name="probe", shape="GENERIC", actor=ana, now=clock_now())
    invited = invite(tenant=tenant, email="nia@example.test", role="AUDITOR", days=7, actor=ana, now=clock_now())
    issued = issue_token(
        membership=Membership.objects.get(user__username="ana"),
        name=HOSTILE,
        scopes=["runs:read", "evidence:write"],
        days=90,
        actor=ana,
        now=clock_now(),
    )
    return invited.invitation.id, issued.token.id


def member(name: str) -> Actor:
    """Return one of Northwind's people as an actor in the console. Needs the scope."""
    return _actor(name, Tenant.objects.get(id=world.NORTHWIND))


def _actor(name: str, tenant: Tenant) -> Actor:
    found = actor_for_user(user=User.objects.get(username=name), tenant=tenant, channel="console")
    assert found is not None
    return found


def _ruled(tenant: Tenant, now: datetime) -> tuple[TenantPolicy, PolicySimulation]:
    """A draft of Ana's, and its simulation, half done."""
    ana = _actor("ana", tenant)
    text = FREEZE.format(name="freeze")
    policy = upload_policy(tenant_id=tenant.id, name="freeze", rego=text, purpose=HOSTILE, actor=ana, now=now)
    simulation = start_simulation(
        tenant_id=tenant.id,
        title=HOSTILE,
        candidate=candidate_with(own(policy), in_force=rules_in_force()),
        selection=Selection(),
        actor=ana,
        now=now,
    )
    tally = Tally()
    some = [recorded(row) for row in PolicyDecision.objects.order_by("id")[:10]]
    replay(candidate_with(own(policy), in_force=rules_in_force()), some, tally, tenant=str(tenant.id))
    PolicySimulation.objects.filter(id=simulation.id).update(done=10, result=tally.as_json())
    return policy, simulation


def _topology(tenant: Tenant, actor: Actor, now: datetime) -> None:
    nodes = [ensure_node(tenant_id=tenant.id, kind="service", key=name, name=name, now=now) for name in SERVICES]
    for one, other in pairwise(nodes):
        link(tenant_id=tenant.id, source=one, target=other, kind=Edge.Kind.DEPENDS_ON, actor=actor, now=now)


def _told(tenant: Tenant, ben: Actor, cora: Actor, now: datetime) -> Incident:
    incident, _new = declare_incident(
        tenant_id=tenant.id,
        title="Card authorisations failing in eu-west-1",
        severity="SEV2",
        summary="61% of card payments fail",
        service=SERVICES[20],
        environment=Environment.objects.get(slug="production"),
        actor=ben,
        now=now,
    )
    acknowledge_incident(incident=incident, actor=cora, now=now + timedelta(minutes=2), take_command=True)
    for role, name in (("OPERATIONS", "ben"), ("SCRIBE", "ana")):
        user = User.objects.get(username=name)
        assign_role(incident=incident, role=role, user=user, actor=cora, now=now + timedelta(minutes=3))
    for n in range(UPDATES):
        post_update(incident=incident, text=f"Update {n}", actor=ben, now=now + timedelta(minutes=4, seconds=n))
    record_decision(incident=incident, text="Roll back to 4.17.3", actor=cora, now=now + timedelta(minutes=6))
    for n, status in enumerate(("MITIGATED", "MONITORING", "RESOLVED")):
        incident.refresh_from_db()
        incident = move_incident(incident=incident, to=status, actor=cora, now=now + timedelta(minutes=10 + n))
    postmortem = draft_postmortem(incident=incident, actor=cora, now=now + timedelta(minutes=20))
    blob = blobs.put(tenant_id=tenant.id, data=b"%PDF-1.7\n%%EOF\n")
    store_rendering(postmortem=postmortem, blob=blob, name="INC-1.pdf", actor=cora, now=now + timedelta(minutes=21))
    return incident


def _item(incident: Incident, ben: Actor, now: datetime) -> int:
    item = add_action_item(
        incident=incident,
        title=f"Alert on pool use {HOSTILE}",
        type="DETECT",
        owner=User.objects.get(username="ben"),
        due_date=(now - timedelta(days=1)).date(),
        actor=ben,
        now=now + timedelta(minutes=30),
    )
    return item.number


def _tracked(tenant: Tenant, incident: Incident, now: datetime) -> None:
    """A tracker with a ticket of the incident's, as a sweep has left it, and one of its action item's that failed."""
    ana, subjects = _actor("ana", tenant), (incident.ref, incident.action_items.get().ref)
    settings = {"url": "https://roundup.test/ops", "username": "conductor"}
    tracker = configure_adapter(
        tenant_id=tenant.id,
        kind="roundup",
        name="Operations",
        settings=settings,
        secrets={"password": "not-used"},
        actor=ana,
        now=now,
    )
    wanted: Any = {"subject_state": "OPEN", "content": {"title": HOSTILE, "text": "", "url": ""}}
    made = [request_ticket(adapter=tracker, subject=subject, **wanted, actor=ana, now=now)[0] for subject in subjects]
    Ticket.objects.filter(id=made[0].id).update(
        phase="TRACKED",
        external_id="17",
        name="issue17",
        url="https://roundup.test/ops/issue17",
        title=HOSTILE,
        remote_status="in-progress",
        state="OPEN",
        subject_state="OPEN",
        synced_at=now,
    )
    Ticket.objects.filter(id=made[1].id).update(phase="FAILED", code="http_401", error=f"roundup.test: {HOSTILE}")


def _many(tenant: Tenant, ben: Actor, cora: Actor, now: datetime) -> Incident:
    """Open and resolved ones beside it; return the one with the hostile title."""
    for n in range(OPEN + RESOLVED):
        incident, _new = declare_incident(
            tenant_id=tenant.id,
            title=HOSTILE if n == 0 else f"Queue {n} is behind",
            severity="SEV1" if n == 0 else f"SEV{2 + n % 3}",
            service=SERVICES[n],
            answers={"personal_data": "YES"} if n == 0 else {},
            actor=ben,
            now=now - timedelta(hours=n, minutes=1),
        )
        if n == 0:
            burning = incident
        if n >= OPEN:
            incident = acknowledge_incident(incident=incident, actor=cora, now=now)
            for status in ("MITIGATED", "MONITORING", "RESOLVED"):
                incident = move_incident(incident=incident, to=status, actor=cora, now=now)
    return burning


def _worked(run: Run, now: datetime) -> Run:
    """Give the run's first step a failed and a good try, as a worker writes them."""
    step = Step.objects.filter(run=run).order_by("seq")[0]
    for number, outcome in ((1, Try.Outcome.FAILED), (2, Try.Outcome.SUCCEEDED)):
        Try.objects.create(
            tenant_id=run.tenant_id,
            step=step,
            number=number,
            worker="w1",
            outcome=outcome,
            error=HOSTILE if number == 1 else "",
            started_at=now + timedelta(seconds=number * 10),
            finished_at=now + timedelta(seconds=number * 10 + 8),
            log=[{"at": "2026-11-20T11:00:05Z", "level": "error", "message": HOSTILE}],
        )
    Step.objects.filter(id=step.id).update(status="SUCCEEDED", started_at=now, finished_at=now + timedelta(seconds=28))
    Run.objects.filter(id=run.id).update(status="RUNNING", started_at=now)
    return run


def _packed(bundle: EvidenceBundle, actor: Actor, now: datetime) -> Pack:
    pack = request_pack(bundle=bundle, actor=actor, now=now)
    keep_report(pack=pack, report=blobs.put(tenant_id=pack.tenant_id, data=b"%PDF-1.7\n%%EOF\n"))
    archive = blobs.put(tenant_id=pack.tenant_id, data=b"PK\x05\x06" + bytes(18))
    return finish_pack(pack=pack, archive=archive, verdict={"verified": True}, actor=actor, now=now)
