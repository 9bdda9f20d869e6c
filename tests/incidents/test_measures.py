"""What metrics sources say about an incident: windows, charts, budgets, and sources that say nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.models.adapter import AdapterConfig
from adapters.ports.protocols import Measure, Reading, Unit
from conductor.lib.clock import rfc3339
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Environment, Tenant
from incidents.incident.status import move_incident
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.postmortem.document.plot import plots_of
from incidents.postmortem.draft.measures import amount, statement
from incidents.postmortem.lifecycle import draft_postmortem
from incidents.postmortem.measurement import read_charts
from incidents.postmortem.measures import SHORTEST_MARGIN, Chart, Window, chart_of, missing_chart, window_of
from tests.adapters.prometheus_server import prometheus, recorded

START = datetime(2014, 3, 21, 2, 0, tzinfo=UTC)
WINDOW = Window(
    start=START,
    end=START + timedelta(minutes=100),
    impact_start=START + timedelta(minutes=40),
    impact_end=START + timedelta(minutes=60),
    step=timedelta(minutes=5),
)
PROMISED = Measure(
    key="errors",
    label="Error rate",
    unit=Unit.RATIO,
    objective=0.01,
    budget_seconds=2592,
    budget_window_seconds=30 * 86_400,
)


def reading(*values: float | None) -> Reading:
    """A value every five minutes from the window's start; None where nothing was measured."""
    points = [(START + WINDOW.step * n, value) for n, value in enumerate(values) if value is not None]
    return Reading(points=tuple(points), query="errors{}")


def chart(*values: float | None) -> Chart:
    return chart_of(measure=PROMISED, source="Prometheus", window=WINDOW, reading=reading(*values))


def test_the_window_is_the_impact_with_a_margin(at_status: Callable[..., Incident], now: datetime) -> None:
    incident = at_status("MITIGATED")
    incident.detected_at, incident.declared_at = now - timedelta(hours=4), now - timedelta(hours=3)
    incident.mitigated_at = now

    window = window_of(incident=incident, now=now + timedelta(days=1))

    assert (window.impact_start, window.impact_end) == (now - timedelta(hours=4), now)
    assert (window.start, window.end) == (now - timedelta(hours=6), now + timedelta(hours=2))
    assert window.step == timedelta(seconds=120)


def test_an_incident_under_way_is_looked_at_until_now(incident: Incident, now: datetime) -> None:
    window = window_of(incident=incident, now=now)

    assert (window.impact_end, window.end) == (now, now)
    assert window.start == now - SHORTEST_MARGIN


def test_a_breach_is_counted_during_the_impact_only() -> None:
    found = chart(*[0.001] * 8, 0.04, 0.06, 0.02, 0.008, 0.005, *[0.2] * 8)

    assert (found["before"], found["worst"], found["breach_seconds"]) == (0.001, 0.06, 900)
    assert found["budget"] == {"burned_seconds": 900, "allowed_seconds": 2592, "window_seconds": 2_592_000}
    assert statement(found) == (
        "Error rate was 0.1% before the impact and 6% at its highest during it. Above 1% for 15m 00s. "
        "That is 35% of the 43m 12s allowed in 30d 0h. Prometheus, 21 of 21 moments."
    )


def test_moments_without_a_value_are_counted_and_not_joined() -> None:
    found = chart(0.001, 0.002, None, None, 0.003, None, 0.001, 0.001)

    assert found["why"] == "16 of 21 moments have no value."
    (plot,) = plots_of([found])
    assert (len(plot.lines), len(plot.dots)) == (2, 1)


def test_a_source_without_values_is_missing_and_not_zero() -> None:
    found = chart()

    assert (found["state"], found["worst"], found["breach_seconds"]) == ("missing", None, None)
    assert statement(found) == "Error rate is missing: Prometheus has no values of this for the time."
    assert plots_of([found]) == []


def test_an_impact_without_a_value_has_no_breach() -> None:
    assert chart(0.5, 0.5)["breach_seconds"] is None


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0412, "ratio", "4.12%"),
        (0.82, "seconds", "820ms"),
        (2.5, "seconds", "2.5s"),
        (12.5, "per_second", "12.5/s"),
        (1204, "count", "1,204"),
    ],
)
def test_amounts_are_written_with_their_unit(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text


def test_the_axis_encloses_every_value() -> None:
    (plot,) = plots_of([chart(*[0.001] * 10, 0.047, 0.013)])

    assert [row.text for row in plot.rows] == ["0%", "2%", "4%", "6%"]
    assert all(plot.top <= row.at <= plot.bottom for row in plot.rows)


@pytest.mark.parametrize(
    ("minutes", "texts"),
    [
        (100, ["02:00", "02:15", "02:30", "02:45", "03:00", "03:15", "03:30"]),
        (25, ["02:00", "02:05", "02:10", "02:15", "02:20", "02:25"]),
        (60 * 20, ["03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]),
        (60 * 24 * 3, ["21 Mar 12:00", "22 Mar 00:00", "22 Mar 12:00", "23 Mar 00:00", "23 Mar 12:00", "24 Mar 00:00"]),
        (60 * 24 * 20, ["23 Mar", "26 Mar", "29 Mar", "1 Apr", "4 Apr", "7 Apr", "10 Apr"]),
    ],
)
def test_moments_are_labelled_where_they_are_round(minutes: int, texts: list[str]) -> None:
    found = chart(0.01, 0.02)
    found["end"] = rfc3339(START + timedelta(minutes=minutes))
    (plot,) = plots_of([found])

    assert [column.text for column in plot.columns] == texts
    assert plot.day.startswith("21 Mar 2014")


# Against a real server -----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="conductor-measures-") as folder, prometheus(Path(folder)) as url:
        yield url


def source(tenant: Tenant, url: str, now: datetime, **measure: Any) -> AdapterConfig:
    asked = {"key": "latency", "label": "Latency", "unit": "count", "query": "request_latency{service=$service}"}
    return AdapterConfig.objects.create(
        tenant=tenant,
        port="metrics",
        kind="prometheus",
        name="Prometheus",
        settings={"url": url, "allow_loopback": True, "measures": [{**asked, **measure}]},
        created_at=now,
        updated_at=now,
    )


@pytest.fixture
def failing(declare: Callable[..., Incident], production: Environment, commander: Actor) -> Incident:
    """The recorded server's last hours, as an incident."""
    began, ended = datetime(2014, 3, 21, 2, 30, tzinfo=UTC), datetime(2014, 3, 21, 3, 31, tzinfo=UTC)
    incident = declare(service="checkout", environment=production, now=began)
    return move_incident(incident=incident, to="MITIGATED", actor=commander, now=ended)


def test_the_draft_tells_what_prometheus_measured(
    failing: Incident, tenant: Tenant, server: str, now: datetime
) -> None:
    source(tenant, server, now, objective=50)

    charts = read_charts(incident=failing, now=now, beat=lambda: None, give_up=False)
    postmortem = draft_postmortem(incident=failing, charts=charts, actor=Actor.system(), now=now)

    (measured,) = [each for each in postmortem.sections if each["key"] == "measured"]
    (entry,) = TimelineEvent.objects.filter(kind=EventKind.MEASURES_READ)
    assert (entry.data["read"], entry.data["missing"], entry.data["sources"]) == (1, 0, ["Prometheus"])
    assert measured["blocks"][0]["sources"] == [entry.seq]
    assert "58 at its highest during it. Above 50 for" in measured["blocks"][0]["text"]
    assert postmortem.charts == charts


def test_error_rate_percentiles_breach_and_burned_budget_come_from_prometheus(
    failing: Incident, tenant: Tenant, server: str, now: datetime
) -> None:
    """Of the recorded series itself: an answer above 50 counts as failed; what has no series is missing, not zero."""
    series = "request_latency{service=$service}"
    config = source(tenant, server, now)
    measures = [
        {"key": "errors", "label": "Error rate", "unit": "ratio", "objective": 0.05,
         "budget_seconds": 2580, "budget_window_seconds": 2_592_000,
         "query": f"avg_over_time(({series} > bool 50)[30m:5m])"},
        {"key": "p50", "label": "Latency, median", "unit": "count", "query": f"quantile_over_time(0.5, {series}[30m])"},
        {"key": "p95", "label": "Latency, p95", "unit": "count", "query": f"quantile_over_time(0.95, {series}[30m])"},
        {"key": "queue", "label": "Queue", "unit": "count", "query": "queue_length{service=$service}"},
    ]  # fmt: skip
    settings = {**config.settings, "measures": measures}
    AdapterConfig.objects.filter(id=config.id).update(settings=settings)

    charts = read_charts(incident=failing, now=now, beat=lambda: None, give_up=False)
    drafted = draft_postmortem(incident=failing, charts=charts, actor=Actor.system(), now=now)

    found = {each["key"]: each for each in charts}
    assert [each["state"] for each in charts] == ["ok", "ok", "ok", "missing"]
    errors, median, high = found["errors"], found["p50"], found["p95"]
    assert errors["worst"] is not None
    assert 0.05 < errors["worst"] <= 1
    assert errors["budget"] is not None
    assert errors["budget"]["burned_seconds"] == errors["breach_seconds"] > 0
    assert errors["budget"]["allowed_seconds"] == 43 * 60
    assert median["worst"] is not None
    assert high["worst"] is not None
    assert max(value for _at, value in recorded()) >= high["worst"] >= median["worst"]
    (section,) = [each for each in drafted.sections if each["key"] == "measured"]
    said = [block["text"] for block in section["blocks"]]
    assert "Above 5% for" in said[0]
    assert "of the 43m 00s allowed in 30d 0h" in said[0]
    assert said[3] == "Queue is missing: Prometheus has no values of this for the time."
    assert [plot.label for plot in plots_of(drafted.charts)] == ["Error rate", "Latency, median", "Latency, p95"]


def test_a_source_that_is_away_is_tried_again_and_then_said_to_be_away(
    failing: Incident, tenant: Tenant, now: datetime
) -> None:
    source(tenant, "http://127.0.0.1:9", now)

    with pytest.raises(Exception, match="cannot be reached"):
        read_charts(incident=failing, now=now, beat=lambda: None, give_up=False)
    (found,) = read_charts(incident=failing, now=now, beat=lambda: None, give_up=True)

    assert (found["state"], found["why"]) == ("missing", "Prometheus: 127.0.0.1 cannot be reached.")


def test_a_source_with_wrong_settings_is_shown_as_missing(failing: Incident, tenant: Tenant, now: datetime) -> None:
    config = source(tenant, "http://127.0.0.1:9", now)
    AdapterConfig.objects.filter(id=config.id).update(settings={"url": "nowhere"})

    (found,) = read_charts(incident=failing, now=now, beat=lambda: None, give_up=False)

    assert (found["label"], found["state"]) == ("All measures", "missing")


def test_without_a_source_the_draft_says_so(incident: Incident, now: datetime) -> None:
    postmortem = draft_postmortem(incident=incident, actor=Actor.system(), now=now)

    (measured,) = [each for each in postmortem.sections if each["key"] == "measured"]
    (missing,) = [each for each in postmortem.sections if each["key"] == "unknown"]
    assert measured["blocks"] == []
    assert "values from a metrics source" in " ".join(each["text"] for each in missing["blocks"])


def test_a_missing_chart_keeps_what_was_asked() -> None:
    found = missing_chart(measure=PROMISED, source="Prometheus", window=WINDOW, why="Away.", query="errors{}")

    assert (found["query"], found["expected"], found["points"]) == ("errors{}", 21, [])
