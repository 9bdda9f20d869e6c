"""A private incident's content reaches nobody else, through whatever door they come; it is counted all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from adapters.models.adapter import Delivery
from conductor.graph.models import Node
from conductor.ledger.models import Receipt
from conductor.policy.models import PolicyDecision
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.database.viewing import viewing_as
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import Membership, Tenant
from incidents.access.lifecycle import grant_access, revoke_access, set_visibility
from incidents.hub import figures as hub_figures
from incidents.incident.lifecycle import declare_incident
from incidents.incident.status import move_incident
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.record.notices import payload_of
from incidents.record.refusals import IncidentHidden
from incidents.timeline.lifecycle import post_update
from tests.evidence.calling import caller

SECRET = "Blackwood ransom letter"


@pytest.fixture
def hidden(tenant: Tenant, scope: None, commander: Actor, now: datetime) -> Incident:
    """Cora's private incident, in which everything that is written bears the secret."""
    incident, _ = declare_incident(
        tenant_id=tenant.id,
        title=SECRET,
        summary=SECRET,
        severity="SEV2",
        service="Blackwood",
        dedup_key="blackwood",
        visibility="PRIVATE",
        actor=commander,
        now=now,
    )
    post_update(incident=incident, text=SECRET, actor=commander, now=now)
    return move_incident(incident=incident, to="MITIGATED", reason=SECRET, actor=commander, now=now)


ADDRESSES = (
    "incidents/",
    "incidents/?view=all",
    "incidents/?view=all&q=Blackwood",
    "incidents/?q=INC-1",
    "palette?q=Blackwood",
    "palette?q=INC",
    "runs/",
    "runs/R-1/",
    "evidence/",
    "incidents/INC-1/",
    "incidents/INC-1/?tab=receipts",
    "incidents/INC-1/events",
    "incidents/INC-1/postmortem/",
)


def test_private_never_leaks(
    hidden: Incident, tenant: Tenant, as_user: Callable[..., Client], ben: Any, cleo: Any, cora: Any, now: datetime
) -> None:
    for person in (ben, cleo):
        browser = as_user(person)
        for address in ADDRESSES:
            answer = browser.get(
                f"/t/northwind/{address}", headers={"HX-Request": "true"} if "palette" in address else {}
            )
            assert b"Blackwood" not in answer.content.replace(b"q=Blackwood", b"").replace(
                b'value="Blackwood"', b""
            ).replace("“Blackwood”".encode(), b""), address
        assert browser.get("/t/northwind/incidents/INC-1/").status_code == 404
    assert SECRET.encode() in as_user(cora).get("/t/northwind/incidents/INC-1/").content

    token = issue_token(
        membership=Membership.objects.get(user=ben),
        name="t",
        scopes=["incidents:read", "graph:read", "receipts:read", "runs:read"],
        now=datetime.now(now.tzinfo),
        lifetime=timedelta(days=1),
    )
    api = Client(headers={"Authorization": f"Bearer {token.secret}"})
    for path in (
        "incidents",
        "incidents?q=Blackwood",
        "incidents/1",
        "incidents/1/timeline",
        "incidents/1/roles",
        "receipts",
        "runs",
        f"graph/neighbourhood?kind=incident&key={hidden.id}",
    ):
        assert b"Blackwood" not in api.get(f"/api/v1/tenants/northwind/{path}").content, path
    assert api.get("/api/v1/tenants/northwind/incidents/1").status_code == 404


def test_what_is_written_elsewhere_says_no_more_than_that_there_is_one(hidden: Incident) -> None:
    written = [
        *(json.dumps([each.subject_name, each.body]) for each in Receipt.objects.all()),
        *(node.name + json.dumps(node.attributes) for node in Node.objects.all()),
        *(json.dumps(each.input) for each in PolicyDecision.objects.all()),
        *(json.dumps(each.message) for each in Delivery.objects.all()),
        json.dumps(payload_of(incident=hidden, tenant_slug="northwind")),
        str(hidden),
    ]

    assert not [each for each in written if "Blackwood" in each]


def test_private_incidents_count(hidden: Incident, declare: Any, responder: Actor, now: datetime) -> None:
    with viewing_as(responder):
        assert not Incident.objects.exists()
        figures = hub_figures.figures(now=now)

    assert (figures.active, figures.declared) == (1, 1)


def test_a_stranger_who_declares_for_the_same_key_learns_only_that_it_is_live(
    hidden: Incident, tenant: Tenant, responder: Actor, now: datetime
) -> None:
    with viewing_as(responder), pytest.raises(IncidentHidden) as refused:
        declare_incident(
            tenant_id=tenant.id, title="x", severity="SEV3", dedup_key="blackwood", actor=responder, now=now
        )

    assert "Blackwood" not in str(refused.value)


def test_access_begins_and_ends_with_its_grant(
    hidden: Incident, commander: Actor, responder: Actor, ben: Any, now: datetime
) -> None:
    grant = grant_access(incident=hidden, user=ben, reason="He reads the mail log.", actor=commander, now=now)
    with viewing_as(responder):
        assert Incident.objects.get().title == SECRET

    revoke_access(grant=grant, actor=commander, now=now)
    with viewing_as(responder):
        assert not Incident.objects.exists()


def test_opening_needs_a_commander_and_then_everybody_sees(
    hidden: Incident, tenant: Tenant, commander: Actor, responder: Actor, now: datetime
) -> None:
    set_visibility(incident=hidden, visibility="NORMAL", reason="It is public now.", actor=commander, now=now)

    with viewing_as(responder):
        assert Incident.objects.get().title == SECRET
    with tenant_scope(tenant.id):
        assert Node.objects.get(kind="incident").name == f"INC-1 {SECRET}"


def test_the_hub_says_how_many_are_hidden_and_no_search_tells_more(
    hidden: Incident, as_user: Callable[..., Client], ben: Any, cora: Any, ana: Any
) -> None:
    said = "1 private incident that you may not read is not shown."

    for query in ("", "?view=all", "?q=Blackwood", "?q=nothing", "?view=all&service=Blackwood"):
        assert said in as_user(ben).get(f"/t/northwind/incidents/{query}").content.decode(), query
    assert said not in as_user(ben).get("/t/northwind/incidents/?view=mine").content.decode()
    for person in (cora, ana):
        assert "you may not read" not in as_user(person).get("/t/northwind/incidents/").content.decode()
    for word in ("Blackwood", "Whitewood"):
        export = as_user(ben).get(f"/t/northwind/incidents/export.csv?view=all&q={word}").content.decode()
        assert "0 rows, 1 withheld" in export, word


def test_reading_by_permission_alone_is_noted_once_an_hour(
    hidden: Incident, as_user: Callable[..., Client], ana: Any, cora: Any, monkeypatch: Any
) -> None:
    def noted() -> list[str]:
        found = TimelineEvent.objects.filter(incident=hidden, kind=EventKind.PRIVATE_READ).order_by("seq")
        return [event.actor_name for event in found]

    at = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    for module in ("page.views", "timeline.views", "response.role_views", "postmortem.views"):
        monkeypatch.setattr(f"incidents.{module}.now", lambda: at)
    page = f"/t/northwind/incidents/INC-{hidden.number}/"
    as_user(cora).get(page)
    assert noted() == [], "she declared it"

    reader = as_user(ana)
    for path in ("", "?tab=receipts", "entries/1/", "access/", "postmortem/"):
        assert reader.get(f"{page}{path}").status_code == 200
    assert noted() == ["Ana Admin"]
    event = TimelineEvent.objects.get(kind=EventKind.PRIVATE_READ)
    receipt = Receipt.objects.get(id=event.receipt_id)
    assert (receipt.action, SECRET in json.dumps(receipt.body)) == ("incidents.access.break_glass", False)

    at += timedelta(minutes=59)
    reader.get(page)
    assert len(noted()) == 1
    at += timedelta(minutes=2)
    reader.get(f"{page}entries/1/")
    assert noted() == ["Ana Admin"] * 2
    version = hidden.version
    hidden.refresh_from_db()
    assert hidden.version == version, "reading changes nothing"


def test_a_token_never_reads_by_that_permission_and_whoever_was_let_in_is_not_noted(
    hidden: Incident, tenant: Tenant, ana: Any, cleo: Any, commander: Actor, now: datetime
) -> None:
    call = caller(tenant)
    grant_access(incident=hidden, user=cleo, reason="She audits it.", actor=commander, now=now)

    assert call("get", f"/incidents/{hidden.number}", user=cleo).status_code == 200
    assert call("get", f"/incidents/{hidden.number}", user=ana).status_code == 404
    assert not TimelineEvent.objects.filter(kind=EventKind.PRIVATE_READ).exists()
