"""Every receipt says how its actor was authenticated, by the entry point they came through, and nobody can say it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from conductor.engine.define.context import StepContext
from conductor.engine.lifecycle.starting import start_run
from conductor.ledger import statement
from conductor.ledger.keys.dsse import Envelope
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.ledger.receipts import append
from conductor.lib.clock import now as clock_now
from conductor.lib.clock import parse_rfc3339, rfc3339
from conductor.tenancy.actors import Actor, actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.sessions.proof import METHODS, UNRECORDED, Proof, in_words, of_records
from incidents.alerts.sources import add_alert_source
from tests.browsing import Browser
from tests.engine import conftest as engine
from tests.incidents.test_alert_sources import send, standard

pytestmark = pytest.mark.fault("security-4")

DECLARED = "incidents.incident.declared"
define, work = engine.define, engine.work  # fixtures of a small workflow
AT = 1_795_000_000.25
SHOWN = "2026-11-18T11:06:40Z"


def _of(tenant: Tenant, action: str) -> dict[str, Any]:
    """What the newest receipt of the action says, after it was signed: the row and the signed statement agree."""
    sequence(tenant_id=tenant.id, now=clock_now())
    with tenant_scope(tenant.id):
        receipt = Receipt.objects.filter(action=action).order_by("-id")[0]
    payload = Envelope.from_dict(receipt.envelope or {}).payload
    said = json.loads(payload)
    assert said["predicateType"] == statement.RECEIPT
    assert said["predicate"]["actor"]["authentication"] == receipt.authentication
    assert statement.parse_receipt(payload).authentication == receipt.authentication
    assert receipt.authenticated == in_words(receipt.authentication) != UNRECORDED
    found: dict[str, Any] = receipt.authentication
    return found


def _declare(browser: Client, **more: str) -> None:
    answer = browser.post("/t/northwind/incidents/declare/", {"title": "Checkout fails", "severity": "SEV3", **more})
    assert answer.status_code == 302, answer.content


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], {"method": "session"}),
        ([{"method": "password", "at": AT}], {"method": "password", "at": SHOWN}),
        (
            [{"method": "socialaccount", "provider": "corp", "uid": "7", "at": AT}],
            {"method": "oidc", "at": SHOWN, "provider": "corp"},
        ),
        ([{"method": "mfa", "type": "webauthn", "passwordless": True, "at": AT}], {"method": "passkey", "at": SHOWN}),
        (
            [{"method": "password", "at": AT}, {"method": "mfa", "type": "totp", "at": AT}],
            {"method": "password", "at": SHOWN, "secondStep": "totp", "secondStepAt": SHOWN},
        ),
        (
            [{"method": "link", "at": AT - 9}, {"method": "password", "at": AT, "reauthenticated": True}],
            {"method": "password", "at": SHOWN},
        ),
        ([{"method": "code", "at": AT}], {"method": "session"}),
    ],
    ids=["nothing", "password", "oidc", "passkey", "second step", "proven again", "unknown method"],
)
def test_a_session_says_what_it_proved_last_and_when(records: list[dict[str, Any]], said: dict[str, Any]) -> None:
    assert of_records(records).as_dict() == said


def test_a_console_session_says_when_the_password_was_given(tenant: Tenant, ben: User) -> None:
    before = datetime.fromtimestamp(int(time.time()), UTC)
    browser = Browser()
    browser.post("/accounts/login/", {"login": "ben@example.test", "password": "ben-password"})

    _declare(browser, authentication='{"method": "passkey"}', proof="passkey", actor="tenancy.user:1")

    said = _of(tenant, DECLARED)
    assert said["method"] == "password"
    assert before <= parse_rfc3339(said["at"]) <= clock_now()


def test_a_failed_sign_in_authenticates_nobody(tenant: Tenant, ben: User) -> None:
    Browser().post("/accounts/login/", {"login": "ben@example.test", "password": "wrong"})

    assert _of(tenant, "access.signin.failed") == {"method": "none"}


def test_an_api_request_names_its_token_and_takes_no_other_word_for_it(tenant: Tenant, ben: User) -> None:
    with tenant_scope(tenant.id):
        member = Membership.objects.get(user=ben)
        issued = issue_token(membership=member, name="ci", scopes=["incidents:write"], now=clock_now())
    browser, url = Browser(headers={"authorization": f"Bearer {issued.secret}"}), "/api/v1/tenants/northwind/incidents"
    given = {"title": "Checkout fails", "severity": "SEV3"}
    claimed = {"authentication": {"method": "passkey"}, "actor": "tenancy.user:1", "proof": {"method": "passkey"}}

    for name, value in claimed.items():
        answer = browser.post(url, json.dumps({**given, name: value}), "application/json")
        assert answer.status_code in {201, 422}, name
    assert browser.post(url, json.dumps(given), "application/json").status_code == 201

    assert _of(tenant, DECLARED) == {"method": "token", "token": issued.token.ref, "name": "ci"}


def test_an_alert_names_the_source_whose_secret_it_carried(
    tenant: Tenant, ana: User, actor: Any, now: datetime
) -> None:
    with tenant_scope(tenant.id):
        made = add_alert_source(tenant_id=tenant.id, name="probe", shape="GENERIC", actor=actor(ana), now=now)
    alert = {"key": "k", "name": "Probe failed", "severity": "critical", "authentication": {"method": "passkey"}}
    body = json.dumps({"alerts": [alert], "actor": "tenancy.user:1"}).encode()

    assert send("probe", body, standard(made.secret, body, clock_now())).status_code == 200

    source = f"incidents.alert_source:{made.source.id}"
    assert _of(tenant, DECLARED) == {"method": "alert_source", "source": source, "name": "probe"}


def test_a_command_says_that_no_member_signed_in(tenant: Tenant, ben: User) -> None:
    call_command("incident", "--tenant", "northwind", "--as", "ben", "declare", "sev3", "Checkout", "fails")

    assert _of(tenant, DECLARED) == {"method": "command"}


def test_a_worker_names_the_run_and_how_who_started_it_was_authenticated(
    define: Any, work: Any, tenant: Tenant, ben: User
) -> None:
    def act(ctx: StepContext) -> dict[str, Any]:
        given: dict[str, Any] = {"tenant_id": ctx.tenant_id, "actor": ctx.actor, "now": ctx.now()}
        with tenant_scope(ctx.tenant_id):
            append(action="tests.acted", subject=ctx.run_ref, **given)
            if ctx.input.get("again"):
                start_run(workflow="tests.workflow", input={}, **given)
        return {}

    proof = Proof("password", {"at": SHOWN})
    with tenant_scope(tenant.id):
        person = actor_for_user(user=ben, tenant=tenant, channel="console", proof=proof)
        assert person is not None
        run = start_run(tenant_id=tenant.id, workflow=define([act]), actor=person, now=clock_now(), input={"again": 1})
    work(run)

    behind = {"ref": person.ref, "name": "Ben Responder", "authentication": {"method": "password", "at": SHOWN}}
    said = _of(tenant, "tests.acted")
    assert said == {"method": "worker", "run": f"conductor.run:{run.id}", "code": run.code, "for": behind}
    assert in_words(said) == (
        f"A worker of this installation, in {run.code}, for Ben Responder "
        "(signed in with a password on 18 Nov 2026, 11:06:40 UTC)"
    )
    with tenant_scope(tenant.id):
        started = type(run).objects.exclude(id=run.id).get()
    work(started)
    assert _of(tenant, "tests.acted") == {**said, "run": f"conductor.run:{started.id}", "code": started.code}


def test_what_conductor_does_by_itself_is_the_work_of_a_worker(tenant: Tenant, now: datetime) -> None:
    with tenant_scope(tenant.id):
        append(tenant_id=tenant.id, action="tests.acted", subject="tests.thing:1", actor=Actor.system(), now=now)

    assert _of(tenant, "tests.acted") == {"method": "worker"}


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_has_words_and_no_other_can_be_put_in(method: str) -> None:
    assert in_words(Proof(method).as_dict()).startswith(METHODS[method])
    with pytest.raises(ValueError, match="no way to authenticate"):
        Proof(method.upper())


def test_a_receipt_of_before_says_that_nothing_was_recorded() -> None:
    assert in_words(None) == UNRECORDED


def test_page_and_api_say_it_in_words(
    tenant: Tenant, cleo: User, actor: Callable[..., Actor], as_user: Callable[[User], Client], now: datetime
) -> None:
    slack = Proof(
        "slack",
        {"team": "T1", "user": "U7", "linkedBy": "member", "linkedAt": rfc3339(now), "at": rfc3339(now)},
    )
    words = (
        "A request that Slack signed on 20 Nov 2026, 11:00:00 UTC, from user U7 of workspace T1, "
        "confirmed by the member on 20 Nov 2026, 11:00:00 UTC"
    )
    with tenant_scope(tenant.id):
        who = Actor("tenancy.user:1", "Ana", ("ADMIN",), "slack", proof=slack)
        receipt = append(tenant_id=tenant.id, action="tests.acted", subject="tests.thing:1", actor=who, now=now)
        member = Membership.objects.get(user=cleo)
        issued = issue_token(membership=member, name="t", scopes=["evidence:read"], now=clock_now())

    assert words in as_user(cleo).get(f"/t/northwind/receipts/{receipt.id}/").content.decode()
    answer = Browser().get(
        f"/api/v1/tenants/northwind/receipts/{receipt.id}", headers={"authorization": f"Bearer {issued.secret}"}
    )
    assert answer.json()["authentication"] == slack.as_dict()
    assert answer.json()["authenticated"].startswith(words)
