"""Tickets of incidents and action items in a real tracker: opened once, followed both ways, on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from adapters.configuration.lifecycle import configure_adapter, switch_adapter
from adapters.models.adapter import AdapterConfig
from adapters.models.ticket import Ticket
from adapters.ports.protocols import AdapterError
from adapters.ports.ticketing import NewTicket, TicketState
from adapters.tickets.changes import call_from_tracker
from adapters.tickets.lifecycle import TicketCompared, TicketEnded, TicketTied, TrackerFailed
from conductor.engine.define.context import StepContext
from conductor.engine.models import Run
from conductor.graph.models import Edge
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.models import Tenant
from incidents.access.lifecycle import set_visibility
from incidents.followups import ticket_steps
from incidents.followups.action_items import add_action_item, close_action_item, drop_action_item
from incidents.followups.ticket_state import Side, Subject, who_follows
from incidents.followups.tickets import open_ticket, sync_ticket, track_ticket, untrack_ticket
from incidents.followups.tracker_look import sync_tracker, trackers_in_use
from incidents.incident.status import resolve_incident
from incidents.models.action_item import ActionItem
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from tests.adapters.receiver import Asked, closed_port, receiving
from tests.adapters.roundup_server import Tracker, roundup
from tests.adapters.test_roundup import cutting

RealNow = Callable[[], datetime]


@pytest.fixture(scope="module")
def server() -> Iterator[Tracker]:
    with roundup() as running:
        yield running


@pytest.fixture
def tracker(server: Tracker, tenant: Tenant, scope: None, actor: Callable[..., Actor], ana: Any) -> AdapterConfig:
    return connect(tenant, actor(ana), server.settings, server.secrets)


def connect(tenant: Tenant, who: Actor, settings: dict[str, Any], secrets: dict[str, str]) -> AdapterConfig:
    return configure_adapter(
        tenant_id=tenant.id,
        kind="roundup",
        name="Operations",
        settings=settings,
        secrets=secrets,
        actor=who,
        now=clock(),
    )


@pytest.fixture
def item(incident: Incident, responder: Actor, now: datetime) -> ActionItem:
    return add_action_item(
        incident=incident, title="Cap the pool", detail="It overflowed.", type="PREVENT", actor=responder, now=now
    )


def clock() -> datetime:
    """The tracker has a clock of its own, so that these tests run in real time."""
    return datetime.now(UTC)


def work(ticket: Ticket, actor: Actor, step: Callable[[StepContext], Any] = ticket_steps.open_ticket) -> Any:
    """Do what a worker does with the ticket's run."""
    return step(context(ticket, actor))


def context(ticket: Ticket, actor: Actor) -> StepContext:
    return StepContext(
        tenant_id=ticket.tenant_id,
        tenant_slug="northwind",
        run_id=uuid4(),
        run_ref="conductor.run:1",
        run_code="R-1",
        environment_id=None,
        subject="",
        input={"ticket_id": str(ticket.id)},
        outputs={},
        actor=actor,
        seq=1,
        idempotency_key="k",
        attempt=1,
        decision=None,
        renew=lambda: True,
    )


def opened(subject: Subject, tracker: AdapterConfig, actor: Actor) -> Ticket:
    ticket = open_ticket(subject=subject, adapter=tracker, actor=actor, now=clock())
    work(ticket, actor)
    return Ticket.objects.select_related("adapter").get(id=ticket.id)


def said(incident: Incident) -> list[tuple[str, dict[str, Any]]]:
    found = TimelineEvent.objects.filter(incident=incident, kind__startswith="ticket.").order_by("seq")
    return list(found.values_list("kind", "data"))


def current(item: ActionItem) -> ActionItem:
    return ActionItem.objects.select_related("incident").get(id=item.id)


def test_a_ticket_is_asked_for_opened_by_a_run_and_on_record(
    item: ActionItem, tracker: AdapterConfig, server: Tracker, responder: Actor
) -> None:
    wanted = open_ticket(subject=Subject(item.incident, item), adapter=tracker, actor=responder, now=clock())
    run = Run.objects.get(workflow="incidents.ticket_open")
    assert (wanted.phase, run.subject, run.input) == ("REQUESTED", item.incident.ref, {"ticket_id": str(wanted.id)})

    work(wanted, responder)

    ticket = Ticket.objects.get(id=wanted.id)
    there = server.adapter().read(external_id=ticket.external_id)
    assert (ticket.phase, ticket.state, ticket.remote_status) == ("TRACKED", "OPEN", "unread")
    assert (there.title, ticket.url) == ("A-1: Cap the pool", there.url)
    ((kind, data),) = said(item.incident)
    assert (kind, data["name"], data["about"], data["tracker"]) == (
        EventKind.TICKET_OPENED,
        ticket.name,
        "A-1",
        "Operations",
    )
    edge = Edge.objects.get(kind=Edge.Kind.TRACKED_IN, source__ref=item.incident.ref)
    assert (edge.target.name, edge.target.ref, edge.asserted_by) == (ticket.name, ticket.ref, responder.ref)
    assert (current(item).ticket, current(item).ticket_url) == (ticket.name, ticket.url)
    actions = set(Receipt.objects.filter(action__contains="ticket").values_list("action", flat=True))
    assert actions == {"adapters.ticket.requested", "adapters.ticket.opened", "incidents.ticket.opened"}


def test_asking_again_and_working_again_change_nothing(
    item: ActionItem, tracker: AdapterConfig, server: Tracker, responder: Actor
) -> None:
    subject = Subject(item.incident, item)
    first = opened(subject, tracker, responder)

    again = open_ticket(subject=subject, adapter=tracker, actor=responder, now=clock())
    work(again, responder)

    assert again.id == first.id
    assert Ticket.objects.count() == 1
    assert len(said(item.incident)) == 1
    assert Run.objects.filter(workflow="incidents.ticket_open").count() == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_that_dies_round_the_creation_leaves_one_ticket(
    item: ActionItem,
    tenant: Tenant,
    server: Tracker,
    responder: Actor,
    actor: Callable[..., Actor],
    ana: Any,
    scope: None,
    when: str,
) -> None:
    """Killed after the tracker has taken the issue and before we could write it down, or just before that."""

    def cut(asked: Asked) -> str:
        return when if asked.method == "POST" and asked.path.endswith("/issue") else ""

    title = f"Killed {when} {uuid4()}"
    ActionItem.objects.filter(id=item.id).update(title=title)
    with receiving(cutting(server, cut)) as relay:
        tracker = connect(tenant, actor(ana), {**server.settings, "url": relay.url}, server.secrets)
        ticket = open_ticket(
            subject=Subject(item.incident, current(item)), adapter=tracker, actor=responder, now=clock()
        )
        with pytest.raises(AdapterError):
            work(ticket, responder)
    assert Ticket.objects.get().phase == "REQUESTED"

    tracker.settings = server.settings
    tracker.save()
    work(ticket, responder)

    assert Ticket.objects.get().phase == "TRACKED"
    everything = server.adapter().changed(
        external_ids=[str(n) for n in range(1, 500)], since=clock() - timedelta(hours=1)
    )
    assert [each.title for each in everything].count(f"A-1: {title}") == 1


def test_while_one_worker_opens_it_no_other_does(item: ActionItem, tracker: AdapterConfig, responder: Actor) -> None:
    ticket = open_ticket(subject=Subject(item.incident, item), adapter=tracker, actor=responder, now=clock())
    Ticket.objects.filter(id=ticket.id).update(claim_ends_at=clock() + timedelta(seconds=60))

    with pytest.raises(AdapterError) as caught:
        work(ticket, responder)
    assert (caught.value.code, caught.value.permanent) == ("ticket_claimed", False)

    Ticket.objects.filter(id=ticket.id).update(claim_ends_at=clock())
    work(ticket, responder)
    assert Ticket.objects.get().phase == "TRACKED"


def test_a_refusal_for_good_is_shown_and_asking_again_tries_again(
    item: ActionItem, tracker: AdapterConfig, server: Tracker, responder: Actor
) -> None:
    tracker.settings = {**server.settings, "username": "stranger"}
    tracker.save()
    subject = Subject(item.incident, item)
    ticket = open_ticket(subject=subject, adapter=tracker, actor=responder, now=clock())
    with pytest.raises(AdapterError):
        work(ticket, responder)
    failed = Ticket.objects.get()
    assert (failed.phase, failed.code, failed.attempts) == ("FAILED", "http_401", 1)

    tracker.settings = server.settings
    tracker.save()
    assert open_ticket(subject=subject, adapter=tracker, actor=responder, now=clock()).phase == "REQUESTED"
    assert Run.objects.filter(workflow="incidents.ticket_open").count() == 2
    work(ticket, responder)
    assert (Ticket.objects.get().phase, Ticket.objects.get().error) == ("TRACKED", "")


def test_closing_the_ticket_closes_the_action_item(
    item: ActionItem, tracker: AdapterConfig, server: Tracker, responder: Actor, tenant: Tenant
) -> None:
    ticket = opened(Subject(item.incident, item), tracker, responder)
    server.adapter().move(external_id=ticket.external_id, state=TicketState.DONE)

    assert trackers_in_use(tenant.id) == [tracker.id]
    assert sync_tracker(tenant_id=tenant.id, adapter_id=tracker.id, now=clock()) == 1

    done = current(item)
    assert (done.status, done.effect, done.closed_by) == ("DONE", "UNVERIFIED", "Operations")
    ticket.refresh_from_db()
    assert (ticket.state, ticket.subject_state, ticket.remote_status) == ("DONE", "DONE", "resolved")
    changed = said(item.incident)[-1]
    assert (changed[0], changed[1]["from"], changed[1]["to"]) == (EventKind.TICKET_CHANGED, "unread", "resolved")
    assert not Run.objects.filter(workflow="incidents.ticket_sync").exists(), "nothing has to be carried back"
    assert sync_tracker(tenant_id=tenant.id, adapter_id=tracker.id, now=clock()) == 0


def test_opening_the_ticket_again_opens_the_action_item_again(
    item: ActionItem, tracker: AdapterConfig, server: Tracker, responder: Actor, tenant: Tenant
) -> None:
    ticket = opened(Subject(item.incident, item), tracker, responder)
    for state in (TicketState.DONE, TicketState.OPEN):
        server.adapter().move(external_id=ticket.external_id, state=state)
        sync_tracker(tenant_id=tenant.id, adapter_id=tracker.id, now=clock())
    assert current(item).status == "OPEN"


def test_closing_the_action_item_closes_the_ticket_and_says_so_once(
    item: ActionItem, tracker: AdapterConfig, server: Tracker, responder: Actor
) -> None:
    ticket = opened(Subject(item.incident, item), tracker, responder)

    close_action_item(item=current(item), effect_note="Load test.", actor=responder, now=clock())
    run = Run.objects.get(workflow="incidents.ticket_sync")
    assert run.input == {"ticket_id": str(ticket.id)}
    for _again in range(2):
        work(ticket, responder, ticket_steps.sync_ticket)

    there = server.adapter().read(external_id=ticket.external_id)
    assert there.status == "resolved"
    assert not server.adapter().comment(
        external_id=ticket.external_id, text="", key=f"{ticket.key}-{current(item).version}"
    )
    assert current(item).effect == "VERIFIED"


def test_what_could_not_be_carried_is_carried_by_the_sweep(
    item: ActionItem, tracker: AdapterConfig, server: Tracker, responder: Actor, tenant: Tenant
) -> None:
    ticket = opened(Subject(item.incident, item), tracker, responder)
    drop_action_item(item=current(item), reason="Not worth it.", actor=responder, now=clock())
    tracker.settings = {**server.settings, "url": f"http://127.0.0.1:{closed_port()}"}
    tracker.save()
    with pytest.raises(AdapterError):
        work(ticket, responder, ticket_steps.sync_ticket)
    assert sync_tracker(tenant_id=tenant.id, adapter_id=tracker.id, now=clock()) == 0
    assert Ticket.objects.get().code == "unreachable"

    tracker.settings = server.settings
    tracker.save()
    assert sync_tracker(tenant_id=tenant.id, adapter_id=tracker.id, now=clock()) == 1
    assert server.adapter().read(external_id=ticket.external_id).state == TicketState.DONE
    assert (Ticket.objects.get().code, current(item).status) == ("", "DROPPED")


def test_an_incidents_ticket_follows_it_and_never_moves_it(
    at_status: Callable[..., Incident],
    tracker: AdapterConfig,
    server: Tracker,
    commander: Actor,
    tenant: Tenant,
    now: datetime,
) -> None:
    incident = at_status("MONITORING")
    ticket = opened(Subject(incident), tracker, commander)
    server.adapter().move(external_id=ticket.external_id, state=TicketState.DONE)
    sync_tracker(tenant_id=tenant.id, adapter_id=tracker.id, now=clock())
    incident.refresh_from_db()
    assert incident.status == "MONITORING"
    assert said(incident)[-1][1]["to"] == "resolved"
    server.adapter().move(external_id=ticket.external_id, state=TicketState.OPEN)
    sync_tracker(tenant_id=tenant.id, adapter_id=tracker.id, now=clock())

    resolve_incident(incident=incident, actor=commander, now=now)
    assert Run.objects.filter(workflow="incidents.ticket_sync").count() == 1
    work(ticket, commander, ticket_steps.sync_ticket)

    assert server.adapter().read(external_id=ticket.external_id).state == TicketState.DONE


def test_a_ticket_of_what_is_over_stays_open_until_somebody_moves(
    item: ActionItem, tracker: AdapterConfig, server: Tracker, responder: Actor
) -> None:
    close_action_item(item=item, actor=responder, now=clock())
    ticket = opened(Subject(item.incident, current(item)), tracker, responder)

    sync_ticket(ticket=ticket, actor=responder, now=clock())

    assert server.adapter().read(external_id=ticket.external_id).state == TicketState.OPEN
    assert current(item).status == "DONE"


def test_what_is_closed_while_its_ticket_is_being_opened_is_carried_to_it(
    item: ActionItem, tracker: AdapterConfig, server: Tracker, responder: Actor
) -> None:
    ticket = open_ticket(subject=Subject(item.incident, item), adapter=tracker, actor=responder, now=clock())
    close_action_item(item=item, actor=responder, now=clock())
    work(ticket, responder)

    assert Run.objects.get(workflow="incidents.ticket_sync").input == {"ticket_id": str(ticket.id)}
    work(ticket, responder, ticket_steps.sync_ticket)
    ticket.refresh_from_db()
    assert server.adapter().read(external_id=ticket.external_id).state == TicketState.DONE


def existing(server: Tracker, title: str = "From before") -> str:
    made = server.adapter().create(
        ticket=NewTicket(key=f"somebody-{uuid4()}", title=title, text="", url=""), since=clock()
    )
    return made.external_id


def test_a_ticket_that_exists_is_linked_and_nothing_is_moved(
    item: ActionItem, tracker: AdapterConfig, server: Tracker, responder: Actor, tenant: Tenant
) -> None:
    there = existing(server)
    server.adapter().move(external_id=there, state=TicketState.DONE)
    subject = Subject(item.incident, item)

    ticket = track_ticket(subject=subject, adapter=tracker, text=f"issue{there}", actor=responder, now=clock())

    assert (ticket.origin, ticket.state, ticket.title) == ("LINKED", "DONE", "From before")
    assert said(item.incident)[-1][0] == EventKind.TICKET_LINKED
    sync_ticket(ticket=ticket, actor=responder, now=clock())
    assert current(item).status == "OPEN"
    with pytest.raises(TicketTied):
        track_ticket(subject=subject, adapter=tracker, text=f"issue{there}", actor=responder, now=clock())


def test_a_ticket_that_somebody_linked_to_an_incident_is_not_closed_with_it(
    at_status: Callable[..., Incident], tracker: AdapterConfig, server: Tracker, commander: Actor, now: datetime
) -> None:
    incident = at_status("MONITORING")
    there = existing(server)
    track_ticket(subject=Subject(incident), adapter=tracker, text=f"issue{there}", actor=commander, now=clock())

    resolve_incident(incident=incident, actor=commander, now=now)

    assert not Run.objects.filter(workflow="incidents.ticket_sync").exists()


@pytest.mark.parametrize("text", ["", "OPS-17", "issue999999"])
def test_a_name_that_is_none_is_complained_about(
    item: ActionItem, tracker: AdapterConfig, responder: Actor, text: str
) -> None:
    with pytest.raises(Invalid) as refused:
        track_ticket(subject=Subject(item.incident, item), adapter=tracker, text=text, actor=responder, now=clock())
    assert list(refused.value.fields) == ["ticket"]
    assert not Ticket.objects.exists()


def test_a_tracker_that_is_away_is_said_when_linking(
    item: ActionItem, tracker: AdapterConfig, server: Tracker, responder: Actor
) -> None:
    tracker.settings = {**server.settings, "url": f"http://127.0.0.1:{closed_port()}"}
    with pytest.raises(TrackerFailed):
        track_ticket(subject=Subject(item.incident, item), adapter=tracker, text="issue1", actor=responder, now=clock())


def test_a_link_is_ended_and_the_ticket_stays(
    item: ActionItem, tracker: AdapterConfig, server: Tracker, responder: Actor, tenant: Tenant
) -> None:
    ticket = opened(Subject(item.incident, item), tracker, responder)

    untrack_ticket(ticket=ticket, actor=responder, now=clock())

    assert not Edge.objects.filter(kind=Edge.Kind.TRACKED_IN, ended_at=None).exists()
    assert said(item.incident)[-1][0] == EventKind.TICKET_UNLINKED
    assert (current(item).ticket, trackers_in_use(tenant.id)) == ("", [])
    assert server.adapter().read(external_id=ticket.external_id).state == TicketState.OPEN
    with pytest.raises(TicketEnded):
        untrack_ticket(ticket=ticket, actor=responder, now=clock())


def test_of_a_private_incident_the_tracker_learns_no_word(
    item: ActionItem, tracker: AdapterConfig, server: Tracker, commander: Actor, now: datetime
) -> None:
    set_visibility(
        incident=item.incident, visibility="PRIVATE", reason="Personal data of staff.", actor=commander, now=now
    )
    item = current(item)

    ticket = opened(Subject(item.incident, item), tracker, commander)

    assert server.adapter().read(external_id=ticket.external_id).title == "A-1: private"
    assert set(ticket.content.values()) == {"A-1: private", "", ticket.content["url"]}
    for receipt in Receipt.objects.filter(action__contains="ticket"):
        assert "Cap the pool" not in str(receipt.body)


def test_somebody_who_was_quicker_is_not_overwritten(
    item: ActionItem, tracker: AdapterConfig, responder: Actor
) -> None:
    ticket = opened(Subject(item.incident, item), tracker, responder)
    stale = Ticket.objects.select_related("adapter").get(id=ticket.id)
    sync_ticket(ticket=ticket, actor=responder, now=clock())

    with pytest.raises(TicketCompared):
        sync_ticket(ticket=stale, actor=responder, now=clock())


def test_a_tracker_that_is_switched_off_is_not_asked(
    item: ActionItem, tracker: AdapterConfig, responder: Actor, tenant: Tenant, actor: Callable[..., Actor], ana: Any
) -> None:
    opened(Subject(item.incident, item), tracker, responder)
    switch_adapter(adapter=tracker, enabled=False, actor=actor(ana), now=clock())

    assert trackers_in_use(tenant.id) == []
    assert sync_tracker(tenant_id=tenant.id, adapter_id=tracker.id, now=clock()) == 0


def test_a_call_from_the_tracker_brings_a_look_forward(
    item: ActionItem, tracker: AdapterConfig, responder: Actor, tenant: Tenant
) -> None:
    ticket = opened(Subject(item.incident, item), tracker, responder)

    assert call_from_tracker(adapter=tracker, external_ids=["999", ticket.external_id], now=clock()) == 1
    assert sync_tracker(tenant_id=tenant.id, adapter_id=tracker.id, now=clock()) == 1
    assert Ticket.objects.get().due_at is None


def test_an_auditor_opens_links_and_compares_nothing(
    item: ActionItem, tracker: AdapterConfig, responder: Actor, actor: Callable[..., Actor], cleo: Any
) -> None:
    subject, who = Subject(item.incident, item), actor(cleo)
    ticket = opened(subject, tracker, responder)
    for attempt in (
        lambda: open_ticket(subject=subject, adapter=tracker, actor=who, now=clock()),
        lambda: track_ticket(subject=subject, adapter=tracker, text="issue1", actor=who, now=clock()),
        lambda: sync_ticket(ticket=ticket, actor=who, now=clock()),
        lambda: untrack_ticket(ticket=ticket, actor=who, now=clock()),
    ):
        with pytest.raises(PermissionMissing):
            attempt()


OPEN, DONE, DROPPED = "OPEN", "DONE", "DROPPED"


@pytest.mark.parametrize(
    ("ours_before", "ours", "theirs_before", "theirs", "side"),
    [
        (OPEN, OPEN, OPEN, OPEN, Side.NOBODY),
        (OPEN, OPEN, OPEN, DONE, Side.RECORD),
        (OPEN, OPEN, OPEN, DROPPED, Side.RECORD),
        (DONE, DONE, DONE, OPEN, Side.RECORD),
        (OPEN, DONE, OPEN, OPEN, Side.TICKET),
        (OPEN, DROPPED, OPEN, OPEN, Side.TICKET),
        (DONE, OPEN, DONE, DONE, Side.TICKET),
        (OPEN, DONE, OPEN, DONE, Side.NOBODY),
        (OPEN, DONE, OPEN, DROPPED, Side.NOBODY),
        (OPEN, OPEN, DONE, DONE, Side.NOBODY),  # linked so
        (OPEN, DONE, DONE, OPEN, Side.RECORD),  # both moved: open wins
        (DONE, OPEN, OPEN, DONE, Side.TICKET),  # both moved: open wins
    ],
)
def test_who_follows_whom(ours_before: str, ours: str, theirs_before: str, theirs: str, side: Side) -> None:
    assert who_follows(ours=ours, ours_before=ours_before, theirs=theirs, theirs_before=theirs_before) is side
