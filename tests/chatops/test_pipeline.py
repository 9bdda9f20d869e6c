"""Kept before work, done once, answered from the row: repeats, storms, deaths in the middle, and other tenants."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import OperationalError, connections

from chatops import tasks
from chatops.models.inbound_request import SlackReceipt
from chatops.models.workspace import SlackInstallation
from chatops.slack.actions import slash_command
from chatops.slack.inbound import intake, outage_checklist
from chatops.slack.selectors import MAX_ATTEMPTS
from chatops.slack.workspace.lifecycle import revoke_workspace
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.incident import Incident
from tests.chatops import slack
from tests.chatops.conftest import connect
from tests.chatops.slack import Speaker, form, headers, post, words
from tests.chatops.sweeps import finish_all

State = SlackReceipt.State


def count(tenant: Tenant) -> int:
    with tenant_scope(tenant.id):
        return Incident.objects.count()


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`fails.on = True`: carrying a command out fails unexpectedly from then on."""

    class Switch:
        on = True

    def perform(receipt: SlackReceipt, now: datetime) -> Any:
        answer = slash_command.perform(receipt, now)
        if Switch.on:
            raise RuntimeError("the work broke after it was done and before it was committed")
        return answer

    monkeypatch.setattr(intake, "perform", perform)
    monkeypatch.setattr(tasks, "perform", perform)
    return Switch


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Any]]]:
    """What was posted to response URLs, in place of the network. `posted.status` is what Slack says to it."""

    class Posted(list[tuple[str, Any]]):
        status = 200

    sent = Posted()

    def fake_post(client: httpx.Client, url: str, *, json: Any, extensions: Any) -> httpx.Response:
        assert client.timeout.read
        assert not client.follow_redirects
        assert extensions["trace"], "a deadline watches the conversation"
        sent.append((url, json))
        return httpx.Response(sent.status, request=httpx.Request("POST", url))

    monkeypatch.setattr(httpx.Client, "post", fake_post)
    yield sent


def test_a_request_is_stored_with_what_came_and_without_the_old_token(ben_says: Speaker, receipts: Any) -> None:
    answer = ben_says("declare sev2 x", trigger="1.2.abc")

    (receipt,) = receipts()
    assert receipt.dedupe_key == "cmd:T0NORTHWIND:1.2.abc"
    assert (receipt.kind, receipt.state, receipt.attempts) == ("command", State.DONE, 1)
    assert (receipt.slack_user_id, receipt.channel_id) == ("U0BEN", "C0INCIDENTS")
    assert receipt.payload["text"] == "declare sev2 x"
    assert "token" not in receipt.payload
    assert receipt.answer == answer


def test_the_same_body_again_gets_the_same_answer_and_does_nothing(workspace: Tenant) -> None:
    body = form("declare sev2 x", trigger="1.2.abc")
    given = headers(body)

    first, second = post(body, given), post(body, given)

    assert first.content == second.content
    assert count(workspace) == 1


def test_a_refusal_is_stored_and_repeated_as_well(ben_says: Speaker, receipts: Any) -> None:
    ben_says("declare sev1 x")

    first = ben_says("resolved", trigger="9.9.z")
    ben_says("mitigated")
    again = ben_says("resolved", trigger="9.9.z")

    assert again == first
    assert receipts()[1].state == State.DONE


def test_a_request_is_committed_before_its_work_begins(
    committed: None, tenant: Tenant, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(tenant, slack.NORTHWIND_TEAM, now)
    seen_by_others: list[str] = []

    def look_from_outside() -> None:
        with tenant_scope(tenant.id):
            seen_by_others.extend(SlackReceipt.objects.values_list("state", flat=True))
        connections.close_all()

    def look(receipt: SlackReceipt, now: datetime) -> Any:
        elsewhere = threading.Thread(target=look_from_outside)
        elsewhere.start()
        elsewhere.join()
        return slash_command.perform(receipt, now)

    monkeypatch.setattr(intake, "perform", look)
    Speaker()("help")

    assert seen_by_others == [State.RECEIVED]


def test_a_storm_of_one_request_makes_one_incident_and_one_answer(
    committed: None, tenant: Tenant, now: datetime
) -> None:
    connect(tenant, slack.NORTHWIND_TEAM, now)
    body = form("declare sev2 Checkout fails", trigger="1.2.storm")
    given = headers(body)
    start, replies = threading.Barrier(4), []

    def send() -> None:
        start.wait()
        replies.append(post(body, given).content)
        connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(replies) == 4
    assert len(set(replies)) == 1
    assert b"INC-1" in replies[0]
    assert count(tenant) == 1
    with tenant_scope(tenant.id):
        assert SlackReceipt.objects.count() == 1


def test_different_requests_at_once_make_an_incident_each(committed: None, tenant: Tenant, now: datetime) -> None:
    connect(tenant, slack.NORTHWIND_TEAM, now)

    def send(number: int) -> None:
        Speaker()(f"declare sev4 Incident {number}")
        connections.close_all()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with tenant_scope(tenant.id):
        assert sorted(Incident.objects.values_list("number", flat=True)) == [1, 2, 3, 4]


def test_work_that_breaks_leaves_nothing_and_says_that_it_goes_on(
    ben_says: Speaker, workspace: Tenant, receipts: Any, fails: Any
) -> None:
    answer = ben_says("declare sev2 x")

    assert answer["text"] == intake.WORKING
    assert count(workspace) == 0
    (receipt,) = receipts()
    assert (receipt.state, receipt.answer) == (State.RECEIVED, None)


def test_the_sweep_finishes_what_broke_once_and_posts_the_answer(
    ben_says: Speaker, workspace: Tenant, receipts: Any, fails: Any, posted: Any
) -> None:
    ben_says("declare sev2 Checkout fails")
    fails.on = False

    early = finish_all(clock_now())
    finished = finish_all(clock_now() + timedelta(seconds=6))
    again = finish_all(clock_now() + timedelta(hours=1))

    assert (early, finished, again) == (0, 1, 0)
    assert count(workspace) == 1
    (receipt,) = receipts()
    assert (receipt.state, receipt.attempts) == (State.DONE, 2)
    ((url, message),) = posted
    assert url.startswith("https://hooks.slack.com/commands/")
    assert message == receipt.answer
    assert "Checkout fails" in message["text"]


def test_a_process_that_died_after_storing_is_finished_by_the_sweep(
    ben_says: Speaker, workspace: Tenant, receipts: Any, monkeypatch: pytest.MonkeyPatch, posted: Any
) -> None:
    class Killed(BaseException):
        """Stands for the end of the process: nothing catches it."""

    def die(receipt: SlackReceipt, now: datetime) -> Any:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(intake, "perform", die)
        with pytest.raises(Killed):
            ben_says("declare sev2 x")
    assert count(workspace) == 0
    assert receipts()[0].state == State.RECEIVED

    finish_all(clock_now() + timedelta(seconds=6))

    assert count(workspace) == 1
    assert receipts()[0].state == State.DONE
    assert len(posted) == 1


def test_a_repeat_after_a_broken_first_attempt_does_the_work(ben_says: Speaker, workspace: Tenant, fails: Any) -> None:
    ben_says("declare sev2 x", trigger="1.2.retry")
    fails.on = False

    answer = ben_says("declare sev2 x", trigger="1.2.retry")

    assert "INC-1" in answer["text"]
    assert count(workspace) == 1


def test_the_task_finishes_one_request_and_a_second_message_does_nothing(
    ben_says: Speaker, workspace: Tenant, receipts: Any, fails: Any, posted: Any
) -> None:
    ben_says("declare sev2 x")
    fails.on = False
    ids = {"tenant_id": str(workspace.id), "receipt_id": str(receipts()[0].id)}

    tasks.process_slack_receipt(**ids)
    tasks.process_slack_receipt(**ids)

    assert count(workspace) == 1
    assert len(posted) == 1


def test_what_keeps_breaking_is_given_up_and_its_author_is_told(
    ben_says: Speaker, workspace: Tenant, receipts: Any, fails: Any, posted: Any
) -> None:
    ben_says("declare sev2 x")

    for attempt in range(2 * MAX_ATTEMPTS):
        finish_all(clock_now() + timedelta(minutes=30 + attempt))

    (receipt,) = receipts()
    assert (receipt.state, receipt.attempts) == (State.FAILED, MAX_ATTEMPTS)
    assert count(workspace) == 0
    ((_, message),) = posted
    assert message["text"] == tasks.GAVE_UP
    assert "nothing was changed" in message["text"]


def test_a_request_that_kills_its_worker_each_time_is_given_up_too(
    ben_says: Speaker, workspace: Tenant, receipts: Any, fails: Any, posted: Any
) -> None:
    ben_says("declare sev2 x")
    with tenant_scope(workspace.id):
        SlackReceipt.objects.update(attempts=MAX_ATTEMPTS)

    finish_all(clock_now() + timedelta(minutes=40))

    assert receipts()[0].state == State.FAILED


def test_an_answer_that_slack_does_not_take_yet_is_posted_later_without_a_second_act(
    ben_says: Speaker, workspace: Tenant, receipts: Any, fails: Any, posted: Any
) -> None:
    ben_says("declare sev2 x")
    fails.on = False
    posted.status = 503

    finish_all(clock_now() + timedelta(seconds=6))
    open_after_first = receipts()[0].state
    posted.status = 200
    finish_all(clock_now() + timedelta(seconds=60))

    assert open_after_first == State.RECEIVED
    assert receipts()[0].state == State.DONE
    assert count(workspace) == 1
    assert len(posted) == 2


def test_a_response_url_that_is_used_up_ends_the_request(
    ben_says: Speaker, receipts: Any, fails: Any, posted: Any
) -> None:
    ben_says("declare sev2 x")
    fails.on = False
    posted.status = 404

    finish_all(clock_now() + timedelta(seconds=6))

    assert receipts()[0].state == State.DONE


def test_when_the_request_cannot_be_stored_nothing_is_done_and_that_is_said(
    ben_says: Speaker, workspace: Tenant, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.CONDUCTOR_HOME = tmp_path

    def unreachable(**_given: Any) -> Any:
        raise OperationalError("the database is away")

    monkeypatch.setattr(intake, "store_receipt", unreachable)

    assert ben_says("ack")["text"] == outage_checklist.UNAVAILABLE
    assert "kept as S-" in ben_says("declare sev1 x")["text"]
    assert count(workspace) == 0


def test_an_unknown_workspace_gets_an_explanation_and_leaves_no_trace(workspace: Tenant, receipts: Any) -> None:
    answer = Speaker(slack.BEN, "T0NOBODY")("declare sev1 x")

    assert answer["response_type"] == "ephemeral"
    assert answer["text"] == intake.UNCONNECTED
    assert "northwind" not in str(answer).lower()
    assert receipts() == []


def test_a_revoked_workspace_is_an_unknown_one(ben_says: Speaker, workspace: Tenant, now: datetime) -> None:
    with tenant_scope(workspace.id):
        installation = SlackInstallation.objects.get()
        assert revoke_workspace(installation=installation, actor=Actor.system(), now=now)

    assert ben_says("declare sev1 x")["text"] == intake.UNCONNECTED
    assert count(workspace) == 0


def test_two_tenants_interleaved_never_see_each_other(
    ben_says: Speaker, workspace: Tenant, other_workspace: Tenant
) -> None:
    max_says = Speaker(slack.MAX, slack.GLOBEX_TEAM)

    for number in range(3):
        ben_says(f"declare sev3 Northwind {number}")
        max_says(f"declare sev3 Globex {number}")

    assert "Globex" not in words(ben_says("list"))
    assert "Northwind" not in words(max_says("list"))
    assert (count(workspace), count(other_workspace)) == (3, 3)
    assert "There is no INC-4 here." in words(max_says("mitigated INC-4"))


def test_a_user_of_one_workspace_is_nobody_in_another(workspace: Tenant, other_workspace: Tenant) -> None:
    answer = Speaker(slack.BEN, slack.GLOBEX_TEAM)("declare sev1 x")

    assert "does not know which member you are" in words(answer)
    assert count(other_workspace) == 0


def test_the_same_trigger_in_two_workspaces_is_two_requests(
    ben_says: Speaker, workspace: Tenant, other_workspace: Tenant
) -> None:
    ben_says("declare sev3 x", trigger="1.2.same")
    Speaker(slack.MAX, slack.GLOBEX_TEAM)("declare sev3 y", trigger="1.2.same")

    assert (count(workspace), count(other_workspace)) == (1, 1)


def test_answering_needs_no_network_and_few_queries(
    ben_says: Speaker, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    """Within Slack's three seconds by construction: bounded statements, and nobody else is waited for."""

    def no_network(*_args: Any, **_kwargs: Any) -> Any:
        raise AssertionError("a request to somebody else while Slack waits")

    monkeypatch.setattr("socket.socket.connect", no_network)
    with django_assert_max_num_queries(63):
        ben_says("declare sev2 x --service checkout")
    with django_assert_max_num_queries(50):
        ben_says("mitigated")
    with django_assert_max_num_queries(17):
        ben_says("help")


def test_every_statement_is_bounded_while_slack_waits(workspace: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    bounds: list[tuple[Any, ...]] = []

    def look(receipt: SlackReceipt, now: datetime) -> Any:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
            bounds.append(cursor.fetchone() or ())
        return slash_command.perform(receipt, now)

    monkeypatch.setattr(intake, "perform", look)
    Speaker()("help")

    assert bounds == [("2s", "2s")]
