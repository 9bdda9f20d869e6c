"""Words, pages, postmortems and exports, through the signed door."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.models.adapter import AdapterConfig, Delivery
from adapters.ports.protocols import Message, Sent
from conductor.engine.models import Run
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.postmortem.lifecycle import draft_postmortem
from tests.chatops.slack import CLEO, Speaker, buttons, words
from tests.evidence.driving import drive


@pytest.fixture
def declared(ben_says: Speaker) -> None:
    """INC-1."""
    ben_says("declare sev2 Checkout fails")


@pytest.fixture
def adapter(workspace: Tenant) -> AdapterConfig:
    """A notification adapter that keeps what it is given, switched on."""
    with tenant_scope(workspace.id):
        return AdapterConfig.objects.create(
            tenant=workspace,
            port="notification",
            kind="webhook",
            name="Pager",
            created_at=clock_now(),
            updated_at=clock_now(),
        )


def test_title_summary_and_type_change_and_keep_what_was(declared: None, ben_says: Speaker, workspace: Tenant) -> None:
    renamed = ben_says("title Checkout fails in Europe")
    again = ben_says("title Checkout fails in Europe")
    ben_says("summary Cards of one bank are refused")
    ben_says("type payments")

    with tenant_scope(workspace.id):
        incident = Incident.objects.get()
        entry = TimelineEvent.objects.get(kind=EventKind.TITLE_CHANGED)
        assert TimelineEvent.objects.filter(kind=EventKind.SUMMARY_CHANGED).count() == 1
    assert (incident.title, incident.summary, incident.incident_type) == (
        "Checkout fails in Europe",
        "Cards of one bank are refused",
        "payments",
    )
    assert entry.data["from"] == "Checkout fails"
    assert "is called now: Checkout fails in Europe" in words(renamed)
    assert "was called that already" in words(again)
    assert "use at most 40" in words(ben_says("type " + "x" * 60))


def test_a_page_without_an_adapter_says_that_nobody_can_be_reached(
    declared: None, ben_says: Speaker, workspace: Tenant
) -> None:
    answer = ben_says("page service:payments The replica lags")

    assert "No notification adapter is switched on" in words(answer)
    with tenant_scope(workspace.id):
        assert not TimelineEvent.objects.filter(kind=EventKind.PAGED).exists()


def test_a_page_is_on_the_timeline_and_goes_out_once(
    declared: None, ben_says: Speaker, workspace: Tenant, adapter: AdapterConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Message] = []

    class Pager:
        recipient = "pager.example"

        def send(self, *, message: Message, key: str, now: Any) -> Sent:
            told.append(message)
            return Sent(key)

    monkeypatch.setattr("adapters.configuration.opening.notification", lambda config: Pager())
    answer = ben_says("page <@U0CORA|cora> The replica lags")
    with tenant_scope(workspace.id):
        run = Run.objects.get(workflow="incidents.page")
        entry = TimelineEvent.objects.get(kind=EventKind.PAGED)
    assert drive(tenant_id=workspace.id, run_id=run.id).status == "SUCCEEDED"

    assert "calls Cora Commander" in words(answer)
    assert (entry.body, entry.data["to"]["name"]) == ("The replica lags", "Cora Commander")
    (message,) = told
    assert message.title.startswith("Cora Commander: you are called to INC-1 SEV2")
    assert dict(message.facts)["Why"] == "The replica lags"
    with tenant_scope(workspace.id):
        assert Delivery.objects.get(event="incidents.responder.paged").status == "SENT"


def test_only_who_may_respond_is_paged(declared: None, ben_says: Speaker, adapter: AdapterConfig) -> None:
    assert "cannot respond" in words(ben_says(f"page <@{CLEO}|cleo>"))


def test_the_postmortem_is_asked_for_also_when_the_incident_is_over(
    declared: None, ben_says: Speaker, workspace: Tenant
) -> None:
    ben_says("ic")
    ben_says("mit")
    ben_says("fixed")
    answer = ben_says("pm")

    with tenant_scope(workspace.id):
        drafting = [run.code for run in Run.objects.filter(workflow="incidents.postmortem_draft")]
    assert any(f"drafted by {code}" in words(answer) for code in drafting)
    assert buttons(answer)["Open it"]["url"].endswith("/t/northwind/incidents/INC-1/postmortem/")


def test_export_offers_what_is_there_and_its_links_lead_somewhere(
    declared: None, ben_says: Speaker, cleo_says: Speaker, workspace: Tenant, as_user: Any, cleo: Any
) -> None:
    nothing = ben_says("export")
    with tenant_scope(workspace.id):
        draft_postmortem(incident=Incident.objects.get(), actor=Actor.system(), now=clock_now())
    offered = cleo_says("export")

    assert "nothing to take away yet" in nothing["text"]
    assert set(buttons(offered)) == {"Markdown", "JSON"}
    assert "Not there yet: PDF, Evidence package" in words(offered)
    for each in buttons(offered).values():
        page = as_user(cleo).get(each["url"].removeprefix("http://127.0.0.1:8484"))
        assert page.status_code == 200, each["url"]
        assert "INC-1-postmortem-v1" in page["Content-Disposition"]
