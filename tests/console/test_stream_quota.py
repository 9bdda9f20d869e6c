"""Live pages never take the threads that others need: a quota for a person, a tenant and a process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.console import live
from conductor.console.live import Hub, Quota, server_threads
from conductor.embedded.stages import _children
from conductor.lib.clock import now as clock_now
from conductor.tenancy.models import Tenant
from conductor.tenancy.scope import tenant_scope
from incidents.lifecycle import declare_incident

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


def test_a_person_and_a_tenant_are_stopped_at_their_share_and_a_place_is_free_again() -> None:
    hub, globex, northwind = _deaf(Hub(Quota(process=8, tenant=6, person=2))), uuid4(), uuid4()

    jonas = [hub.join(f"topic-{n}", tenant_id=globex, person=1) for n in range(200)]
    colleagues = [hub.join("topic", tenant_id=globex, person=2 + n // 2) for n in range(10)]
    others = [hub.join("topic", tenant_id=northwind, person=50 + n) for n in range(10)]

    assert [sum(each is not None for each in group) for group in (jonas, colleagues, others)] == [2, 4, 2]
    assert jonas[0] is not None
    hub.leave("topic-0", jonas[0])
    assert hub.join("topic", tenant_id=globex, person=1) is not None


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
        for _ in range(quota.person + 3):
            response = browser.get(address)
            open_streams.enter_context(closing(response))
            statuses.append(response.status_code)
        colleague = open_streams.enter_context(closing(_signed_in("cora").get(address)))

        assert statuses == [200] * quota.person + [503] * 3
        assert colleague.status_code == 200
        # The first message alone: the one after it may be long in coming.
        assert next(iter(colleague.streaming_content)).startswith(b"retry:")

    with closing(browser.get(address)) as later:
        assert later.status_code == 200, "the places of streams that ended are free again"
