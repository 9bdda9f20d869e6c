"""The promises about Slack that others rely on, each by the name that it was agreed under."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from adapters.models.adapter import AdapterConfig
from chatops import tasks
from chatops.commands.answers import Answer
from chatops.commands.arguments import Command
from chatops.commands.forms import FORMS
from chatops.commands.menus import READ
from chatops.commands.phrases import VERBS
from chatops.commands.sentence import parse
from chatops.models.inbound_request import SlackReceipt
from chatops.slack import delivery
from chatops.slack.inbound import dispatch
from chatops.slack.render.modals import Opened, modal
from chatops.slack.render.panel import home_view
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from tests.chatops import slack, test_answers
from tests.chatops.blocks import check_message, check_schema, check_view
from tests.chatops.conftest import connect_live
from tests.chatops.double import SlackDouble, Workspace
from tests.chatops.slack import BEN, MAX, Speaker, form, headers, post, send_event
from tests.chatops.sweeps import finish_all

Deliver = Callable[[], int]


def captured(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.id):
        return list(TimelineEvent.objects.filter(kind="chat.message_captured").values_list("body", flat=True))


def pin(channel: str, *, event_id: str = "Ev1", retry: int = 0) -> Any:
    message = {"type": "message", "user": slack.CORA, "ts": "1795500000.000100", "text": "The replica is behind"}
    item = {"type": "message", "channel": channel, "message": message}
    event = {"type": "pin_added", "user": BEN, "channel_id": channel, "item": item}
    return send_event(event, event_id=event_id, retry=retry)


@pytest.fixture
def room(live: Workspace, deliver: Deliver) -> str:
    """Id of INC-1's channel."""
    Speaker()("declare sev2 Checkout fails")
    tasks.follow_all(clock_now())
    deliver()
    return next(each.id for each in live.channels.values() if each.name.startswith("inc-1"))


@pytest.mark.parametrize("age", [301, -330])
@pytest.mark.parametrize("path", ["/slack/commands", "/slack/events", "/slack/interactions"])
def test_slack_signature_freshness(workspace: Tenant, path: str, age: float) -> None:
    body = form("declare sev1 Replayed")

    assert post(body, headers(body, age=age), path=path).status_code == 401
    assert post(body, headers(body, age=290), path="/slack/commands").status_code == 200


def test_event_retry_storm_single_effect(committed: None, double: SlackDouble, tenant: Tenant, now: datetime) -> None:
    """One event, four times at once, then its three announced retries, then a worker: one entry."""
    live = connect_live(double, tenant, slack.NORTHWIND_TEAM, now)
    Speaker()("declare sev2 Checkout fails")
    tasks.follow_all(clock_now())
    delivery.send_due(tenant_id=tenant.id, clock=clock_now)
    room = next(each.id for each in live.channels.values() if each.name.startswith("inc-1"))
    start, answers = threading.Barrier(4), []

    def send() -> None:
        start.wait()
        answers.append(pin(room).status_code)
        connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers += [pin(room, retry=number).status_code for number in (1, 2, 3)]
    for _ in range(2):
        finish_all(clock_now() + timedelta(seconds=6))

    assert answers == [200] * 7
    assert captured(tenant) == ["The replica is behind"]
    with tenant_scope(tenant.id):
        assert SlackReceipt.objects.filter(kind="event").count() == 1


def test_first_attempt_died_then_retry_is_processed(
    live: Workspace, tenant: Tenant, room: str, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies before it stored anything: Slack's retry, marked as one, is worked on as a first attempt."""

    class Killed(BaseException):
        """Stands for the end of the process: nothing catches it."""

    def die(**_given: Any) -> Any:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr("chatops.slack.inbound.intake.store_receipt", die)
        with pytest.raises(Killed):
            pin(room)
    assert captured(tenant) == []

    assert pin(room, retry=1).status_code == 200
    deliver()

    assert captured(tenant) == ["The replica is behind"]


def test_two_workspaces_interleaved(
    live: Workspace, double: SlackDouble, tenant: Tenant, other_tenant: Tenant, now: datetime
) -> None:
    """Two organisations speak in turns: neither sees, names or posts with the other's."""
    theirs = connect_live(double, other_tenant, slack.GLOBEX_TEAM, now)
    ben, max_says = Speaker(), Speaker(MAX, slack.GLOBEX_TEAM)
    for number in range(3):
        ben(f"declare sev2 Ours {number}")
        max_says(f"declare sev2 Theirs {number}")

    tasks.follow_all(clock_now())
    moment = clock_now()
    for _ in range(12):
        moment += timedelta(seconds=2)
        for each in (tenant, other_tenant):
            delivery.send_due(tenant_id=each.id, clock=lambda: moment)  # noqa: B023

    assert {call.team_id for call in double.calls} == {slack.NORTHWIND_TEAM, slack.GLOBEX_TEAM}
    for workspace, word, other in ((live, "ours", "theirs"), (theirs, "theirs", "ours")):
        names = [each.name for each in workspace.channels.values() if each.name.startswith("inc-")]
        assert len(names) == 3
        assert all(word in name and other not in name for name in names)
    assert "Theirs" not in str(ben("list"))
    assert "Ours" not in str(max_says("list"))


@pytest.mark.parametrize("kind", test_answers.WORST)
def test_blockkit_limits_on_worst_case_data(tenant: Tenant, scope: None, kind: str) -> None:
    """Every message, every verb's modal and App Home, of the longest and oddest texts there are."""
    text = test_answers.WORST[kind]
    one = test_answers.incident(text)
    shown: list[Answer] = list(test_answers.messages(text).values())
    for message in shown:
        check_message(message)  # type: ignore[arg-type]
        check_schema(message)  # type: ignore[arg-type]
    given = dict.fromkeys(
        ("title", "text", "summary", "service", "reason", "type", "next", "at", "due", "target"), text
    )
    for verb in FORMS:
        for about, candidates in ((one, []), (None, [one_of(text, number) for number in range(120)])):
            opened = Opened(verb, tenant.id, 999_999_999, "MONITORING", "x" * 36, "x" * 60)
            view = modal(
                opened=opened,
                incident=about,
                candidates=candidates,
                menus={kind: [(f"{kind}-{number}", text[:80] or "x") for number in range(120)] for kind in READ},
                given={**given, "severity": "SEV1", "role": "SCRIBE", "person": "U0BEN", "tracker": "tracker-9"},
            )
            check_view(view)
            check_schema(view)
    home = home_view(tenant=tenant, user=None, command="/incident", now=clock_now())
    check_view(home)


def one_of(text: str, number: int) -> Incident:
    """Return one of many candidates."""
    made = test_answers.incident(text)
    made.number = number
    return made


def test_every_kind_of_request_is_carried_out_by_somebody() -> None:
    assert set(dispatch._BY_KIND) == set(SlackReceipt.Kind)


GOLDEN = {
    "declare": ("Declare", "modal", "said"),
    "ack": ("About", "which", "which"),
    "classify": ("Classify", "modal", "which"),
    "impact": ("Affect", "modal", "which"),
    "matrix": ("About", "said", "said"),
    "title": ("About", "modal", "which"),
    "summary": ("About", "modal", "which"),
    "type": ("About", "modal", "which"),
    "page": ("Page", "modal", "which"),
    "postmortem": ("About", "which", "which"),
    "export": ("Export", "which", "which"),
    "assign": ("Assign", "modal", "which"),
    "update": ("Update", "modal", "which"),
    "note": ("Note", "modal", "which"),
    "decide": ("About", "modal", "which"),
    "accept": ("Accept", "which", "which"),
    "decline": ("Decline", "modal", "which"),
    "handover": ("HandOver", "modal", "which"),
    "drop": ("Drop", "modal", "which"),
    "who": ("About", "which", "which"),
    "task": ("Todo", "modal", "which"),
    "tasks": ("About", "which", "which"),
    "done": ("TaskDone", "modal", "which"),
    "followup": ("FollowUp", "modal", "which"),
    "followups": ("About", "which", "which"),
    "link": ("Link", "modal", "which"),
    "ticket": ("OpenTicket", "modal", "said"),
    "tickets": ("About", "which", "which"),
    "mitigated": ("About", "modal", "which"),
    "monitoring": ("About", "modal", "which"),
    "resolved": ("About", "modal", "which"),
    "reopen": ("About", "none", "none"),
    "cancel": ("Cancel", "modal", "which"),
    "duplicate": ("Duplicate", "modal", "which"),
    "clock": ("About", "which", "which"),
    "cost": ("About", "which", "which"),
    "status": ("About", "which", "which"),
    "list": ("Listing", "said", "said"),
    "find": ("Search", "modal", "said"),
    "help": ("Help", "said", "said"),
}
"""Verb to: what its first example is read as; what the verb alone does, and what the example does, both said in a
channel of no incident while two are active and the example names none. `none`: nothing that was resolved lately."""


def what_happened(live: Workspace, text: str) -> str:
    """Say it with a live trigger and return which of the golden outcomes it was."""
    before = len(live.modals)
    body = form(text, trigger=live.trigger(BEN))
    response = post(body, headers(body))
    if len(live.modals) > before:
        return "modal"
    said = response.json()["text"]
    if said.startswith("No incident was resolved"):
        return "none"
    return "which" if said.startswith(("Which one?", "There is no INC-")) else "said"


def unnamed(example: str) -> str:
    """Return the example without the code of the incident that it is about; `of INC-1` names another."""
    if example.startswith("duplicate"):
        return "duplicate of INC-1"
    if example.startswith("link"):
        return "link INC-2 caused_by"
    return " ".join(each for each in example.split() if "INC-" not in each)


def test_grammar_golden(live: Workspace, ben_says: Speaker, tenant: Tenant, now: datetime) -> None:
    """Every verb, with and without arguments, in a channel that belongs to no incident."""
    ben_says("declare sev4 First")
    ben_says("declare sev4 Second")
    with tenant_scope(tenant.id):
        AdapterConfig.objects.create(
            tenant=tenant, port="ticketing", kind="roundup", name="Operations", created_at=now, updated_at=now
        )
    found = {}
    for verb in VERBS[::-1]:  # declare comes last: a third incident would change nothing, but its answer may
        example = unnamed(verb.examples[0])
        read = parse(example)
        assert isinstance(read, Command), example
        found[verb.name] = (
            type(read.args).__name__,
            what_happened(live, verb.name),
            what_happened(live, example),
        )

    assert found == GOLDEN
