"""What anybody may ask without signing in costs little, whatever is asked how often."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from prometheus_client import REGISTRY

from conductor.observability import health

pytestmark = pytest.mark.fault("security-10")


@pytest.fixture(autouse=True)
def _nothing_known_yet() -> None:
    caches["process"].clear()


def series() -> int:
    return sum(1 for metric in REGISTRY.collect() if metric.name == "conductor_request_seconds" for _ in metric.samples)


def test_invented_methods_make_no_series_of_their_own(client: Client, db: None) -> None:
    client.generic("BREW0", "/healthz")
    before = series()

    for number in range(50):
        client.generic(f"BREW{number}", "/healthz")

    assert series() == before
    assert REGISTRY.get_sample_value(
        "conductor_request_seconds_count", {"method": "other", "route": "healthz", "status_class": "2"}
    )


def test_readyz_looks_once_for_many_who_ask(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    monkeypatch.setitem(health._CHECKS, "broker", lambda: looks.append(1))

    answers = [client.get("/readyz").json() for _ in range(20)]

    assert len(looks) == 1
    assert all(answer == answers[0] for answer in answers)


def test_readyz_looks_again_after_its_second_and_not_twice_at_once(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    clock = [100.0]
    monkeypatch.setitem(health._CHECKS, "broker", lambda: looks.append(1))
    monkeypatch.setattr(health.time, "monotonic", lambda: clock[0])
    client.get("/readyz")
    clock[0] += health.READY_SECONDS + 1

    caches["process"].set("readiness-look", True)  # somebody is looking
    client.get("/readyz")
    assert len(looks) == 1
    caches["process"].delete("readiness-look")
    client.get("/readyz")
    assert len(looks) == 2


@pytest.mark.parametrize("path", ["/readyz", "/healthz", "/metrics"])
def test_probes_are_not_kept_by_anything_between(client: Client, db: None, path: str, settings: Any) -> None:
    settings.METRICS_TOKEN = ""

    assert client.get(path)["Cache-Control"] == "private, no-store"
