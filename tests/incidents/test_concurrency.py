"""What threads with connections of their own do to one incident at once: real commits, no gaps, nothing twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.db import connections

from conductor.engine.models import Run
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import NumberSeries, Tenant
from incidents.incident.lifecycle import declare_incident
from incidents.incident.status import move_incident
from incidents.models.history import StatusTransition, TimelineEvent
from incidents.models.incident import Incident
from incidents.timeline.lifecycle import post_update

Result = TypeVar("Result")
AT_ONCE = 20


def test_concurrent_declare_same_dedup_key_one_incident(committed: None, tenant: Tenant, now: datetime) -> None:
    outcomes = _in_threads(100, lambda n: _declare(tenant, now, dedup_key="alert:checkout"))

    assert Counter(is_new for _, is_new in outcomes) == {True: 1, False: 99}
    assert len({incident.id for incident, _ in outcomes}) == 1
    with tenant_scope(tenant.id):
        assert Incident.objects.count() == 1
        assert set(Run.objects.values_list("workflow", flat=True)) == {"incidents.declared", "incidents.watch"}
        assert Run.objects.count() == 2
        assert NumberSeries.objects.get(series="incident").last == 1


def test_gapless_numbers_under_concurrency(committed: None, tenant: Tenant, now: datetime) -> None:
    outcomes = _in_threads(24, lambda n: _declare(tenant, now, dedup_key=f"key-{n % 8}" if n % 2 else ""))

    with tenant_scope(tenant.id):
        numbers = sorted(Incident.objects.values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) == sum(is_new for _, is_new in outcomes) == 12 + 4


def test_concurrent_entries_have_gapless_numbers(committed: None, tenant: Tenant, now: datetime) -> None:
    incident, _ = _declare(tenant, now)

    def say(n: int) -> None:
        with tenant_scope(tenant.id):
            post_update(incident=Incident.objects.get(id=incident.id), text=f"{n}", actor=Actor.system(), now=now)

    _in_threads(20, say)

    with tenant_scope(tenant.id):
        seqs = list(TimelineEvent.objects.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, 22))


def test_concurrent_moves_write_one_transition(committed: None, tenant: Tenant, now: datetime) -> None:
    incident, _ = _declare(tenant, now)

    def mitigate(n: int) -> str:
        with tenant_scope(tenant.id):
            seen = Incident.objects.get(id=incident.id)
            return move_incident(incident=seen, to="MITIGATED", actor=Actor.system(), now=now).status

    assert set(_in_threads(12, mitigate)) == {"MITIGATED"}

    with tenant_scope(tenant.id):
        assert StatusTransition.objects.filter(to_status="MITIGATED").count() == 1


def _declare(tenant: Tenant, now: datetime, **given: str) -> tuple[Incident, bool]:
    with tenant_scope(tenant.id):
        return declare_incident(
            tenant_id=tenant.id, title="Checkout fails", severity="SEV2", actor=Actor.system(), now=now, **given
        )


def _in_threads(count: int, work: Callable[[int], Result]) -> list[Result]:
    """Do the work `count` times at once, each on a connection of its own, and return what came of it."""
    results: list[Result] = []
    errors: list[Exception] = []
    start = threading.Barrier(min(count, AT_ONCE))

    def run(n: int) -> None:
        try:
            if n < AT_ONCE:
                start.wait(timeout=30)
            results.append(work(n))
        except Exception as error:  # noqa: BLE001 - raised again in the test's own thread
            errors.append(error)
        finally:
            connections.close_all()

    slots = threading.Semaphore(AT_ONCE)

    def queued(n: int) -> None:
        with slots:
            run(n)

    threads = [threading.Thread(target=queued, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors[0]
    return results
