"""Live pages never take the threads that others need: a quota for a person, a tenant and a process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.console.shell import live
from conductor.console.shell.live import Hub, Place, Quota, server_threads
from conductor.embedded.up.stages import _children
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import declare_incident

pytestmark = pytest.mark.fault("security-5")


@pytest.mark.parametrize("threads", [1, 8, 16, 17, 32, 64, 512])
def test_streams_leave_threads_to_everybody_and_no_tenant_or_person_takes_all(threads: int) -> None:
    quota = Quota.of(threads)

    assert 0 <= quota.process <= max(0, threads - live.RESERVED_THREADS)
    assert quota.person <= quota.tenant <= quota.process
    assert quota.process < 4 or quota.person < quota.tenant < quota.process


@pytest.mark.parametrize(
    ("arguments", "environment", "threads"),
    [
        (["granian", "--blocking-threads", "20"], {}, 20),
        (["granian", "--blocking-threads=24"], {"GRANIAN_BLOCKING_THREADS": "99"}, 24),
        (["granian"], {"GRANIAN_BLOCKING_THREADS": "12"}, 12),
        (["granian", "--blocking-threads"], {}, live.USUAL_THREADS),
    ],
)
def test_the_number_of_threads_is_the_servers_own(
    arguments: list[str], environment: dict[str, str], threads: int
) -> None:
    assert server_threads(arguments, environment) == threads


def test_the_processes_of_make_up_hold_fewer_streams_than_threads(tmp_path: Any) -> None:
    (web,) = [each for each in _children(8000, tmp_path) if each.name == "web"]
    threads = server_threads(web.argv, {})

    assert 0 < Quota.of(threads).process <= threads - live.RESERVED_THREADS


def _deaf(hub: Hub) -> Hub:
    """Let the hub begin no thread that listens: these tests wait for no act."""
    hub._thread = threading.current_thread()
    return hub


def _join(hub: Hub, tenant: UUID, person: int, count: int) -> list[Place | None]:
    return [hub.join("topic", tenant_id=tenant, person=person + n) for n in range(count)]


def test_a_tenant_and_a_process_are_stopped_at_their_share_and_a_place_is_free_again() -> None:
    hub, globex, northwind = _deaf(Hub(Quota(process=8, tenant=6, person=2))), uuid4(), uuid4()

    theirs, others = _join(hub, globex, 1, 10), _join(hub, northwind, 50, 10)

    assert [sum(each is not None for each in group) for group in (theirs, others)] == [6, 2]
    assert theirs[0] is not None
    hub.leave(theirs[0])
    hub.leave(theirs[0])
    assert [each is not None for each in _join(hub, globex, 70, 2)] == [True, False]


def test_the_newest_of_a_persons_streams_takes_the_place_of_the_oldest() -> None:
    hub, globex, northwind = _deaf(Hub(Quota(process=16, tenant=12, person=3))), uuid4(), uuid4()
    opened: list[Place] = []
    for number in range(200):
        place = hub.join(f"topic-{number}", tenant_id=[globex, northwind][number % 2], person=1)
        assert place is not None, "who closes what was taken is never refused"
        opened.append(place)
        for taken in [each for each in opened if each.is_taken]:
            assert taken.woken.is_set()
            hub.leave(taken)

    assert [each.is_taken for each in opened] == [True] * 197 + [False] * 3
    assert all(_join(hub, globex, 2, 9)), "a colleague's places are not touched"


def test_streams_that_do_not_end_when_their_place_is_taken_still_count() -> None:
    hub, globex, northwind = _deaf(Hub(quota := Quota(process=16, tenant=12, person=8))), uuid4(), uuid4()

    stuck = [hub.join(f"topic-{n}", tenant_id=globex, person=1) for n in range(200)]

    held = [each for each in stuck if each is not None]
    assert len(held) == quota.person + quota.leaving
    assert [each.is_taken for each in held] == [True] * quota.leaving + [False] * quota.person
    assert sum(each is not None for each in _join(hub, globex, 2, 9)) == quota.tenant - len(held)
    assert sum(each is not None for each in _join(hub, northwind, 20, 9)) == quota.process - quota.tenant
    hub.leave(held[0])
    assert [each is not None for each in _join(hub, globex, 30, 2)] == [True, False]


@pytest.mark.parametrize("threads", range(17, 80))
def test_whatever_one_person_does_places_are_left_to_others(threads: int) -> None:
    quota = Quota.of(threads)

    assert quota.person + quota.leaving <= quota.tenant <= quota.process


def _signed_in(name: str) -> Client:
    browser = Client()
    sent = {"login": f"{name}@example.test", "password": f"{name}-password"}
    assert browser.post("/accounts/login/", sent).status_code == 302
    return browser


@pytest.fixture
def quota(monkeypatch: pytest.MonkeyPatch) -> Quota:
    """The share of 32 threads, in a hub that no other test's streams are in."""
    quota = Quota.of(32)
    monkeypatch.setattr(live, "hub", _deaf(Hub(quota)))
    return quota


def test_one_members_many_streams_leave_a_colleagues_live(
    committed: None, quota: Quota, tenant: Tenant, ben: User, cora: User, actor: Callable[..., Any]
) -> None:
    with tenant_scope(tenant.id):
        incident = declare_incident(
            tenant_id=tenant.id, title="Queue is behind", severity="SEV3", actor=actor(cora), now=clock_now()
        )[0]
    address = f"/t/northwind/incidents/{incident.code}/events?after=0"
    statuses, browser = [], _signed_in("ben")
    with ExitStack() as open_streams:
        answers = []
        for _ in range(quota.person + quota.leaving + 3):
            answers.append(open_streams.enter_context(closing(browser.get(address))))
            statuses.append(answers[-1].status_code)
        colleague = open_streams.enter_context(closing(_signed_in("cora").get(address)))

        # Nobody reads them, so that none of those whose place was taken ends.
        assert statuses == [200] * (quota.person + quota.leaving) + [503] * 3
        assert colleague.status_code == 200
        # The first message alone: the one after it may be long in coming.
        assert next(iter(colleague.streaming_content)) == live.FIRST_WORDS
        assert list(answers[0].streaming_content) == [live.FIRST_WORDS, live.LAST_WORDS], "the oldest ends, and says so"

    with closing(browser.get(address)) as later:
        assert later.status_code == 200, "the places of streams that ended are free again"
