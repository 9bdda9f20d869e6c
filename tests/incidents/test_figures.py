"""The figures above the list: what the database says of many incidents is what `measure` says of each of them."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conductor.tenancy.models import Tenant
from incidents.hub.figures import WINDOW, figures
from incidents.models.choices import OVER, SIDE_EXITS, Status
from incidents.models.incident import Incident
from incidents.record.metrics import TO_ACKNOWLEDGE, TO_RESOLVE, Definition, Metric, Milestones, State, Summary, measure

WEEKS = 13


def _crowd(tenant: Tenant, now: datetime) -> Iterator[Incident]:
    """Incidents of every status, with moments that are missing, run backwards, or differ by parts of a second."""
    draw = random.Random(41)
    # Merged ones name their original; they are excluded as declined ones are.
    statuses = [each for each in Status if each != Status.DUPLICATE]
    for number in range(1, 401):
        status = draw.choice(statuses)
        declared = now - WINDOW * draw.random()
        later = [declared + timedelta(seconds=draw.uniform(-2000, 9000)) for _ in range(2)]
        yield Incident(
            tenant_id=tenant.id,
            number=number,
            title=f"Incident {number}",
            severity=f"SEV{1 + number % 4}",
            status=status,
            origin="api",
            declared_by="conductor.system:conductor",
            declared_by_name="Conductor",
            declared_at=declared,
            acknowledged_at=draw.choice([None, later[0]]),
            resolved_at=later[1] if status == Status.RESOLVED else None,
            recorded_at=now,
        )


def _lived(incident: Incident) -> Milestones:
    return Milestones(
        declared=incident.declared_at,
        acknowledged=incident.acknowledged_at,
        resolved=incident.resolved_at,
        is_over=incident.status in OVER,
        excluded="It was no incident of its own." if incident.status in SIDE_EXITS else "",
    )


def _summarise(metrics: Iterable[Metric]) -> Summary:
    """The middle by Python's own statistics; of ten sorted values the ninth, or the next after nine tenths of them."""
    told = list(metrics)
    values = sorted(each.seconds for each in told if each.seconds is not None)
    states = Counter(each.state for each in told)
    return Summary(
        n=len(values),
        missing=states[State.MISSING],
        invalid=states[State.INVALID],
        pending=states[State.PENDING],
        excluded=states[State.EXCLUDED],
        median_seconds=int(statistics.median(values)) if values else None,
        p90_seconds=values[-(-len(values) * 9 // 10) - 1] if values else None,
    )


def _by_week(definition: Definition, incidents: list[Incident], since: datetime) -> tuple[int | None, ...]:
    weeks: list[list[Incident]] = [[] for _ in range(WEEKS)]
    for each in incidents:
        weeks[min((each.declared_at - since) // timedelta(days=7), WEEKS - 1)].append(each)
    return tuple(_summarise(measure(definition, _lived(each)) for each in week).median_seconds for week in weeks)


@pytest.fixture
def crowd(tenant: Tenant, scope: None, now: datetime) -> list[Incident]:
    return Incident.objects.bulk_create(_crowd(tenant, now))


def test_the_database_and_measure_agree(crowd: list[Incident], now: datetime) -> None:
    found = figures(now=now)

    resolved = [each for each in crowd if each.status == Status.RESOLVED]
    for figure, definition, among in (
        (found.to_acknowledge, TO_ACKNOWLEDGE, crowd),
        (found.to_resolve, TO_RESOLVE, resolved),
    ):
        assert figure.summary == _summarise(measure(definition, _lived(each)) for each in among)
        assert figure.by_week == _by_week(definition, among, now - WINDOW)
    assert (found.declared, found.unresolved) == (len(crowd), len(crowd) - len(resolved))
    states = {measure(TO_ACKNOWLEDGE, _lived(each)).state for each in crowd}
    assert states == set(State), "the crowd has every state, or this shows little"


def test_nothing_declared_is_no_figure_and_no_zero(tenant: Tenant, scope: None, now: datetime) -> None:
    found = figures(now=now)

    assert found.to_resolve.summary.median_seconds is None
    assert found.to_resolve.by_week == (None,) * WEEKS
    assert (found.active, found.declared, found.to_acknowledge.summary.n) == (0, 0, 0)


def test_the_figures_cost_the_same_however_many_there_are(crowd: list[Incident], now: datetime) -> None:
    with CaptureQueriesContext(connection) as queries:
        figures(now=now)

    assert len(queries) == 3
