"""Runs seen and operated through the command line, the API and the run page: the same account, without secrets."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from conductor.engine.define.context import StepContext, WaitForDecision, WaitForSignal
from conductor.engine.define.definition import Parallel
from conductor.engine.models import Run, Step
from conductor.lib.clock import now as clock_now
from conductor.policy.decisions import require
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant

SECRET = "postgresql://backup:hunter22@db/x"


def looks(ctx: StepContext) -> dict[str, Any]:
    ctx.log("connected", dsn=SECRET)
    return {"items": ["api", "db"], "dsn": SECRET, "api_token": "t0ps3cret"}


def asks(ctx: StepContext) -> dict[str, Any]:
    if ctx.decision is None:
        raise WaitForDecision(prompt=f"Restart {ctx.item}?", permission="operate_runs")
    return {"approved": ctx.decision["approve"]}


def waits(ctx: StepContext) -> dict[str, Any]:
    if ctx.signal is None:
        raise WaitForSignal(name="vendor.confirmed", reason="The vendor telephones")
    with tenant_scope(ctx.tenant_id):
        resource = {"type": "incident", "tenant": str(ctx.tenant_id), "ref": "incidents.incident:1", "severity": "SEV3"}
        try:
            require(
                action="incidents.declare",
                actor=ctx.actor,
                resource=resource,
                context={},
                tenant_id=ctx.tenant_id,
                now=ctx.now(),
            )
        except Exception as denied:  # noqa: BLE001 - allowed or not, the decision is what this is for
            ctx.log("asked policy", answer=type(denied).__name__)
    return {"payload": ctx.signal["payload"]}


@pytest.fixture
def waiting(define: Any, start: Any, work: Any, tenant: Tenant) -> Run:
    """A run whose group of two items waits for two decisions, and whose last step then waits for a signal."""
    name = define([looks, Parallel("tests.asks", over="outputs.tests.looks.items"), waits], also=[asks])
    run: Run = work(start(name, input={"password": "hunter22", "who": "<b>x</b>"}))
    assert run.status == Run.Status.WAITING
    return run


def _cli(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command("runs", "--tenant", "northwind", *arguments, stdout=out, **options)
    return out.getvalue()


def _items(run: Run, tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.id):
        return [str(each) for each in Step.objects.filter(run=run, item__isnull=False).values_list("id", flat=True)]


def test_the_command_line_shows_and_operates_runs(waiting: Run, work: Any, tenant: Tenant) -> None:
    items = _items(waiting, tenant)
    assert waiting.code in _cli("list", "--status", "waiting")
    shown = _cli("show", waiting.code)
    assert "2.1" in shown and "connected" in shown and "Restart db?" in shown
    assert "hunter22" not in shown and "t0ps3cret" not in shown

    with pytest.raises(CommandError, match="whose"):
        _cli("decide", waiting.code, "approve", "--reason", "seen")
    with pytest.raises(CommandError, match="decision_ambiguous"):
        _cli("--as", "cora@example.test", "decide", waiting.code, "approve", "--reason", "seen")
    with pytest.raises(CommandError, match="permission_missing"):
        _cli("--as", "cleo@example.test", "decide", waiting.code, "approve", "--reason", "x", "--step", items[0])
    with pytest.raises(CommandError, match="not a member"):
        _cli("--as", "max@example.test", "cancel", waiting.code)
    for item in items:
        _cli("--as", "cora@example.test", "decide", waiting.code, "reject", "--reason", "seen", "--step", item)
    work(waiting)
    _cli("signal", waiting.code, "vendor.confirmed", "--payload", '{"ticket": 7}', "--key", "7")
    work(waiting)

    account = json.loads(_cli("--json", "show", str(waiting.number)))
    assert (account["status"], account["output"]) == ("SUCCEEDED", {"payload": {"ticket": 7}})
    assert [step["place"] for step in account["steps"]] == ["1", "2", "2.0", "2.1", "3"]
    assert account["signals"][0]["taken_by"] == "3"
    assert [each["action"] for each in account["decisions"]] == ["runs.decide", "runs.decide", "incidents.declare"]
    assert "hunter22" not in json.dumps(account)
    with pytest.raises(CommandError, match="run_is_over"):
        _cli("cancel", waiting.code)
    with pytest.raises(CommandError, match="run_not_failed"):
        _cli("retry", waiting.code)
    assert "3 at once" in _cli("limit", "3")
    assert json.loads(_cli("--json", "backlog"))[1]["due"] == 0


def test_the_page_shows_items_decisions_and_signals_and_sends_both(
    waiting: Run, work: Any, cora: Any, cleo: Any, max_: Any, as_user: Any, tenant: Tenant
) -> None:
    page, browser = f"/t/northwind/runs/{waiting.code}/", as_user(cora)
    html = browser.get(f"{page}?step=2.1").content.decode()
    assert "Restart db?" in html and "Item 1" in html
    assert "hunter22" not in html and "t0ps3cret" not in html
    assert "hunter22" not in browser.get(f"{page}?step=1").content.decode()
    assert as_user(max_).post(f"{page}signal/", {"name": "vendor.confirmed"}).status_code == 404
    assert as_user(cleo).post(f"{page}signal/", {"name": "vendor.confirmed"}).status_code == 403

    answer = {"approve": "yes", "reason": "seen"}
    assert browser.post(f"{page}decision/", answer).status_code == 409
    for item in _items(waiting, tenant):
        assert browser.post(f"{page}decision/", {**answer, "step": item}).status_code == 302
    work(waiting)
    assert "Send signal" in browser.get(page).content.decode()
    assert browser.post(f"{page}signal/", {"name": "vendor.confirmed", "payload": "[1]"}).status_code == 422
    assert browser.post(f"{page}signal/", {"name": "vendor.confirmed", "payload": '{"t": 7}'}).status_code == 302
    assert work(waiting).output == {"payload": {"t": 7}}

    html = browser.get(page).content.decode()
    assert "taken by step 3" in html and "incidents.declare" in html and "Cora Commander" in html


def test_the_api_tells_the_same(waiting: Run, work: Any, cora: Any, actor: Any, tenant: Tenant, client: Any) -> None:
    from conductor.tenancy.lifecycle import issue_token
    from conductor.tenancy.models import Membership

    with tenant_scope(tenant.id):
        membership = Membership.objects.get(user=cora)
        secret = issue_token(
            membership=membership, name="t", scopes=["runs:read", "runs:write"], now=clock_now()
        ).secret
    headers = {"Authorization": f"Bearer {secret}"}
    base = f"/api/v1/tenants/northwind/runs/{waiting.number}"

    got = client.get(base, headers=headers).json()
    assert [step["place"] for step in got["steps"]] == ["1", "2", "2.0", "2.1", "3"]
    assert got["steps"][0]["attempts"][0]["log"][0]["message"] == "connected"
    assert got["input"]["password"] == "[erased]" and "hunter22" not in json.dumps(got)

    def post(path: str, body: dict[str, Any]) -> Any:
        return client.post(f"{base}/{path}", body, content_type="application/json", headers=headers)

    for step in got["steps"][2:4]:
        answer = {"approve": True, "reason": "seen", "step": step["id"]}
        assert post("decision", answer).status_code == 200
    work(waiting)
    assert post("signals", {"name": "vendor.confirmed", "payload": {"n": 1}}).json()["signals"][0]["taken_by"] is None
    assert work(waiting).status == Run.Status.SUCCEEDED
    assert post("signals", {"name": "vendor.confirmed"}).json()["code"] == "run_is_over"

    assert {
        each["priority"] for each in client.get("/api/v1/tenants/northwind/runs/backlog", headers=headers).json()
    } == {
        "incident",
        "compliance",
    }
    known = {
        each["name"]: each for each in client.get("/api/v1/tenants/northwind/runs/workflows", headers=headers).json()
    }
    assert known["tests.workflow"]["steps"] == ["tests.looks", "tests.asks", "tests.waits"]
