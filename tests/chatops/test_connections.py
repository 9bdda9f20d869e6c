"""Workspaces and people: whose they are, who may connect them, and what stays on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chatops.lifecycle import (
    NotAMember,
    WorkspaceTaken,
    WorkspaceUnknown,
    link_identity,
    link_workspace,
    revoke_workspace,
)
from chatops.models import SlackIdentity, SlackInstallation
from chatops.responses import NotDelivered, is_slack, post_answer
from chatops.selectors import tenant_of_team
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.models import Tenant
from conductor.tenancy.scope import tenant_scope
from tests.chatops.slack import BEN, NORTHWIND_TEAM


def test_a_workspace_leads_to_its_tenant_without_a_scope(workspace: Tenant, other_workspace: Tenant) -> None:
    assert tenant_of_team(NORTHWIND_TEAM) == workspace.id
    assert tenant_of_team("T0GLOBEX") == other_workspace.id
    assert tenant_of_team("T0NOBODY") is None


def test_a_workspace_speaks_for_one_tenant_only(workspace: Tenant, other_tenant: Tenant, now: datetime) -> None:
    with tenant_scope(other_tenant.id), pytest.raises(WorkspaceTaken):
        link_workspace(tenant_id=other_tenant.id, team_id=NORTHWIND_TEAM, team_name="x", actor=Actor.system(), now=now)

    assert tenant_of_team(NORTHWIND_TEAM) == workspace.id


def test_a_revoked_workspace_can_be_connected_again(workspace: Tenant, now: datetime) -> None:
    with tenant_scope(workspace.id):
        installation = SlackInstallation.objects.get()
        assert revoke_workspace(installation=installation, actor=Actor.system(), now=now)
        assert not revoke_workspace(installation=installation, actor=Actor.system(), now=now)
    assert tenant_of_team(NORTHWIND_TEAM) is None

    with tenant_scope(workspace.id):
        link_workspace(tenant_id=workspace.id, team_id=NORTHWIND_TEAM, team_name="Again", actor=Actor.system(), now=now)
    assert tenant_of_team(NORTHWIND_TEAM) == workspace.id
    with tenant_scope(workspace.id):
        assert list(Receipt.objects.filter(action__startswith="chatops.work").values_list("action", flat=True)) == [
            "chatops.workspace.linked",
            "chatops.workspace.revoked",
            "chatops.workspace.linked",
        ]


def test_a_token_itself_is_refused_a_reference_is_taken(tenant: Tenant, now: datetime) -> None:
    given: dict[str, Any] = {"tenant_id": tenant.id, "team_id": "T1", "team_name": "x", "now": now}
    with tenant_scope(tenant.id):
        with pytest.raises(Invalid) as refused:
            link_workspace(**given, actor=Actor.system(), bot_token_reference="xoxb-1234")
        linked = link_workspace(**given, actor=Actor.system(), bot_token_reference="env:NORTHWIND_BOT_TOKEN")

    assert "bot_token_reference" in refused.value.fields
    assert linked.bot_token_reference == "env:NORTHWIND_BOT_TOKEN"


def test_only_admins_connect_workspaces_and_people(
    workspace: Tenant, cora: User, ben: User, actor: Callable[..., Actor], now: datetime
) -> None:
    commander = actor(cora)
    with tenant_scope(workspace.id):
        with pytest.raises(PermissionMissing):
            link_workspace(tenant_id=workspace.id, team_id="T2", team_name="x", actor=commander, now=now)
        with pytest.raises(PermissionMissing):
            revoke_workspace(installation=SlackInstallation.objects.get(), actor=commander, now=now)
        with pytest.raises(PermissionMissing):
            link_identity(
                tenant_id=workspace.id, team_id=NORTHWIND_TEAM, slack_user_id="U9", user=ben, actor=commander, now=now
            )


def test_people_are_linked_to_members_of_the_tenant_in_its_workspaces_only(
    workspace: Tenant, max_: User, cora: User, now: datetime
) -> None:
    given: dict[str, Any] = {"tenant_id": workspace.id, "actor": Actor.system(), "now": now}
    with tenant_scope(workspace.id):
        with pytest.raises(NotAMember):
            link_identity(**given, team_id=NORTHWIND_TEAM, slack_user_id="U9", user=max_)
        with pytest.raises(WorkspaceUnknown):
            link_identity(**given, team_id="T0GLOBEX", slack_user_id="U9", user=cora)

        link_identity(**given, team_id=NORTHWIND_TEAM, slack_user_id=BEN, user=cora)

        assert SlackIdentity.objects.get(slack_user_id=BEN).user == cora


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/commands/T1/2/3",
        "https://hooks.slack.com:443/actions/T1/2/3",
        "http://127.0.0.1:4014/commands/1",
    ],
)
def test_answers_go_to_slack_or_to_the_configured_host(url: str, settings: Any) -> None:
    settings.SLACK_API_URL = "http://127.0.0.1:4014/api/"

    assert is_slack(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://hooks.slack.com/commands/1",
        "https://hooks.slack.com.evil.test/",
        "https://evil.test/hooks.slack.com",
        "https://hooks.slack.com@evil.test/",
        "https://user:pw@hooks.slack.com/",
        "https://hooks.slack.com:8443/",
        "https://[::1/",
        "https://127.0.0.1:4014/",
        "http://127.0.0.1:4015/",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
    ],
)
def test_answers_go_nowhere_else(url: str, settings: Any) -> None:
    settings.SLACK_API_URL = "http://127.0.0.1:4014/api/"

    assert not is_slack(url)
    with pytest.raises(NotDelivered) as failure:
        post_answer(url=url, answer={"text": "x"})
    assert failure.value.permanent


def test_a_host_that_does_not_answer_is_tried_again(settings: Any) -> None:
    settings.SLACK_API_URL = "http://127.0.0.1:9/"

    with pytest.raises(NotDelivered) as failure:
        post_answer(url="http://127.0.0.1:9/commands/1", answer={"text": "x"})

    assert not failure.value.permanent


# The admin pages ---------------------------------------------------------------------------------
ADMIN = "/admin/chatops/slackinstallation/"
PEOPLE = "/admin/chatops/slackidentity/"


def test_an_admin_connects_and_disconnects_a_workspace(
    workspace: Tenant, ana: User, as_user: Callable[[User], Client]
) -> None:
    client = as_user(ana)
    form = {"team_id": "T0SECOND", "team_name": "Second", "bot_token_reference": ""}

    assert client.post(f"{ADMIN}add/", form).status_code == 302
    assert tenant_of_team("T0SECOND") == workspace.id
    with tenant_scope(workspace.id):
        second = SlackInstallation.objects.get(team_id="T0SECOND")
    client.post(ADMIN, {"action": "revoke", "_selected_action": [str(second.id)]})

    assert tenant_of_team("T0SECOND") is None
    assert tenant_of_team(NORTHWIND_TEAM) == workspace.id


def test_an_admin_is_told_that_a_workspace_is_taken(
    workspace: Tenant, other_workspace: Tenant, ana: User, as_user: Callable[[User], Client]
) -> None:
    form = {"team_id": "T0GLOBEX", "team_name": "Mine", "bot_token_reference": ""}

    page = as_user(ana).post(f"{ADMIN}add/", form, follow=True)

    assert tenant_of_team("T0GLOBEX") == other_workspace.id
    assert "already" in page.content.decode()


def test_an_admin_links_a_member_and_sees_no_stranger(
    workspace: Tenant, ana: User, max_: User, as_user: Callable[[User], Client]
) -> None:
    client = as_user(ana)
    page = client.get(f"{PEOPLE}add/").content.decode()
    form = {"team_id": NORTHWIND_TEAM, "slack_user_id": "U0ANA", "user": str(ana.pk)}

    client.post(f"{PEOPLE}add/", form)
    client.post(f"{PEOPLE}add/", {**form, "slack_user_id": "U0MAX", "user": str(max_.pk)})

    assert f'value="{max_.pk}"' not in page
    with tenant_scope(workspace.id):
        assert SlackIdentity.objects.get(slack_user_id="U0ANA").user == ana
        assert not SlackIdentity.objects.filter(slack_user_id="U0MAX").exists()


def test_an_admin_sees_the_rows_of_the_own_tenant_only(
    workspace: Tenant, other_workspace: Tenant, max_: User, as_user: Callable[[User], Client]
) -> None:
    page = as_user(max_).get(ADMIN).content.decode()

    assert "T0GLOBEX" in page
    assert NORTHWIND_TEAM not in page


def test_nobody_but_an_admin_sees_the_pages(
    workspace: Tenant, ben: User, cora: User, cleo: User, as_user: Callable[[User], Client]
) -> None:
    for user in (ben, cora, cleo):
        assert as_user(user).get(ADMIN).status_code != 200
    assert Client().get(ADMIN).status_code == 302


def test_an_admin_deletes_nothing(workspace: Tenant, ana: User, as_user: Callable[[User], Client]) -> None:
    with tenant_scope(workspace.id):
        row = SlackInstallation.objects.get()

    assert as_user(ana).get(f"{ADMIN}{row.id}/delete/").status_code == 403
