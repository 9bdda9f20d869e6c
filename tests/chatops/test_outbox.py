"""What goes out: lanes, one message a second per channel, Retry-After, dead letters, and the latest headline only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from chatops.models.outbox import Lane, OutboxMessage
from chatops.models.workspace import SlackInstallation
from chatops.slack import delivery
from chatops.slack.outbound.lifecycle import LEASE, MAX_ATTEMPTS, NotDead, Say, enqueue, retry_message, take_next
from conductor.ledger.models import Receipt
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.chatops.double import SlackDouble, Workspace

State = OutboxMessage.State
SECOND = timedelta(seconds=1)


class Queue:
    """The tenant's outbox and a clock that stands still until it is moved."""

    def __init__(self, tenant: Tenant, workspace: Workspace, now: datetime) -> None:
        self.tenant, self.workspace, self.now = tenant, workspace, now

    def say(self, text: str, lane: Lane = Lane.RESPONSE, *, channel: str = "C0INCIDENTS", **more: Any) -> None:
        message = {"channel": channel, "text": text}
        say = Say(more.pop("method", "chat.postMessage"), message, lane=lane, channel_id=channel, **more)
        with tenant_scope(self.tenant.id):
            enqueue(tenant_id=self.tenant.id, team_id=self.workspace.team_id, say=say, now=self.now)

    def send(self, *, after: timedelta = timedelta()) -> int:
        self.now += after
        return delivery.send_due(tenant_id=self.tenant.id, clock=lambda: self.now)

    def rows(self) -> list[OutboxMessage]:
        with tenant_scope(self.tenant.id):
            return list(OutboxMessage.objects.order_by("created_at", "id"))


@pytest.fixture
def queue(live: Workspace, tenant: Tenant, now: datetime) -> Queue:
    live.add_channel("elsewhere", channel_id="C0ELSEWHERE")
    return Queue(tenant, live, now)


def texts(double: SlackDouble, method: str = "chat.postMessage") -> list[str]:
    return [each["text"] for each in double.called(method)]


def test_rate_limit_lane_priority(queue: Queue, double: SlackDouble) -> None:
    """A digest that runs into Slack's limit holds up digests. A page goes out at once all the same."""
    double.limit("chat.postMessage", retry_after=30, where=lambda given: given["text"].startswith("digest"))
    queue.say("digest one", Lane.DIGEST)
    queue.say("digest two", Lane.DIGEST, channel="C0ELSEWHERE")

    queue.send()
    queue.say("page", Lane.PAGE, channel="C0ELSEWHERE")
    queue.say("response", Lane.RESPONSE, channel="U0BEN")
    queue.send()

    assert texts(double) == ["page", "response"]
    assert queue.send(after=timedelta(seconds=29)) == 0
    queue.send(after=2 * SECOND)
    queue.send(after=2 * SECOND)
    assert texts(double) == ["page", "response", "digest one", "digest two"]
    assert {row.attempts for row in queue.rows()} == {1}


def test_what_waits_goes_out_first_lane_first_and_in_order(queue: Queue, double: SlackDouble) -> None:
    queue.say("digest", Lane.DIGEST)
    queue.say("one")
    queue.say("two")
    queue.say("page", Lane.PAGE)

    for _ in range(4):
        queue.send(after=1.1 * SECOND)

    assert texts(double) == ["page", "one", "two", "digest"]


def test_a_channel_hears_one_message_a_second_and_others_do_not_wait_for_it(queue: Queue, double: SlackDouble) -> None:
    for number in range(3):
        queue.say(f"here {number}")
    queue.say("elsewhere", channel="C0ELSEWHERE")

    assert queue.send() == 2
    assert texts(double) == ["here 0", "elsewhere"]
    assert queue.send(after=0.5 * SECOND) == 0
    assert queue.send(after=0.6 * SECOND) == 1


def test_of_headlines_that_wait_only_the_latest_is_said(queue: Queue, double: SlackDouble) -> None:
    for number in range(3):
        queue.say(f"headline {number}", Lane.DIGEST, coalesce_key="headline:1")

    queue.send()

    assert texts(double) == ["headline 2"]
    assert len(queue.rows()) == 1


def test_a_headline_that_fails_makes_way_for_a_later_one(queue: Queue, double: SlackDouble) -> None:
    double.fail("chat.postMessage", "internal_error")
    queue.say("old", coalesce_key="headline:1")
    with tenant_scope(queue.tenant.id):
        message = take_next(tenant_id=queue.tenant.id, now=queue.now)
    queue.say("new", coalesce_key="headline:1")

    assert message is not None
    delivery.deliver(message, clock=lambda: queue.now)
    queue.send(after=2 * SECOND)

    assert texts(double) == ["new"]
    assert [row.state for row in queue.rows()] == [State.SENT]


def test_the_same_effect_is_queued_once(queue: Queue, double: SlackDouble) -> None:
    queue.say("once", dedupe_key="answer:1")
    queue.send()
    queue.say("once", dedupe_key="answer:1")
    queue.send(after=2 * SECOND)

    assert texts(double) == ["once"]


def test_what_slack_cannot_do_now_is_tried_again_later_and_longer_each_time(queue: Queue, double: SlackDouble) -> None:
    double.fail("chat.postMessage", "internal_error", times=2)
    queue.say("patient")

    assert queue.send() == 1
    assert queue.send(after=1.1 * SECOND) == 0
    assert queue.send(after=1.1 * SECOND) == 1
    assert queue.send(after=4.1 * SECOND) == 1

    assert texts(double) == ["patient"]


@pytest.mark.parametrize("error", ["channel_not_found", "is_archived", "msg_too_long"])
def test_what_slack_will_never_do_is_given_up_and_can_be_seen_and_retried(
    queue: Queue, double: SlackDouble, error: str, ana: User, ben: User, actor: Callable[..., Actor]
) -> None:
    double.fail("chat.postMessage", error)
    queue.say("lost")
    queue.send()

    (dead,) = queue.rows()
    assert (dead.state, dead.error, dead.attempts) == (State.DEAD, error, 1)
    with tenant_scope(queue.tenant.id):
        with pytest.raises(PermissionMissing):
            retry_message(message=dead, actor=actor(ben), now=queue.now)
        retry_message(message=dead, actor=actor(ana), now=queue.now)
        with pytest.raises(NotDead):
            retry_message(message=dead, actor=actor(ana), now=queue.now)
        assert Receipt.objects.filter(action="chatops.message.retried").count() == 1
    queue.send(after=2 * SECOND)
    assert texts(double) == ["lost"]


def test_what_keeps_failing_is_given_up(queue: Queue, double: SlackDouble) -> None:
    double.fail("chat.postMessage", "fatal_error", times=100)
    queue.say("hopeless")

    for _ in range(2 * MAX_ATTEMPTS):
        queue.send(after=timedelta(minutes=10))

    (dead,) = queue.rows()
    assert (dead.state, dead.attempts) == (State.DEAD, MAX_ATTEMPTS)


def test_a_worker_that_died_holding_a_message_gives_it_back(queue: Queue, double: SlackDouble) -> None:
    queue.say("leased")
    with tenant_scope(queue.tenant.id):
        assert take_next(tenant_id=queue.tenant.id, now=queue.now) is not None

    assert queue.send(after=2 * SECOND) == 0
    assert queue.send(after=LEASE) == 1
    assert texts(double) == ["leased"]


@pytest.mark.parametrize("error", ["token_revoked", "account_inactive", "invalid_auth"])
def test_a_token_that_slack_refuses_disconnects_the_workspace(queue: Queue, double: SlackDouble, error: str) -> None:
    double.fail("chat.postMessage", error)
    queue.say("one")
    queue.say("two", channel="C0ELSEWHERE")

    queue.send()

    with tenant_scope(queue.tenant.id):
        installation = SlackInstallation.objects.get()
    assert (installation.revoked_why, installation.bot_token_sealed) == (error, "")
    assert installation.revoked_at is not None
    assert [row.state for row in queue.rows()] == [State.DEAD, State.DEAD]


def test_a_broken_connection_is_tried_again(queue: Queue, double: SlackDouble, settings: Any) -> None:
    settings.SLACK_API_URL = "http://127.0.0.1:9/api/"
    queue.say("nobody listens")
    queue.send()

    (row,) = queue.rows()
    assert (row.state, row.attempts) == (State.PENDING, 1)
    settings.SLACK_API_URL = double.url
    queue.send(after=3 * SECOND)
    assert texts(double) == ["nobody listens"]
