"""The console's own pages: who gets in, what a refusal looks like, runs and their waterfall."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.console.format import waterfall
from conductor.engine import selectors
from conductor.engine.lifecycle.starting import start_run
from conductor.engine.models import Run, Step, Try
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.engine.conftest import define  # noqa: F401 - the fixture of a small workflow

PAGES = ("/t/northwind/runs/", "/t/northwind/runs/R-1/", "/t/northwind/palette")


def one(ctx: Any) -> dict[str, Any]:
    return {}


def two(ctx: Any) -> dict[str, Any]:
    return {}


@pytest.fixture
def run(define: Any, tenant: Tenant, now: datetime) -> Run:  # noqa: F811 - pytest's way
    """R-1: its first step failed once and succeeded, its second is at work."""
    name = define([one, two])
    with tenant_scope(tenant.id):
        made = start_run(
            tenant_id=tenant.id, workflow=name, actor=Actor.system(), now=now, input={"who": "<script>x</script>"}
        )
        Run.objects.filter(id=made.id).update(status="RUNNING", started_at=now)
        first, second = Step.objects.filter(run=made).order_by("seq")
        moments = [now + timedelta(seconds=n) for n in (0, 10, 20, 60)]
        _try(first, 1, "FAILED", moments[0], moments[1], error="503 <b>upstream</b>")
        _try(first, 2, "SUCCEEDED", moments[2], moments[3])
        _try(second, 1, "RUNNING", moments[3], None)
        Step.objects.filter(id=first.id).update(
            status="SUCCEEDED", started_at=now, finished_at=moments[3], output={"rows": 3}
        )
        Step.objects.filter(id=second.id).update(status="RUNNING", started_at=moments[3])
        made.refresh_from_db()
    return made


def _try(step: Step, number: int, outcome: str, began: datetime, ended: datetime | None, error: str = "") -> None:
    Try.objects.create(
        tenant_id=step.tenant_id,
        step=step,
        number=number,
        worker="w1",
        outcome=outcome,
        error=error,
        started_at=began,
        finished_at=ended,
        log=[{"at": "2026-11-20T11:00:05Z", "level": "error", "message": "no answer", "code": 503}],
    )


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_finds_nothing(run: Run, max_: User, as_user: Callable[[User], Client], page: str) -> None:
    assert as_user(max_).get(page).status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_the_unknown_are_sent_to_sign_in_and_back(run: Run, client: Client, page: str) -> None:
    response = client.get(page)

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=/t/northwind/")


@pytest.mark.parametrize("page", PAGES)
def test_an_auditor_may_read(run: Run, cleo: User, as_user: Callable[[User], Client], page: str) -> None:
    assert as_user(cleo).get(page).status_code == 200


@pytest.mark.parametrize("action", ["cancellation", "retry", "decision", "signal"])
def test_an_auditor_may_not_write(run: Run, cleo: User, as_user: Callable[[User], Client], action: str) -> None:
    response = as_user(cleo).post(f"/t/northwind/runs/R-1/{action}/", {"reason": "x", "approve": "yes"})

    assert response.status_code == 403
    assert "Commander or Admin" in response.content.decode()


def test_the_run_page_shows_tries_log_and_receipts_escaped(run: Run, cora: User, as_user: Any) -> None:
    html = as_user(cora).get("/t/northwind/runs/R-1/?step=1").content.decode()

    assert "2 tries" in html
    assert "&lt;script&gt;x&lt;/script&gt;" in html and "<script>x" not in html
    assert "503 &lt;b&gt;upstream" in html
    assert "conductor.run.started" in html
    assert 'fill="url(#p-fail)"' in html


def test_pages_keep_their_queries_few(run: Run, cora: User, as_user: Any, django_assert_max_num_queries: Any) -> None:
    client = as_user(cora)
    client.get("/t/northwind/runs/")
    for page in PAGES[:2]:
        with django_assert_max_num_queries(40) as counted:
            client.get(page)
        own = [
            each
            for each in counted.captured_queries
            if "SAVEPOINT" not in each["sql"] and "set_config" not in each["sql"]
        ]
        assert len(own) <= 16, [each["sql"][:90] for each in own]


def test_a_commander_cancels_a_run_and_it_says_so(run: Run, cora: User, as_user: Any, tenant: Tenant) -> None:
    response = as_user(cora).post("/t/northwind/runs/R-1/cancellation/", {"reason": "wrong database"}, follow=True)

    assert response.status_code == 200
    assert "wrong database" in response.content.decode()
    with tenant_scope(tenant.id):
        assert Run.objects.get().status == "CANCELLED"


def test_a_refusal_is_explained_with_its_status(run: Run, cora: User, as_user: Any) -> None:
    response = as_user(cora).post("/t/northwind/runs/R-1/retry/")

    assert response.status_code == 409
    assert "Only a failed run can be retried" in response.content.decode()


@pytest.mark.parametrize(
    "referer",
    [
        "http://elsewhere.example/t/northwind/runs/R-1/",
        "http://testserver//elsewhere.example/",
        "http://testserver/t/globex/incidents/",
        "http://testserver/accounts/login/",
        "http://testserver/t/northwind/receipts/trust-root.json",
        "http://testserver/t/northwind/runs/R-99/",
        "javascript:alert(1)",
        "",
    ],
)
def test_a_refusal_that_came_from_no_page_of_ours_has_a_page_of_its_own(
    run: Run, cora: User, as_user: Any, referer: str
) -> None:
    response = as_user(cora).post("/t/northwind/runs/R-1/retry/", headers={"Referer": referer})

    assert response.status_code == 409
    assert "This is not possible now" in response.content.decode()


def test_a_page_that_is_refused_is_no_way_back_to_itself(run: Run, max_: User, cora: User, as_user: Any) -> None:
    absent = "/t/northwind/runs/R-99/"
    response = as_user(cora).get(absent, headers={"Referer": f"http://testserver{absent}"})

    assert response.status_code == 404
    assert "Back to where you were" not in response.content.decode()


def test_a_run_that_does_not_exist_is_404(cora: User, as_user: Any) -> None:
    assert as_user(cora).get("/t/northwind/runs/R-99/").status_code == 404


def test_the_waterfall_lays_tries_and_waits_on_one_axis(run: Run, tenant: Tenant, now: datetime) -> None:
    with tenant_scope(tenant.id):
        found = selectors.run_with_steps(number=1)
        assert found is not None
        picture = waterfall.draw(run=found, chosen="", now=now + timedelta(seconds=100))

    first, second = picture.steps
    assert [(bar.kind, bar.x, bar.width) for bar in first.bars] == [
        ("bad", 0, 10),
        ("wait", 10, 10),
        ("ok", 20, 40),
    ]
    assert [(bar.kind, bar.x, bar.width) for bar in second.bars] == [("run", 60, 40)]
    assert picture.chosen is second
    assert [tick.label for tick in picture.ticks] == ["0", "15s", "30s", "45s", "1m", "75s", "90s"]
    assert picture.retries == 1


def test_home_leads_to_the_last_tenant(ben: User, as_user: Any, client: Client) -> None:
    assert client.get("/")["Location"] == "/accounts/login/"
    assert as_user(ben).get("/")["Location"] == "/t/northwind/"


def test_preferences_are_cookies_and_never_lead_away(client: Client) -> None:
    response = client.post("/preferences/", {"theme": "dark", "next": "https://evil.test/"})

    assert response["Location"] == "/"
    assert response.cookies["conductor_theme"].value == "dark"
    assert client.post("/preferences/", {"theme": "pink"}).cookies.get("conductor_theme") is None
    for unknown in ("Mars/Olympus", "../../etc/passwd", ""):
        assert client.post("/preferences/", {"zone": unknown}).cookies.get("conductor_zone") is None


def test_times_turn_to_the_persons_own_zone_and_back(run: Run, cleo: User, as_user: Any) -> None:
    browser = as_user(cleo)
    page = "/t/northwind/runs/"
    assert "UTC<" in browser.get(page).content.decode()
    browser.post("/preferences/", {"zone": "Asia/Kolkata", "next": page})
    own = browser.get(page).content.decode()
    assert 'data-zone="Asia/Kolkata"' in own
    assert " IST</time>" in own
    browser.post("/preferences/", {"zone": "UTC", "next": page})
    assert "IST" not in browser.get(page).content.decode()
    browser.cookies["conductor_zone"] = "../../etc/passwd"
    assert browser.get(page).status_code == 200


def test_every_page_carries_the_strict_policy(run: Run, cleo: User, as_user: Any) -> None:
    response = as_user(cleo).get("/t/northwind/runs/R-1/")

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    html = response.content.decode()
    assert " style=" not in html and "onclick" not in html
    assert response["X-Request-Id"]


def test_health_and_metrics_answer(client: Client, db: None) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.json()["checks"]["database"] == "ok"
    assert ready.json()["checks"]["migrations"] == "ok"
    assert b"conductor_request_seconds" in client.get("/metrics").content


def test_metrics_ask_for_their_token(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = "s3cret"

    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer s3cret"}).status_code == 200
