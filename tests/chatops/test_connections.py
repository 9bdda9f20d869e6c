"""Workspaces and people: whose they are, who may connect them, and what stays on record."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from chatops.commands.lookup import PersonUnknown, user_of
from chatops.commands.refusals import _PAGES, page_that_helps
from chatops.models.workspace import SlackIdentity, SlackInstallation
from chatops.slack.outbound.response_url import NotDelivered, is_slack, post_answer
from chatops.slack.selectors import slack_user_of, tenant_of_team
from chatops.slack.workspace.identities import (
    LinkNotGood,
    NotAMember,
    NotYoursToLink,
    WorkspaceUnknown,
    confirm_identity,
    issue_claim,
    link_identity,
    read_claim,
)
from chatops.slack.workspace.lifecycle import WorkspaceTaken, WorkspaceUnproven, link_workspace, revoke_workspace
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid, Refused
from conductor.tenancy.actors import Actor, PermissionMissing, actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from conductor.tenancy.roles import PERMISSIONS
from tests.browsing import prove
from tests.chatops.slack import BEN, NORTHWIND_TEAM, Speaker
from tests.database import ROOT


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


@pytest.mark.fault("security-3")
def test_an_admin_connects_no_workspace_by_typing_its_id_and_disconnects_their_own(
    workspace: Tenant, ana: User, as_user: Callable[[User], Client], actor: Callable[..., Actor], now: datetime
) -> None:
    client = as_user(ana)
    form = {"team_id": "T0VICTIM01", "team_name": "Victim", "bot_token_reference": ""}

    assert client.post(f"{ADMIN}add/", form).status_code == 403
    assert tenant_of_team("T0VICTIM01") is None
    admin = actor(ana)
    with tenant_scope(workspace.id):
        given: dict[str, Any] = {"tenant_id": workspace.id, "actor": admin, "now": now}
        with pytest.raises(WorkspaceUnproven):
            link_workspace(**given, team_id="T0VICTIM01", team_name="Victim")
        first = SlackInstallation.objects.get(team_id=NORTHWIND_TEAM)
        link_workspace(**given, team_id=NORTHWIND_TEAM, team_name="New name")
    client.post(ADMIN, {"action": "revoke", "_selected_action": [str(first.id)]})

    assert tenant_of_team(NORTHWIND_TEAM) is None
    with tenant_scope(workspace.id), pytest.raises(WorkspaceUnproven):
        link_workspace(**given, team_id=NORTHWIND_TEAM, team_name="Again")


@pytest.mark.fault("security-3")
def test_a_revoked_workspace_is_free_for_others(workspace: Tenant, other_tenant: Tenant, now: datetime) -> None:
    with tenant_scope(workspace.id):
        revoke_workspace(installation=SlackInstallation.objects.get(), actor=Actor.system(), now=now)
    with tenant_scope(other_tenant.id):
        link_workspace(tenant_id=other_tenant.id, team_id=NORTHWIND_TEAM, team_name="x", actor=Actor.system(), now=now)
    assert tenant_of_team(NORTHWIND_TEAM) == other_tenant.id

    with tenant_scope(workspace.id), pytest.raises(WorkspaceTaken):
        link_workspace(tenant_id=workspace.id, team_id=NORTHWIND_TEAM, team_name="x", actor=Actor.system(), now=now)


@pytest.mark.fault("security-4")
def test_an_admin_links_nobody(
    workspace: Tenant,
    ana: User,
    cora: User,
    as_user: Callable[[User], Client],
    actor: Callable[..., Actor],
    now: datetime,
) -> None:
    form = {"team_id": NORTHWIND_TEAM, "slack_user_id": "U0EVIL", "user": str(cora.pk)}
    assert as_user(ana).post(f"{PEOPLE}add/", form).status_code == 403
    admin, herself = actor(ana), actor(cora)
    given: dict[str, Any] = {"tenant_id": workspace.id, "now": now}
    claim = {"team_id": NORTHWIND_TEAM, "slack_user_id": "U0EVIL"}
    with tenant_scope(workspace.id):
        for who in (admin, herself):
            with pytest.raises(NotYoursToLink):
                link_identity(**given, **claim, user=cora, actor=who)
        token = issue_claim(tenant_id=workspace.id, **claim, now=now)
        with pytest.raises(NotYoursToLink):
            confirm_identity(**given, token=token, user=cora, actor=admin)
        assert user_of(team_id=NORTHWIND_TEAM, slack_user_id="U0EVIL") is None


@pytest.mark.fault("security-4")
def test_a_link_that_an_admin_made_before_names_nobody_until_it_is_confirmed(workspace: Tenant, cora: User) -> None:
    with tenant_scope(workspace.id):
        SlackIdentity.ever.filter(slack_user_id=BEN).update(proven_by="", user=cora)
        assert user_of(team_id=NORTHWIND_TEAM, slack_user_id=BEN) is None
        assert slack_user_of(team_id=NORTHWIND_TEAM, user_id=cora.pk) != BEN


@pytest.mark.fault("security-4")
def test_a_member_confirms_signed_in_what_only_their_slack_account_was_given(
    workspace: Tenant, ana: User, ben: User, as_user: Callable[[User], Client]
) -> None:
    answer = Speaker("U0ANA")("declare sev3 Search is slow")
    (page,) = re.findall(r"http://[^/|]+(/t/northwind/slack/you/[^|]+)", json.dumps(answer))
    browser = as_user(ana)

    assert Client().get(page).status_code == 302
    assert browser.post(page)["Location"].startswith("/accounts/confirm/")
    assert "U0ANA" in prove(browser).get(page).content.decode()
    assert browser.post(page).status_code == 302
    with tenant_scope(workspace.id):
        assert user_of(team_id=NORTHWIND_TEAM, slack_user_id="U0ANA") == ana
        told = Receipt.objects.filter(action="chatops.identity.linked").latest("recorded_at", "id")
        assert (told.actor_name, told.body["proven_by"]) == ("Ana Admin", "member")
    assert prove(as_user(ben)).post(page).status_code == 403


@pytest.mark.fault("security-4")
@pytest.mark.parametrize("minutes", [-1, 15])
def test_a_claim_ends_and_is_of_one_organisation(
    minutes: int, workspace: Tenant, other_tenant: Tenant, ben: User, now: datetime
) -> None:
    claim = {"team_id": NORTHWIND_TEAM, "slack_user_id": "U0NEW"}
    token = issue_claim(tenant_id=workspace.id, **claim, now=now)
    with tenant_scope(workspace.id):
        assert read_claim(token=token, tenant_id=workspace.id, now=now).slack_user_id == "U0NEW"
        for bad, at in ((token, now + timedelta(minutes=minutes)), (token + "x", now)):
            with pytest.raises(LinkNotGood):
                read_claim(token=bad, tenant_id=workspace.id, now=at)
    with tenant_scope(other_tenant.id), pytest.raises(LinkNotGood):
        read_claim(token=token, tenant_id=other_tenant.id, now=now)


@pytest.mark.fault("security-4")
def test_an_admin_ends_a_link(workspace: Tenant, ana: User, as_user: Callable[[User], Client]) -> None:
    with tenant_scope(workspace.id):
        row = SlackIdentity.objects.get(slack_user_id=BEN)
    as_user(ana).post(PEOPLE, {"action": "unlink", "_selected_action": [str(row.id)]})

    with tenant_scope(workspace.id):
        assert user_of(team_id=NORTHWIND_TEAM, slack_user_id=BEN) is None
        assert Receipt.objects.filter(action="chatops.identity.unlinked").count() == 1


def test_the_operator_links_workspaces_and_people(tenant: Tenant, ana: User) -> None:
    call_command("link_slack", "northwind", "T0HAND", name="By hand")
    call_command("link_slack", "northwind", "T0HAND", user=["U0ANA", "ana@example.test"])

    assert tenant_of_team("T0HAND") == tenant.id
    with tenant_scope(tenant.id):
        assert user_of(team_id="T0HAND", slack_user_id="U0ANA") == ana
    with pytest.raises(CommandError, match="proven"):
        call_command("link_slack", "northwind", "T0HAND", user=["U9", "nobody@example.test"])


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


@pytest.mark.fault("security-4")
def test_nothing_said_in_slack_leads_to_a_page_where_a_link_can_only_be_ended() -> None:
    """An admin ends links there; who is not linked is helped by an invitation, or by a command of their own."""
    sources = {path: path.read_text() for path in (ROOT / "chatops").rglob("*.py") if path.name != "admin.py"}

    assert len(sources) > 20
    assert [path.name for path, text in sources.items() if "admin/chatops/slackidentity" in text] == []
    assert page_address(PersonUnknown.code).endswith("/t/northwind/members/invitations/new/")


@pytest.mark.parametrize("code", sorted(_PAGES))
def test_a_refusals_button_is_for_those_alone_who_may_open_the_page(
    workspace: Tenant, ana: User, ben: User, as_user: Callable[[User], Client], code: str
) -> None:
    refused = Refused("No.")
    refused.code = code
    may = {"ana": True, "ben": code == "permission_missing"}
    for name, user in (("ana", ana), ("ben", ben)):
        with tenant_scope(workspace.id):
            permissions = actor_for_user(user=user, tenant=workspace, channel="slack").permissions
        buttons = page_that_helps(refused, slug="northwind", permissions=permissions)
        assert bool(buttons) is may[name]
        path = urlsplit(page_address(code)).path
        browser = as_user(user)
        prove(browser)
        # Some of them are read by every member, but set right by these alone.
        assert browser.get(path).status_code == 200 or not may[name]


def page_address(code: str) -> str:
    """Return the address to which the refusal's button leads whoever may do anything."""
    refused = Refused("No.")
    refused.code = code
    (button,) = page_that_helps(refused, slug="northwind", permissions=PERMISSIONS)
    return str(button["url"])
