"""What a stranger's signature may say: nothing of it makes more of a difference than a wrong one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.alerts.bodies import EVENT_BYTES
from incidents.alerts.signatures import is_signed
from incidents.alerts.sources import add_alert_source
from incidents.alerts.webhook_views import enqueue, receive_alerts
from incidents.models.alert import AlertSource
from tests.world import NOW

pytestmark = pytest.mark.fault("security-10")


@pytest.mark.parametrize("stamp", ["999999999999", "253402300800", "0", "1" * 300, "-1", "1.5", "\u0661", ""])
def test_a_time_that_no_calendar_has_is_an_unsigned_request(stamp: str) -> None:
    headers = {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": "v1,x"}
    asked: dict[str, Any] = {"secret": "whsec_" + "QUJD" * 10, "headers": headers, "body": b"{}", "now": NOW}

    assert not is_signed(shape=AlertSource.Shape.GENERIC, **asked)


@pytest.mark.parametrize("place", ["trackers/01934a00-0000-7000-8000-0000000000ff", "alerts/anything"])
def test_an_organisation_that_does_not_exist_is_looked_at_like_one_that_does(place: str, tenant: Tenant) -> None:
    answers, queries = [], []
    for organisation in ("northwind", "nobody"):
        with CaptureQueriesContext(connection) as asked:
            path = f"/hooks/{organisation}/{place}"
            answers.append(Client().post(path, json.dumps({}), content_type="application/json"))
        queries.append(len(asked))

    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].content == answers[1].content
    assert queries[0] == queries[1]


class Unread(BytesIO):
    """A body that nobody has reason to read."""

    def read(self, size: int | None = -1) -> bytes:
        raise AssertionError("the body is read before its sender can be known")


@pytest.mark.parametrize(
    ("shape", "headers"),
    [
        ("", {}),
        ("GENERIC", {}),
        ("GENERIC", {"webhook-id": "m", "webhook-timestamp": "1", "webhook-signature": "v1,x"}),
        ("ALERTMANAGER", {}),
        ("ALERTMANAGER", {"authorization": "Bearer wrong"}),
        ("GRAFANA", {}),
        ("PAGERDUTY", {"x-grafana-alerting-signature": "0"}),
    ],
)
def test_nothing_is_read_of_what_cannot_be_a_sources(
    shape: str, headers: dict[str, str], tenant: Tenant, actor: Callable[..., Actor], ana: User, now: datetime
) -> None:
    if shape:
        with tenant_scope(tenant.id):
            add_alert_source(tenant_id=tenant.id, name="prom", shape=shape, actor=actor(ana), now=now)
    request = RequestFactory().post("/hooks/northwind/alerts/prom", {}, "application/json", headers=headers)
    request._stream = Unread()  # type: ignore[attr-defined]

    response = receive_alerts(request, organisation="northwind", name="prom")

    assert (response.status_code, json.loads(response.content)["code"]) == (401, "unsigned")


def test_an_event_whose_sender_is_in_it_is_small(tenant: Tenant) -> None:
    whole = json.dumps({"routing_key": "x", "payload": "y" * EVENT_BYTES}).encode()
    for stated in (str(len(whole)), ""):
        request = RequestFactory().post("/hooks/northwind/events", whole, "application/json", CONTENT_LENGTH=stated)
        request._stream = BytesIO(whole)  # type: ignore[attr-defined]
        response = enqueue(request, organisation="northwind")
        assert (response.status_code, json.loads(response.content)["code"]) == (413, "too_large")
