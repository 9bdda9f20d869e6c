"""What a stranger's signature may say: nothing of it makes more of a difference than a wrong one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conductor.tenancy.models import Tenant
from incidents.alerts.signatures import is_signed
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
