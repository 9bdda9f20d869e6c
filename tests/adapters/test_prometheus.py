"""The Prometheus source against a real server, and what it does when the server or the question is at fault."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.kinds.prometheus.adapter import Prometheus
from adapters.kinds.prometheus.config import Config, Secrets
from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError, Unit
from tests.adapters.prometheus_server import prometheus, recorded

START, END = datetime(2014, 3, 20, 12, 1, tzinfo=UTC), datetime(2014, 3, 20, 14, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
LATENCY = {"key": "latency", "label": "Latency", "unit": "count", "query": "request_latency{service=$service}"}

Make = Callable[..., Prometheus]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="conductor-prometheus-") as folder, prometheus(Path(folder)) as url:
        yield url


def source(url: str, *measures: dict[str, Any]) -> Prometheus:
    config = Config(url=url, measures=list(measures or (LATENCY,)), allow_loopback=True)  # type: ignore[arg-type]
    return Prometheus(
        config=config, secrets=Secrets(), installation=Installation(keys_dir=Path("/nowhere"), development=True)
    )


def read(told: Prometheus, *, measure: str = "latency", service: str = "checkout", end: datetime = END) -> Any:
    return told.read(measure=measure, service=service, environment="production", start=START, end=end, step=STEP)


def test_it_tells_the_recorded_values_at_their_moments(server: str) -> None:
    reading = read(source(server))

    assert reading.query == 'request_latency{service="checkout"}'
    wanted = [(at, value) for at, value in recorded() if START <= at <= END]
    assert len(wanted) == 25
    assert list(reading.points) == wanted


def test_a_service_without_series_has_no_points(server: str) -> None:
    assert read(source(server), service="nobody").points == ()


def test_a_name_cannot_change_the_question(server: str) -> None:
    assert read(source(server), service='checkout"} or vector(1) #\n\\').points == ()


def test_a_division_by_zero_is_no_value(server: str) -> None:
    nothing = {**LATENCY, "query": "request_latency{service=$service} * 0 / 0"}

    assert read(source(server, nothing)).points == ()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("sum(request_latency", "query_refused"),
        ('label_replace(request_latency, "copy", "2", "", "") or request_latency', "several_lines"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_for_good(server: str, query: str, code: str) -> None:
    with pytest.raises(AdapterError) as refused:
        read(source(server, {**LATENCY, "query": query}))

    assert (refused.value.code, refused.value.permanent) == (code, True)


def test_a_server_that_is_away_may_be_asked_again() -> None:
    with pytest.raises(AdapterError) as refused:
        read(source("http://127.0.0.1:9"))

    assert (refused.value.code, refused.value.permanent) == ("unreachable", False)


def test_a_measure_that_nobody_configured_is_not_asked_for(server: str) -> None:
    with pytest.raises(AdapterError) as refused:
        read(source(server), measure="errors")

    assert refused.value.code == "measure_unknown"


def test_the_measures_are_told_with_what_was_promised() -> None:
    promised = {**LATENCY, "objective": 60, "budget_seconds": 600, "budget_window_seconds": 2_592_000}
    (measure,) = source("http://127.0.0.1:9", promised).measures()

    assert (measure.unit, measure.objective, measure.budget_seconds) == (Unit.COUNT, 60, 600)


@pytest.mark.parametrize(
    "wrong",
    [
        {"query": "up{job=$job}"},
        {"budget_seconds": 60},
        {"budget_seconds": 60, "budget_window_seconds": 600},
        {"unit": "furlongs"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        source("http://127.0.0.1:9", {**LATENCY, **wrong})


def test_two_measures_of_one_key_are_refused() -> None:
    with pytest.raises(ValidationError, match="same key"):
        source("http://127.0.0.1:9", LATENCY, LATENCY)
