"""Connecting workspaces: OAuth whose state works once and for one person, sealed tokens, secrets that rotate."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from chatops.models.outbox import OutboxMessage
from chatops.models.workspace import SlackInstallation, SlackOAuthState
from chatops.slack.selectors import tenant_of_team
from chatops.slack.workspace.credentials import SecretUnavailable, bot_token
from chatops.slack.workspace.lifecycle import link_workspace, revoke_workspace
from chatops.slack.workspace.manifest import SCOPES
from chatops.slack.workspace.oauth import StateRefused, begin_installation, consume_state
from conductor.ledger.models import Receipt
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.chatops import slack
from tests.chatops.conftest import connect_live, install
from tests.chatops.double import SlackDouble, Workspace
from tests.chatops.double.server import CLIENT_ID, CLIENT_SECRET
from tests.chatops.slack import Speaker, form, headers, post

Browser = Callable[[User], Client]
GRANTED = {
    "access_token": "xoxb-granted-token",
    "token_type": "bot",
    "scope": "commands,chat:write",
    "bot_user_id": "U0BOT",
    "app_id": "A0CONDUCTOR",
    "team": {"id": "T0NEW", "name": "Northwind Two"},
    "enterprise": None,
    "authed_user": {"id": "U0ANA"},
}


@pytest.fixture
def app(settings: Any, double: SlackDouble) -> SlackDouble:
    """The operator has set up the Slack app."""
    settings.SLACK_CLIENT_ID, settings.SLACK_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    double.issue_code("good", GRANTED)
    return double


def begin(browser: Client) -> str:
    """Begin an installation and return the state that Slack would hand back."""
    html = browser.post("/t/northwind/slack/installation/").content.decode()
    (address,) = [part.split('"')[0] for part in html.split('href="') if part.startswith("https://slack.com/oauth/v2/")]
    asked = parse_qs(urlsplit(address.replace("&amp;", "&")).query)
    assert "chat:write" in asked["scope"][0]
    assert asked["redirect_uri"][0].endswith("/slack/oauth_redirect")
    return asked["state"][0]


def come_back(browser: Client, state: str, code: str = "good", **more: str) -> Any:
    return browser.get("/slack/oauth_redirect", {"state": state, "code": code, **more})


def installations(tenant: Tenant) -> list[SlackInstallation]:
    with tenant_scope(tenant.id):
        return list(SlackInstallation.objects.order_by("team_id"))


def token_of(made: SlackInstallation) -> str:
    with tenant_scope(made.tenant_id):
        return bot_token(made)


def test_an_admin_connects_a_workspace_and_its_token_is_sealed(
    app: SlackDouble, tenant: Tenant, ana: User, as_user: Browser
) -> None:
    browser = as_user(ana)

    response = come_back(browser, begin(browser))

    (made,) = installations(tenant)
    assert (response.status_code, response["Location"]) == (302, "/t/northwind/slack/")
    assert (made.team_id, made.team_name, made.bot_scopes) == ("T0NEW", "Northwind Two", ["commands", "chat:write"])
    assert "xoxb" not in made.bot_token_sealed
    assert token_of(made) == "xoxb-granted-token"
    with tenant_scope(tenant.id):
        receipt = Receipt.objects.get(action="chatops.workspace.installed")
    assert "xoxb" not in str(receipt.body)
    assert "Northwind Two" in browser.get("/t/northwind/slack/").content.decode()


def test_a_state_works_once(app: SlackDouble, tenant: Tenant, ana: User, as_user: Browser) -> None:
    browser = as_user(ana)
    state = begin(browser)
    come_back(browser, state)
    app.issue_code("second", {**GRANTED, "team": {"id": "T0SECOND", "name": "x"}})

    again = come_back(browser, state, "second")

    assert again.status_code == 422
    assert len(installations(tenant)) == 1


def test_a_state_is_worth_nothing_to_anybody_else(
    app: SlackDouble, tenant: Tenant, ana: User, max_: User, as_user: Browser
) -> None:
    state = begin(as_user(ana))

    others = [come_back(as_user(max_), state), come_back(as_user(ana), state)]  # Ana again, in another session
    unknown = come_back(Client(), state)

    assert [each.status_code for each in others] == [422, 422]
    assert unknown.status_code == 302
    assert unknown["Location"].startswith("/accounts/login/")
    assert installations(tenant) == []


def test_a_state_that_is_old_made_up_or_of_another_tenant_is_refused(
    tenant: Tenant, other_tenant: Tenant, ana: User, actor: Callable[..., Actor], now: datetime
) -> None:
    given = {"user": ana, "session_key": "s"}
    with tenant_scope(tenant.id):
        state = begin_installation(tenant_id=tenant.id, actor=actor(ana), now=now, **given)
        with pytest.raises(StateRefused):
            consume_state(state=state, now=now + timedelta(minutes=11), **given)
        with pytest.raises(StateRefused):
            consume_state(state=state[:-1] + "x", now=now, **given)
        assert state not in str(SlackOAuthState.objects.values())
    with tenant_scope(other_tenant.id), pytest.raises(StateRefused):
        consume_state(state=state, now=now, **given)


def test_of_two_answers_at_once_one_wins(
    committed: None, tenant: Tenant, actor: Callable[..., Actor], now: datetime
) -> None:
    ana = User.objects.get(username="ana")
    with tenant_scope(tenant.id):
        state = begin_installation(tenant_id=tenant.id, user=ana, session_key="s", actor=actor(ana), now=now)
    start, won = threading.Barrier(4), []

    def answer() -> None:
        start.wait()
        try:
            with tenant_scope(tenant.id):
                consume_state(state=state, user=ana, session_key="s", now=now)
            won.append(True)
        except StateRefused:
            won.append(False)
        connections.close_all()

    threads = [threading.Thread(target=answer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won) == [False, False, False, True]


@pytest.mark.parametrize("person", ["ben", "cleo"])
def test_only_an_admin_connects(
    app: SlackDouble, tenant: Tenant, person: str, as_user: Browser, request: pytest.FixtureRequest
) -> None:
    browser = as_user(request.getfixturevalue(person))

    assert browser.post("/t/northwind/slack/installation/").status_code == 403
    assert browser.get("/t/northwind/slack/").status_code == 200


def test_what_slack_or_the_person_does_not_finish_changes_nothing(
    app: SlackDouble, tenant: Tenant, ana: User, as_user: Browser
) -> None:
    browser = as_user(ana)

    cancelled = come_back(browser, begin(browser), error="access_denied")
    refused = come_back(browser, begin(browser), "no-such-code")
    app.issue_code("org", {**GRANTED, "team": None, "enterprise": {"id": "E1", "name": "Org"}})
    for_all = come_back(browser, begin(browser), "org")

    assert [each.status_code for each in (cancelled, refused, for_all)] == [409, 409, 409]
    assert "invalid_code" in refused.content.decode()
    assert installations(tenant) == []


def test_a_workspace_of_another_organisation_stays_with_it(
    app: SlackDouble, tenant: Tenant, other_tenant: Tenant, ana: User, as_user: Browser, now: datetime
) -> None:
    connect_live(app, other_tenant, slack.GLOBEX_TEAM, now)
    app.issue_code("theirs", {**GRANTED, "team": {"id": slack.GLOBEX_TEAM, "name": "Globex"}})
    browser = as_user(ana)

    response = come_back(browser, begin(browser), "theirs")

    assert response.status_code == 409
    assert "speaks for another organisation" in response.content.decode()
    assert installations(tenant) == []
    assert token_of(installations(other_tenant)[0]) == f"xoxb-{slack.GLOBEX_TEAM}"


def test_a_token_opens_for_its_own_workspace_and_tenant_only(
    live: Workspace, double: SlackDouble, tenant: Tenant, other_tenant: Tenant, now: datetime
) -> None:
    connect_live(double, other_tenant, slack.GLOBEX_TEAM, now)
    (ours,), (theirs,) = installations(tenant), installations(other_tenant)
    ours.bot_token_sealed = theirs.bot_token_sealed

    with pytest.raises(SecretUnavailable):
        token_of(ours)


def test_disconnecting_forgets_the_token_and_gives_up_what_waits(
    live: Workspace, tenant: Tenant, ana: User, as_user: Browser, now: datetime
) -> None:
    Speaker()("declare sev2 x")
    (made,) = installations(tenant)
    browser = as_user(ana)

    browser.post(f"/t/northwind/slack/workspaces/{made.id}/end/")

    (gone,) = installations(tenant)
    assert (gone.bot_token_sealed, gone.revoked_why) == ("", "by hand")
    with tenant_scope(tenant.id):
        assert not OutboxMessage.objects.filter(state="PENDING").exists()
        assert not revoke_workspace(installation=gone, actor=Actor.system(), now=now)
        install(tenant, live, now)
    assert token_of(installations(tenant)[0]) == live.token


def test_scopes_that_a_workspace_has_not_granted_are_named_with_what_they_are_for(
    live: Workspace, tenant: Tenant, ana: User, as_user: Browser
) -> None:
    lacking = as_user(ana).get("/t/northwind/slack/").content.decode()
    with tenant_scope(tenant.id):
        SlackInstallation.objects.update(bot_scopes=list(SCOPES))
    whole = as_user(ana).get("/t/northwind/slack/").content.decode()

    assert "<code>usergroups:read</code> call the people of a user group" in lacking
    assert "<code>chat:write</code>" not in lacking, "the double's workspace has granted this one"
    assert "has not granted" not in whole


def test_what_was_given_up_is_shown_and_can_be_tried_again(
    live: Workspace, double: SlackDouble, tenant: Tenant, ana: User, cleo: User, as_user: Browser, deliver: Any
) -> None:
    double.fail("conversations.create", "restricted_action")
    Speaker()("declare sev2 x")
    from chatops import tasks
    from conductor.lib.clock import now as clock_now

    tasks.follow_all(clock_now())
    deliver()
    with tenant_scope(tenant.id):
        dead = OutboxMessage.objects.get(state="DEAD")
    page = as_user(cleo).get("/t/northwind/slack/").content.decode()

    assert "restricted_action" in page
    assert "Try again" not in page
    assert as_user(ana).post(f"/t/northwind/slack/outbox/{dead.id}/retry/").status_code == 302
    with tenant_scope(tenant.id):
        assert OutboxMessage.objects.get(id=dead.id).state == "PENDING"


def test_a_rotated_signing_secret_overlaps_until_its_date(workspace: Tenant, settings: Any) -> None:
    old = settings.SLACK_SIGNING_SECRET
    settings.SLACK_SIGNING_SECRET, settings.SLACK_SIGNING_SECRET_PREVIOUS = "new-secret", old
    body = form("list")

    def answers(secret: str) -> int:
        return int(post(body, headers(body, secret=secret)).status_code)

    settings.SLACK_SIGNING_SECRET_PREVIOUS_UNTIL = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert [answers("new-secret"), answers(old), answers("other")] == [200, 200, 401]
    settings.SLACK_SIGNING_SECRET_PREVIOUS_UNTIL = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    assert [answers("new-secret"), answers(old)] == [200, 401]
    settings.SLACK_SIGNING_SECRET_PREVIOUS_UNTIL = "next week"
    assert answers(old) == 401


@pytest.mark.fault("security-3")
@pytest.mark.parametrize("granted", [False, True])
def test_a_grant_of_slacks_beats_somebodys_word_and_no_other_grant(
    granted: bool, app: SlackDouble, tenant: Tenant, other_tenant: Tenant, ana: User, as_user: Browser, now: datetime
) -> None:
    system: dict[str, Any] = {"tenant_id": other_tenant.id, "actor": Actor.system(), "now": now}
    with tenant_scope(other_tenant.id):
        link_workspace(**system, team_id="T0NEW", team_name="Taken")
        SlackInstallation.objects.update(is_granted=granted)
    browser = as_user(ana)

    answer = browser.get("/slack/oauth_redirect", {"code": "good", "state": begin(browser)})

    assert answer.status_code == (409 if granted else 302)
    assert tenant_of_team("T0NEW") == (other_tenant.id if granted else tenant.id)
    with tenant_scope(other_tenant.id):
        ended = Receipt.objects.filter(action="chatops.workspace.revoked").values_list("body__why", flat=True)
        assert list(ended) == ([] if granted else ["granted elsewhere"])
