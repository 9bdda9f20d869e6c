"""What is GitHub's or Jira's own: webhooks, pull requests, transitions, and refusals in their words."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.ports.protocols import AdapterError
from adapters.ports.ticketing import NewTicket, TicketState
from tests.adapters import github_double, jira_double
from tests.adapters.receiver import Asked, Handler, receiving

GITHUB, JIRA = github_double.adapter("http://127.0.0.1:9"), jira_double.adapter("http://127.0.0.1:9")
SIGNATURE = {"github": "x-hub-signature-256", "jira": "x-hub-signature"}
TICKET = NewTicket(key="conductor-1", title="Cap the pool", text="It overflowed.", url="https://conductor.test/A-1")


def an_hour_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def call(kind: str, said: Any, *, secret: str = "hook-secret") -> list[str]:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    signed = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"github": GITHUB, "jira": JIRA}[kind].called(headers={SIGNATURE[kind]: signed}, body=body)


def test_a_signed_call_names_the_issue() -> None:
    repository = {"full_name": "Acme/Shop"}
    assert call("github", {"action": "closed", "issue": {"number": 17}, "repository": repository}) == ["17"]
    assert call("jira", {"webhookEvent": "jira:issue_updated", "issue": {"key": "OPS-17"}}) == ["OPS-17"]


def test_a_call_about_something_else_names_nothing() -> None:
    assert call("github", {"zen": "Keep it logically awesome.", "repository": {"full_name": "acme/shop"}}) == []
    assert call("github", {"issue": {"number": 1}, "repository": {"full_name": "acme/other"}}) == []
    assert call("jira", {"webhookEvent": "jira:version_released"}) == []
    assert call("jira", {"issue": {"key": "OTHER-1"}}) == []


@pytest.mark.parametrize("kind", ["github", "jira"])
def test_a_call_that_is_not_signed_is_not_believed(kind: str) -> None:
    for secret in ("another", ""):
        with pytest.raises(AdapterError) as caught:
            call(kind, {"issue": {"number": 1, "key": "OPS-1"}}, secret=secret)
        assert caught.value.code == "unsigned"
    with pytest.raises(AdapterError) as caught:
        call(kind, b"[1, 2]")
    assert caught.value.code == "unreadable"


def test_without_a_webhook_secret_no_call_is_believed() -> None:
    """An empty key would let anybody sign."""
    for module, kind in ((github_double, "github"), (jira_double, "jira")):
        told = module.adapter("http://127.0.0.1:9")
        told._webhook_secret = None
        signed = "sha256=" + hmac.new(b"", b"{}", hashlib.sha256).hexdigest()
        with pytest.raises(AdapterError) as caught:
            told.called(headers={SIGNATURE[kind]: signed}, body=b"{}")
        assert caught.value.code == "unsigned"


def test_a_pull_request_is_no_ticket() -> None:
    with github_double.github() as (issues, url):
        told = github_double.adapter(url)
        made = told.create(ticket=TICKET, since=an_hour_ago())
        issues.rows[0]["pull_request"] = {}
        assert told.changed(external_ids=[made.external_id], since=an_hour_ago()) == []


def test_what_github_closes_for_another_reason_was_dropped() -> None:
    with github_double.github() as (issues, url):
        told = github_double.adapter(url, labels=["incident"])
        made = told.create(ticket=TICKET, since=an_hour_ago())
        assert issues.rows[0]["labels"] == ["incident"]
        issues.rows[0] |= {"state": "closed", "state_reason": "not_planned"}
        dropped = told.read(external_id=made.external_id)
        assert (dropped.state, dropped.status) == (TicketState.DROPPED, "closed as not planned")


def test_a_resolution_of_jiras_says_that_it_was_dropped() -> None:
    with jira_double.jira() as (project, url):
        told = jira_double.adapter(url)
        made = told.create(ticket=TICKET, since=an_hour_ago())
        told.move(external_id=made.external_id, state=TicketState.DONE)
        project.rows["OPS-1"]["fields"]["resolution"] = {"name": "Won't Do"}
        dropped = told.read(external_id=made.external_id)
        assert (dropped.state, dropped.status) == (TicketState.DROPPED, "Done (Won't Do)")


def test_a_status_that_no_transition_leads_to_is_said() -> None:
    with jira_double.jira() as (_project, url):
        told = jira_double.adapter(url, done_status="Shipped")
        made = told.create(ticket=TICKET, since=an_hour_ago())
        with pytest.raises(
            AdapterError, match="no way to Shipped from where it is; there are In Progress, Done"
        ) as caught:
            told.move(external_id=made.external_id, state=TicketState.DONE)
        assert (caught.value.code, caught.value.permanent) == ("status_unknown", True)


def test_a_search_is_read_to_its_last_page() -> None:
    """Jira hands on from page to page by a token, and gives fewer issues than it was asked for."""
    with jira_double.jira() as (project, url):
        told = jira_double.adapter(url)
        made = [told.create(ticket=replace(TICKET, key=f"conductor-{n}"), since=an_hour_ago()) for n in range(5)]
        project.page = 2
        project.answered.clear()

        found = told.changed(external_ids=[each.external_id for each in made], since=an_hour_ago())

        assert [each.external_id for each in found] == [each.external_id for each in made]
        tokens = [json.loads(asked.body).get("nextPageToken") for asked, _status, _said in project.answered]
        assert tokens == [None, "2", "4"]


def test_a_search_without_end_is_given_up() -> None:
    def answer(handler: Handler, asked: Asked) -> None:
        handler.answer(200, b'{"issues": [], "nextPageToken": "again"}')

    with receiving(answer) as receiver, pytest.raises(AdapterError, match="answers without end"):
        jira_double.adapter(receiver.url).find(key="conductor-1", since=an_hour_ago())


def test_refusals_are_told_in_their_own_words() -> None:
    with github_double.github() as (_issues, url), pytest.raises(AdapterError, match="404: Not Found"):
        github_double.adapter(url).read(external_id="4711")
    with jira_double.jira() as (_project, url), pytest.raises(AdapterError, match="404: Issue does not exist"):
        jira_double.adapter(url).read(external_id="OPS-4711")
