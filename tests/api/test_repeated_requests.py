"""A repeated request does nothing, and tells its sender no more than the sender may read at that moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest

from conductor.api.models import IdempotentResponse
from conductor.api.requests.answers import AnswerNotKept, redraw, remember
from conductor.api.requests.idempotency import purge_all_answers
from conductor.lib.clock import now as clock_now
from conductor.lib.clock import rfc3339
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import change_role, issue_token, remove_member, revoke_token
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.roles import SCOPES
from evidence.models import Artifact
from incidents.alerts.source_api import add_alert_source
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.timeline.redactions import approve_redaction, request_redaction
from tests.browsing import Browser

SECRET = "Customer SSN 123-45-6789 leaked here"
Send = Callable[..., Any]


class Sender:
    """A token and what is sent with it."""

    def __init__(self, tenant: Tenant, user: User) -> None:
        self.tenant, self.user = tenant, user
        with tenant_scope(tenant.id):
            membership = Membership.objects.get(user=user)
            issued = issue_token(membership=membership, name="t", scopes=list(SCOPES), now=clock_now())
        self.token, self.secret = issued.token, issued.secret

    def post(self, path: str, body: Any = None, *, key: str, scheme: str = "Bearer", form: Any = None) -> Any:
        headers = {"Authorization": f"{scheme} {self.secret}", "Idempotency-Key": key}
        address = f"/api/v1/tenants/{self.tenant.slug}{path}"
        if form is not None:
            return Browser().post(address, form, headers=headers)
        return Browser().post(address, json.dumps(body), "application/json", headers=headers)


@pytest.fixture
def ben_sends(tenant: Tenant, ben: User) -> Sender:
    return Sender(tenant, ben)


@pytest.fixture
def cora_sends(tenant: Tenant, cora: User) -> Sender:
    return Sender(tenant, cora)


@pytest.fixture
def declared(ben_sends: Sender) -> int:
    made = ben_sends.post("/incidents", {"title": SECRET, "severity": "SEV2"}, key="declare")
    assert made.status_code == 201, made.content
    return int(made.json()["number"])


def everything_kept(tenant: Tenant) -> str:
    with tenant_scope(tenant.id):
        return json.dumps(list(IdempotentResponse.objects.values()), default=str)


@pytest.mark.fault("api-F2", "security-idempotent-replay")
def test_a_replay_shows_no_word_that_was_redacted(
    ben_sends: Sender, declared: int, tenant: Tenant, actor: Any, ben: User, cora: User
) -> None:
    path, body = f"/incidents/{declared}/notes", {"text": SECRET}
    first = ben_sends.post(path, body, key="k")
    assert first.json()["body"] == SECRET
    assert ben_sends.post(path, body, key="k").json() == first.json()
    with tenant_scope(tenant.id):
        event = TimelineEvent.objects.get(seq=first.json()["seq"])
        asked = request_redaction(
            event=event, reason="A number.", legal_basis="GDPR 17", actor=actor(ben), now=clock_now()
        )
        approve_redaction(redaction=asked, actor=actor(cora), now=clock_now())

    again = ben_sends.post(path, body, key="k")

    assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")
    assert again.json()["body"] == ""
    assert "123-45" not in again.content.decode()


@pytest.mark.fault("api-F2", "security-idempotent-replay")
def test_nothing_that_was_answered_is_kept_in_words(ben_sends: Sender, declared: int, tenant: Tenant) -> None:
    for path, body in (
        ("notes", {"text": SECRET}),
        ("updates", {"text": SECRET}),
        ("decisions", {"text": SECRET, "rationale": SECRET}),
        ("tasks", {"title": SECRET}),
        ("action-items", {"title": SECRET, "kind": "PREVENT"}),
    ):
        answered = ben_sends.post(f"/incidents/{declared}/{path}", body, key=path)
        assert answered.status_code in (201, 422), answered.content

    assert "123-45" not in everything_kept(tenant)


@pytest.mark.fault("api-F2", "security-idempotent-replay")
@pytest.mark.parametrize("path", ["notes", "acknowledgement"])
def test_a_replay_does_not_open_an_incident_made_private(
    path: str, cora_sends: Sender, ben_sends: Sender, tenant: Tenant
) -> None:
    number = cora_sends.post("/incidents", {"title": SECRET, "severity": "SEV2"}, key="d").json()["number"]
    body = {"text": SECRET} if path == "notes" else {}
    assert ben_sends.post(f"/incidents/{number}/{path}", body, key="k").status_code < 300
    with tenant_scope(tenant.id):
        Incident.objects.filter(number=number).update(visibility="PRIVATE", declared_by="tenancy.user:0")

    again = ben_sends.post(f"/incidents/{number}/{path}", body, key="k")

    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    assert "Replayed" not in str(again.headers)


@pytest.mark.fault("api-F3", "security-idempotent-replay")
def test_a_replay_by_a_revoked_token_is_refused(ben_sends: Sender, declared: int, tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        revoke_token(token=ben_sends.token, now=clock_now())

    again = ben_sends.post("/incidents", {"title": SECRET, "severity": "SEV2"}, key="declare")

    assert (again.status_code, again.json()["code"]) == (401, "unauthenticated")


@pytest.mark.fault("api-F3", "security-idempotent-replay")
@pytest.mark.parametrize("loss", ["scope", "role", "membership", "expiry", "deactivated"])
def test_a_replay_is_authorised_like_a_first_request(
    loss: str, ben_sends: Sender, declared: int, tenant: Tenant, ben: User
) -> None:
    with tenant_scope(tenant.id):
        if loss == "scope":
            type(ben_sends.token).objects.filter(id=ben_sends.token.id).update(scopes=["incidents:read"])
        elif loss == "role":
            change_role(membership=Membership.objects.get(user=ben), role="AUDITOR")
        elif loss == "expiry":
            type(ben_sends.token).objects.filter(id=ben_sends.token.id).update(expires_at=clock_now())
        elif loss == "deactivated":
            User.objects.filter(id=ben.id).update(is_active=False)
        else:
            remove_member(membership=Membership.objects.get(user=ben), now=clock_now())

    again = ben_sends.post("/incidents", {"title": SECRET, "severity": "SEV2"}, key="declare")

    assert again.status_code == (403 if loss in ("scope", "role") else 401)
    assert SECRET not in again.content.decode()


@pytest.mark.fault("api-F3")
@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_keys_are_the_tokens_however_its_header_is_written(
    scheme: str, ben_sends: Sender, declared: int, tenant: Tenant
) -> None:
    again = ben_sends.post("/incidents", {"title": SECRET, "severity": "SEV2"}, key="declare", scheme=scheme)

    assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")
    with tenant_scope(tenant.id):
        assert Incident.objects.count() == 1


def test_two_tokens_of_one_member_have_keys_of_their_own(tenant: Tenant, ben: User) -> None:
    one, other = Sender(tenant, ben), Sender(tenant, ben)
    body = {"title": "Slow", "severity": "SEV2"}

    numbers = {each.post("/incidents", body, key="k").json()["number"] for each in (one, other, one)}

    assert len(numbers) == 2


@pytest.mark.fault("api-F2")
def test_a_key_is_forgotten_after_a_day(ben_sends: Sender, declared: int, tenant: Tenant, now: datetime) -> None:
    with tenant_scope(tenant.id):
        IdempotentResponse.objects.update(created_at=clock_now() - timedelta(hours=25))
    again = ben_sends.post("/incidents", {"title": SECRET, "severity": "SEV2"}, key="declare")
    assert again.status_code == 201
    assert "Idempotency-Replayed" not in again.headers

    assert purge_all_answers(now=clock_now()) == 0
    assert purge_all_answers(now=clock_now() + timedelta(hours=25)) == 1
    with tenant_scope(tenant.id):
        assert not IdempotentResponse.objects.exists()


@pytest.mark.fault("api-F2")
def test_what_is_shown_once_is_not_kept() -> None:
    remembered = remember(add_alert_source, {"name": "grafana", "secret": SECRET})

    assert remembered == {}
    with pytest.raises(AnswerNotKept):
        redraw(add_alert_source, remembered, HttpRequest(), {})


def test_an_answer_without_a_row_is_read_anew(cora_sends: Sender, ben: User) -> None:
    number = cora_sends.post("/incidents", {"title": "Slow", "severity": "SEV2"}, key="d").json()["number"]
    body = {"role": "PRIVACY", "user": "ben"}

    first, again = (cora_sends.post(f"/incidents/{number}/roles", body, key="k") for _time in range(2))

    assert first.status_code == 200, first.content
    assert (again.json(), again["Idempotency-Replayed"]) == (first.json(), "true")


@pytest.fixture
def bundle(cora_sends: Sender) -> str:
    body = {
        "title": "Q3",
        "controls": ["SOC2_A1.2"],
        "effective_from": rfc3339(clock_now() - timedelta(days=1)),
    }
    made = cora_sends.post("/bundles", body, key="bundle")
    assert made.status_code == 201, made.content
    return str(made.json()["code"])


@pytest.mark.fault("api-F6")
@pytest.mark.parametrize("size", [10, 3_000_000])
def test_an_upload_is_retried_safely(size: int, cora_sends: Sender, bundle: str, tenant: Tenant) -> None:
    def upload(content: bytes) -> Any:
        form = {"path": "a.bin", "role": "raw", "file": SimpleUploadedFile("a.bin", content)}
        return cora_sends.post(f"/bundles/{bundle}/artifacts", form=form, key="up")

    first, again, other = upload(b"x" * size), upload(b"x" * size), upload(b"y" * size)

    assert first.status_code == 201, first.content
    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    with tenant_scope(tenant.id):
        assert Artifact.objects.count() == 1
