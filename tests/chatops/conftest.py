"""Two workspaces of two tenants, and who is who in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from chatops.models.inbound_request import SlackReceipt
from chatops.slack import delivery
from chatops.slack.workspace.credentials import seal_token
from chatops.slack.workspace.identities import link_identity
from chatops.slack.workspace.lifecycle import Grant, install_workspace, link_workspace
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.chatops import blocks, slack
from tests.chatops.double import SlackDouble, Workspace, document, running_double
from tests.chatops.slack import Speaker
from tests.chatops.sweeps import finish_all

PEOPLE = {
    slack.NORTHWIND_TEAM: {slack.BEN: "ben", slack.CORA: "cora", slack.CLEO: "cleo"},
    slack.GLOBEX_TEAM: {slack.MAX: "max"},
}


def connect(tenant: Tenant, team: str, now: datetime) -> None:
    """Link the workspace and its people to the tenant."""
    who = Actor.system(channel="cli")
    with tenant_scope(tenant.id):
        link_workspace(tenant_id=tenant.id, team_id=team, team_name=team.title(), actor=who, now=now)
        for slack_id, username in PEOPLE[team].items():
            user = User.objects.get(username=username)
            link_identity(tenant_id=tenant.id, team_id=team, slack_user_id=slack_id, user=user, actor=who, now=now)


@pytest.fixture
def workspace(tenant: Tenant, now: datetime) -> Tenant:
    """Northwind's workspace, with Ben, Cora and Cleo linked and one stranger."""
    connect(tenant, slack.NORTHWIND_TEAM, now)
    return tenant


@pytest.fixture
def other_workspace(other_tenant: Tenant, now: datetime) -> Tenant:
    """Globex's workspace, with Max linked."""
    connect(other_tenant, slack.GLOBEX_TEAM, now)
    return other_tenant


@pytest.fixture
def live(double: SlackDouble, tenant: Tenant, now: datetime) -> Workspace:
    """Northwind's workspace with a bot token, so that modals open, channels are made and messages posted."""
    return connect_live(double, tenant, slack.NORTHWIND_TEAM, now)


def connect_live(double: SlackDouble, tenant: Tenant, team: str, now: datetime) -> Workspace:
    """Connect the tenant's workspace, install the app in the double, and let Slack's token reach the product sealed."""
    connect(tenant, team, now)
    made = double.install(team, users=tuple(PEOPLE[team]))
    made.add_channel("incidents", channel_id="C0INCIDENTS" if team == slack.NORTHWIND_TEAM else "C0GLOBEX")
    with tenant_scope(tenant.id):
        install(tenant, made, now)
    return made


def install(tenant: Tenant, workspace: Workspace, now: datetime) -> None:
    """Install with a token, as the OAuth callback does. Needs the tenant's scope."""
    sealed = seal_token(tenant_id=tenant.id, team_id=workspace.team_id, token=workspace.token)
    grant = Grant(workspace.team_id, "Northwind", "", "A0CONDUCTOR", "U0BOT", ("chat:write",), sealed)
    install_workspace(tenant_id=tenant.id, grant=grant, actor=Actor.system(channel="cli"), now=now)


@pytest.fixture
def deliver(tenant: Tenant) -> Callable[[], int]:
    """`deliver()`: have the worker do all that waits, as if each channel's second had passed; return how many calls."""

    clock = [clock_now()]

    def work() -> int:
        made, sent = 0, 1
        while sent:
            clock[0] = max(clock[0], clock_now()) + timedelta(seconds=6)
            finish_all(clock[0])
            sent = delivery.send_due(tenant_id=tenant.id, clock=lambda: clock[0])
            made += sent
        return made

    return work


@pytest.fixture
def ben_says(workspace: Tenant) -> Speaker:
    """`ben_says("ack")`: the answer to Ben, a responder."""
    return Speaker(slack.BEN)


@pytest.fixture
def ana_says(workspace: Tenant, ana: User, now: datetime) -> Speaker:
    """The answer to Ana, an admin, who is linked too."""
    with tenant_scope(workspace.id):
        link_identity(
            tenant_id=workspace.id,
            team_id=slack.NORTHWIND_TEAM,
            slack_user_id=slack.ANA,
            user=ana,
            actor=Actor.system(channel="cli"),
            now=now,
        )
    return Speaker(slack.ANA)


@pytest.fixture
def cora_says(workspace: Tenant) -> Speaker:
    """The answer to Cora, a commander."""
    return Speaker(slack.CORA)


@pytest.fixture
def cleo_says(workspace: Tenant) -> Speaker:
    """The answer to Cleo, an auditor, who may read only."""
    return Speaker(slack.CLEO)


@pytest.fixture
def receipts(workspace: Tenant) -> Any:
    """`receipts()`: Northwind's stored requests, oldest first."""

    def read() -> list[SlackReceipt]:
        with tenant_scope(workspace.id):
            return list(SlackReceipt.objects.order_by("id"))

    return read


@pytest.fixture
def double(settings: Any) -> Iterator[SlackDouble]:
    """Our double of Slack's Web API, which every call of the product goes to; none of them may break Slack's limits."""
    if not document.DOCUMENT.exists() or not blocks.SCHEMA.exists():
        pytest.skip("Slack's API document (../shared/data/specs) is not on this machine; it is not ours to ship")
    with running_double() as slack_double:
        settings.SLACK_API_URL = slack_double.url
        yield slack_double
    assert not slack_double.violations
