"""What one token, source or address sends too much of is refused, with when to ask again, and touches nobody else."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conductor import settings as product
from conductor.lib.clock import now as clock_now
from conductor.lib.quotas import Quota, parse_quotas
from conductor.observability.metrics import RATE_LIMITED
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from conductor.tenancy.rates import counters
from conductor.tenancy.rates.counters import Charge, count
from incidents.alerts.sources import add_alert_source
from incidents.alerts.webhook_views import SENT_AGAIN
from incidents.models.alert import AlertSource
from tests.browsing import Browser
from tests.evidence.calling import token_of_member
from tests.incidents.test_alert_sources import standard

pytestmark = pytest.mark.fault("security-11")
INCIDENTS = "/api/v1/tenants/{}/incidents"
Call = Callable[..., Any]


@pytest.fixture
def quotas(settings: Any) -> dict[str, Quota]:
    """Limits that a test reaches: three requests an hour, of an organisation five."""
    settings.CONDUCTOR_RATE_LIMITS = {name: Quota(3, 3600) for name in product.CONDUCTOR_RATE_LIMITS}
    settings.CONDUCTOR_RATE_LIMITS["tenant"] = Quota(5, 3600)
    limits: dict[str, Quota] = settings.CONDUCTOR_RATE_LIMITS
    return limits


def _get(token: str = "", *, of: str = "northwind", **more: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Browser().get(INCIDENTS.format(of), headers=headers, **more)


def test_a_token_beyond_its_limit_is_refused_with_words_and_headers(
    quotas: dict[str, Quota], tenant: Tenant, ben: User
) -> None:
    token, refusals = token_of_member(ben, tenant), RATE_LIMITED.labels("token")._value.get()

    answers = [_get(token) for _ in range(4)]

    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert [each["RateLimit"].split(";t=")[0] for each in answers] == [f'"token";r={left}' for left in (2, 1, 0, 0)]
    assert '"tenant";r=2;t=' in answers[2]["RateLimit"]
    assert answers[0]["RateLimit-Policy"] == '"token";q=3;w=3600, "tenant";q=5;w=3600'
    refused = answers[3]
    assert refused["Content-Type"] == "application/problem+json"
    assert (refused.json()["code"], refused.json()["status"]) == ("rate_limited", 429)
    assert "This token has sent 3 requests in 3,600 seconds" in refused.json()["detail"]
    assert 0 < int(refused["Retry-After"]) <= 3601
    assert RATE_LIMITED.labels("token")._value.get() == refusals + 1


def test_the_organisation_is_limited_over_its_tokens_and_no_other_with_it(
    quotas: dict[str, Quota], tenant: Tenant, other_tenant: Tenant, ben: User, cora: User, max_: User
) -> None:
    flood = [_get(token) for token in (token_of_member(ben, tenant), token_of_member(cora, tenant)) for _ in range(3)]
    theirs = [_get(token_of_member(max_, other_tenant), of="globex") for _ in range(3)]

    assert [each.status_code for each in flood] == [200] * 5 + [429]
    assert "tokens of this organisation" in flood[5].json()["detail"]
    assert [each.status_code for each in theirs] == [200] * 3


def test_a_full_limit_asks_the_database_nothing(quotas: dict[str, Quota], tenant: Tenant, ben: User) -> None:
    token = token_of_member(ben, tenant)
    for _ in range(3):
        _get(token)

    with CaptureQueriesContext(connection) as asked:
        assert _get(token).status_code == 429

    assert len(asked) == 0


def test_counting_takes_one_statement_beside_the_request(
    settings: Any, quotas: dict[str, Quota], tenant: Tenant, ben: User
) -> None:
    token = token_of_member(ben, tenant)
    _get(token)  # what is read once is read
    with CaptureQueriesContext(connection) as limited:
        _get(token)
    settings.CONDUCTOR_RATE_LIMITS = {}
    with CaptureQueriesContext(connection) as unlimited:
        answer = _get(token)

    assert len(limited) - len(unlimited) == 1
    assert "RateLimit" not in answer


def test_strangers_at_one_address_are_limited_and_lock_nobody_out_there(
    quotas: dict[str, Quota], tenant: Tenant, ben: User
) -> None:
    good = token_of_member(ben, tenant)
    wrong = good[:-4] + "AAAA"

    tries = [_get(each) for each in (wrong, "", "nonsense", "", wrong)]

    assert [each.status_code for each in tries] == [401, 401, 401, 429, 429]
    assert _get(good).status_code == 200
    elsewhere = [_get(REMOTE_ADDR="198.51.100.7"), _get(REMOTE_ADDR="2001:db8:1:2::7")]
    assert [each.status_code for each in elsewhere] == [401, 401]


def test_a_token_of_another_organisation_uses_up_nothing_of_it(
    quotas: dict[str, Quota], tenant: Tenant, other_tenant: Tenant, ben: User, max_: User
) -> None:
    foreign = token_of_member(max_, other_tenant)

    assert [_get(foreign).status_code for _ in range(6)] == [404] * 3 + [429] * 3
    assert _get(token_of_member(ben, tenant)).status_code == 200
    assert _get(foreign, of="globex").status_code == 200


def test_sign_in_is_limited_by_place_with_a_page_and_headers(quotas: dict[str, Quota], tenant: Tenant) -> None:
    def sign_in(address: str) -> Any:
        sent = {"login": "ben@example.test", "password": "ben-password"}
        return Client().post("/accounts/login/", sent, REMOTE_ADDR=address)

    for _ in range(3):
        answer = Client().post("/accounts/password/reset/", {"email": "nobody@example.test"}, REMOTE_ADDR="203.0.113.9")
    assert answer["RateLimit"].startswith('"signin";r=0;t=')

    refused = sign_in("203.0.113.9")
    assert (refused.status_code, refused["Content-Type"]) == (429, "text/html; charset=utf-8")
    assert int(refused["Retry-After"]) > 0
    assert "That was too often for now" in refused.content.decode()
    assert sign_in("203.0.113.10").status_code == 302
    assert Client().get("/accounts/login/", REMOTE_ADDR="203.0.113.9").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/accounts/login/", "/"])
def test_what_watches_us_and_pages_are_not_limited(quotas: dict[str, Quota], tenant: Tenant, path: str) -> None:
    answers = [Client().get(path) for _ in range(5)]

    assert {each.status_code for each in answers} <= {200, 302, 503}
    assert not any("RateLimit" in each for each in answers)


@pytest.mark.parametrize(("shape", "status"), [("GENERIC", 429), ("GRAFANA", 200), ("ALERTMANAGER", 503)])
def test_alerts_beyond_their_limit_are_refused_only_in_a_way_that_makes_the_sender_send_again(
    quotas: dict[str, Quota], tenant: Tenant, ana: User, actor: Any, now: Any, shape: str, status: int
) -> None:
    with tenant_scope(tenant.id):
        made = add_alert_source(tenant_id=tenant.id, name="probe", shape=shape, actor=actor(ana), now=now)
        other = add_alert_source(tenant_id=tenant.id, name="other", shape="ALERTMANAGER", actor=actor(ana), now=now)

    for _ in range(3):  # nobody's signature: uses up nothing of the source's
        assert _send("probe", "GENERIC", "whsec_" + "QUJD" * 10).status_code == 401
    answers = [_send("probe", shape, made.secret) for _ in range(4)]

    assert [each.status_code for each in answers] == [200, 200, 200, status]
    if status != 200:
        assert int(answers[3]["Retry-After"]) > 0
        assert answers[3].json()["code"] == "rate_limited"
    assert _send("other", "ALERTMANAGER", other.secret).status_code == 200
    assert _send("probe", "GENERIC", "whsec_" + "QUJD" * 10).status_code == 429, "a stranger sees their own limit"


def test_every_shape_of_source_has_its_answer() -> None:
    assert set(SENT_AGAIN) == set(AlertSource.Shape)


def test_alerts_by_token_have_a_limit_of_their_own(quotas: dict[str, Quota], tenant: Tenant, ben: User) -> None:
    token = token_of_member(ben, tenant)
    body = json.dumps({"alerts": []})

    def post(kind: str) -> Any:
        path = f"/api/v1/tenants/northwind/alerts/{kind}"
        return Browser().post(path, body, "application/json", headers={"Authorization": f"Bearer {token}"})

    assert [post("alertmanager").status_code for _ in range(4)] == [200, 200, 200, 503]
    assert post("grafana").status_code == 200
    assert _get(token).status_code == 200


def test_what_cannot_be_counted_goes_on(
    quotas: dict[str, Quota], tenant: Tenant, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(charges: Any) -> Any:
        raise DatabaseError("away")

    monkeypatch.setattr(counters, "count", away)
    token = token_of_member(ben, tenant)

    assert [_get(token).status_code for _ in range(5)] == [200] * 5


def test_a_window_ends_and_another_begins(quotas: dict[str, Quota], db: None) -> None:
    charge = Charge("token", "somebody")
    for _ in range(3):
        used = count([charge])[0]
    assert (used.remaining, counters.full([charge]) is None) == (0, False)

    counters.forget()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE conductor_rate_count SET beat = beat - 1")
    assert (count([charge])[0].remaining, counters.full([charge])) == (2, None)


def test_counters_of_who_went_away_are_forgotten_and_no_scope_shows_them(
    quotas: dict[str, Quota], tenant: Tenant
) -> None:
    count([Charge("token", "old"), Charge("token", "new")])
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE conductor_rate_count SET counted_at = now() - interval '3 hours' WHERE key = 'token:old'"
        )
    with tenant_scope(tenant.id), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM conductor_rate_count")
        assert cursor.fetchone() == (0,)

    assert counters.purge() == 1
    assert count([Charge("token", "new")])[0].remaining == 1


def test_requests_at_the_same_moment_are_all_counted_and_processes_count_together(
    quotas: dict[str, Quota], committed: None
) -> None:
    quotas["token"] = quotas["tenant"] = Quota(1000, 3600)

    def some(order: int) -> None:
        both = [Charge("token", "shared"), Charge("tenant", "shared")]
        for _ in range(10):
            count(both if order % 2 else both[::-1])
        connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(some, range(4)))
    elsewhere = """
import sys, django
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from conductor.lib.clock import now as clock_now
from conductor.lib.quotas import Quota
settings.CONDUCTOR_RATE_LIMITS = {"token": Quota(1000, 3600)}
from conductor.tenancy.rates.counters import Charge, count
print(count([Charge("token", "shared")])[0].remaining)
"""
    command = [sys.executable, "-W", "ignore", "-c", elsewhere, connection.settings_dict["NAME"]]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=_product())
    assert done.stdout.splitlines()[-1] == "959"


def test_limits_are_read_from_the_environment() -> None:
    defaults = {"token": Quota(10, 60), "tenant": Quota(20, 60)}

    assert parse_quotas(" token=5/1 , tenant=off", defaults) == {"token": Quota(5, 1)}
    assert parse_quotas("", defaults) == defaults
    for wrong in ("tokens=1/1", "token=0/60", "token=5", "token=-1/60", "token=5/x", "token", "token=٣/60"):
        with pytest.raises(ValueError, match="token, tenant"):
            parse_quotas(wrong, defaults)


def test_alarms_and_organisations_have_more_than_a_token() -> None:
    rates = {name: quota.requests / quota.seconds for name, quota in product.CONDUCTOR_RATE_LIMITS.items()}

    assert set(rates) == {"token", "tenant", "alerts", "address", "signin"}
    assert rates["signin"] < rates["address"] < rates["token"] < rates["alerts"] < rates["tenant"]


def _send(name: str, shape: str, secret: str) -> Any:
    body = json.dumps({"alerts": []}).encode()
    signed = {
        "GENERIC": lambda: standard(secret, body, clock_now()),
        "GRAFANA": lambda: {
            "X-Grafana-Alerting-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        },
        "ALERTMANAGER": lambda: {"Authorization": f"Bearer {secret}"},
    }[shape]()
    return Client().post(f"/hooks/northwind/alerts/{name}", body, content_type="application/json", headers=signed)


def _product() -> dict[str, str]:
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "conductor.settings"}
