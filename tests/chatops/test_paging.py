"""Whom `page` calls: people, roles, Slack's user groups; who is told how, who could not be, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from adapters.models.adapter import AdapterConfig
from chatops import tasks
from chatops.commands import groups
from chatops.console.run import Spoken, say
from chatops.models.group import SlackGroup
from chatops.models.workspace import SlackInstallation
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.record.wording import sentence
from tests.chatops.blocks import check_message
from tests.chatops.double import SlackDouble, Workspace
from tests.chatops.slack import BEN, CLEO, CORA, STRANGER, Speaker, buttons, form, headers, post, words

Deliver = Callable[[], int]
ONCALL = "<!subteam^S0ONCALL|@oncall>"


@pytest.fixture
def rota(live: Workspace) -> Workspace:
    """Northwind's workspace with a user group of a commander, an auditor, a stranger and Ben, who pages."""
    live.groups["S0ONCALL"] = ("oncall", [CORA, CLEO, STRANGER, BEN])
    Speaker()("declare sev4 Checkout fails")
    return live


@pytest.fixture
def page(
    rota: Workspace, double: SlackDouble, deliver: Deliver
) -> Callable[..., tuple[dict[str, Any], dict[str, Any]]]:
    """`page("ic")`: what Ben is told at once, and what he is told in the end."""

    def paged(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
        url = f"{double.url.removesuffix('api/')}response/{rota.team_id}/page"
        body = form(f"page {text}", response_url=url)
        first = post(body, headers(body)).json()
        before = len(rota.responses)
        deliver()
        later = [message for _, message in rota.responses[before:]]
        last = later[-1] if later else first
        check_message({key: last[key] for key in ("text", "blocks")})
        return first, last

    return paged


def pages(tenant: Tenant) -> list[TimelineEvent]:
    with tenant_scope(tenant.id):
        return list(TimelineEvent.objects.filter(kind=EventKind.PAGED).order_by("seq"))


def asked(double: SlackDouble) -> list[str]:
    return [call.method for call in double.calls if call.method.startswith("usergroups.")]


def told(live: Workspace, person: str) -> list[Any]:
    return list(live.channels[person].messages.values()) if person in live.channels else []


def test_a_group_calls_its_people_and_says_who_could_not_be(page: Any, tenant: Tenant, double: SlackDouble) -> None:
    first, last = page(f"{ONCALL} Checkout is down")

    assert first["text"] == "Asking Slack who is in @oncall. You will see here who is paged."
    assert "calls @oncall: Cora Commander" in words(last)
    assert f"*Not called:* Cleo Auditor (may not respond), <@{STRANGER}> (is not linked to a member)" in words(last)
    assert "In Slack: Cora Commander" in words(last)
    assert "Members confirm their Slack account themselves" in words(last)
    assert "Invite people" not in buttons(last)
    (entry,) = pages(tenant)
    assert [each["name"] for each in entry.data["to"]["people"]] == ["Cora Commander"]
    assert sentence(entry) == "Ben Responder called @oncall: Cora Commander"
    assert asked(double) == ["usergroups.users.list"]


def test_within_ten_minutes_slack_is_not_asked_again(page: Any, tenant: Tenant, double: SlackDouble) -> None:
    page(ONCALL)
    first, _ = page(f"{ONCALL} Again")
    assert "calls @oncall: Cora Commander" in words(first)
    assert len(asked(double)) == 1

    with tenant_scope(tenant.id):
        SlackGroup.objects.update(asked_at=clock_now() - groups.FRESH_FOR - timedelta(seconds=1))
    page(ONCALL)
    assert len(asked(double)) == 2
    assert len(pages(tenant)) == 3


def test_a_handle_that_is_typed_is_looked_up_and_a_near_miss_is_told(page: Any, double: SlackDouble) -> None:
    _, found = page("group:OnCall")
    _, wrong = page("group:oncal")

    assert "calls @OnCall: Cora Commander" in words(found)
    assert asked(double) == ["usergroups.list", "usergroups.users.list", "usergroups.list"]
    assert "Slack knows no group @oncal. Did you mean @oncall?" in words(wrong)


@pytest.mark.parametrize(
    ("error", "why", "button"),
    [
        ("missing_scope", "Slack has not granted usergroups:read here.", "Correct it…"),
        ("paid_teams_only", "its plan is without them", "Correct it…"),
        ("fatal_error", "Slack does not say who is in @oncall (fatal_error). Try again in a minute.", "Correct it…"),
        ("no_such_subteam", "Slack knows no group @oncall. Name people instead", "Correct it…"),
    ],
)
def test_what_slack_does_not_say_is_refused_with_what_to_do(
    page: Any, tenant: Tenant, double: SlackDouble, error: str, why: str, button: str
) -> None:
    double.fail("usergroups.users.list", error)

    _, refused = page(ONCALL)

    assert refused["text"].startswith("Refused, nothing was changed.")
    assert why in words(refused)
    assert list(buttons(refused)) == [button]
    assert pages(tenant) == []


def test_while_slack_is_away_its_last_word_is_taken_and_said_to_be_old(
    page: Any, tenant: Tenant, double: SlackDouble
) -> None:
    page(ONCALL)
    with tenant_scope(tenant.id):
        SlackGroup.objects.update(asked_at=clock_now() - timedelta(hours=3))
    double.fail("usergroups.users.list", "internal_error")

    _, last = page(ONCALL)

    assert "calls @oncall: Cora Commander" in words(last)
    assert "Slack does not answer: these are the people as of" in words(last)


def test_the_holder_of_a_role_or_all_of_them_or_whoever_may_respond_is_called(page: Any, tenant: Tenant) -> None:
    vacant, _ = page("ic")
    Speaker(CORA)("ic")
    Speaker()("scribe")
    holder, _ = page("ic Come quickly")
    holders, _ = page("roles")
    responders, _ = page("responders")

    assert "Nobody holds the role of commander in INC-1." in words(vacant)
    assert list(buttons(vacant)) == ["Assign it…"]
    assert "calls the commander: Cora Commander" in words(holder)
    assert "calls everybody with a role: Cora Commander" in words(holders)
    assert "calls everybody who may respond:" in words(responders)
    assert "Ben Responder" not in words(responders), "whoever pages is not called"
    assert len(pages(tenant)) == 3


def test_a_page_that_would_call_nobody_or_a_crowd_is_refused(
    page: Any, rota: Workspace, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    rota.groups["S0ONCALL"] = ("oncall", [CLEO, BEN])
    _, nobody = page(ONCALL)
    monkeypatch.setattr("chatops.commands.page_recipients.MOST", 0)
    crowd, _ = page("responders")

    assert "Nobody in @oncall can be called, besides you. Cleo Auditor may not respond. Name people" in words(nobody)
    assert "That would call" in words(crowd)
    assert pages(tenant) == []


def test_whoever_is_called_is_told_in_slack_once_with_what_to_press(
    page: Any, rota: Workspace, tenant: Tenant, deliver: Deliver
) -> None:
    page("<@U0CORA|cora> The replica &lt;lags&gt;")
    for _ in range(2):
        tasks.follow_all(clock_now())
        deliver()

    (message,) = told(rota, CORA)
    assert "Ben Responder calls you to INC-1 SEV4: Checkout fails" in message.text
    assert ">The replica &lt;lags&gt;" in words({"blocks": message.blocks})
    assert list(buttons({"blocks": message.blocks})) == ["I am on it", "Status", "Take a role…"]
    room = next(each for each in rota.channels.values() if each.name.startswith("inc-1"))
    assert CORA in room.members


def test_a_page_of_long_ago_wakes_nobody_who_is_linked_later(page: Any, rota: Workspace, deliver: Deliver) -> None:
    page("<@U0CORA|cora>")
    tasks.follow_all(clock_now() + timedelta(hours=2))
    deliver()

    assert told(rota, CORA) == []


def test_of_a_private_incident_the_code_is_said_and_nobody_is_let_in(
    rota: Workspace, page: Any, tenant: Tenant, deliver: Deliver
) -> None:
    Speaker()("declare sev1 Signing key leaked --private")
    answer, _ = page("INC-2 <@U0CORA|cora> It is the signing key")
    for _ in range(2):
        tasks.follow_all(clock_now())
        deliver()

    (message,) = told(rota, CORA)
    assert "It is private: who holds no role in it cannot read it" in words(answer)
    assert "INC-2" in message.text
    assert "key" not in message.text + words({"blocks": message.blocks})
    room = next(each for each in rota.channels.values() if each.name == "inc-2")
    assert CORA not in room.members


def test_who_is_not_linked_in_slack_is_reached_by_the_adapters_alone(
    rota: Workspace, page: Any, tenant: Tenant, ana: User
) -> None:
    nobody, _ = page("@ana")
    with tenant_scope(tenant.id):
        AdapterConfig.objects.create(
            tenant=tenant,
            port="notification",
            kind="webhook",
            name="Pager",
            created_at=clock_now(),
            updated_at=clock_now(),
        )
    reached, _ = page("@ana")
    service, _ = page("service:payments")

    assert "No notification adapter is switched on" in words(nobody)
    assert list(buttons(nobody)) == ["Correct it…"]
    assert "Sent by Pager" in words(reached)
    assert "Not linked in Slack: Ana Admin" in words(reached)
    assert "calls payments" in words(service)
    assert "Sent by Pager, which the name is for" in words(service)


def test_at_other_doors_slack_is_asked_first_and_the_sentence_said_again(
    rota: Workspace, tenant: Tenant, ben: User, double: SlackDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[dict[str, Any]] = []
    monkeypatch.setattr("chatops.console.run.send", lambda name, given, queue: woken.append({"task": name, **given}))

    def spoken() -> Spoken:
        with tenant_scope(tenant.id):
            actor = actor_for_user(user=ben, tenant=tenant, channel="console")
            assert actor is not None
            return say(text="page group:oncall", tenant=tenant, user=ben, actor=actor, now=clock_now())

    first = spoken()
    (task,) = woken
    tasks.ask_group(**{name: value for name, value in task.items() if name != "task"})
    again = spoken()

    assert first.answer["text"] == "Asking Slack who is in @oncall. Say it again in a few seconds."
    assert (first.was_done, again.was_done, task["task"]) == (False, True, "chatops.ask_group")
    assert "calls @oncall: Cora Commander" in words(dict(again.answer))


def test_without_a_token_or_a_workspace_nobody_knows_a_group(workspace: Tenant, ben_says: Speaker) -> None:
    ben_says("declare sev4 x")
    answer = ben_says("page group:oncall")
    with tenant_scope(workspace.id):
        SlackInstallation.objects.update(revoked_at=clock_now())
        with pytest.raises(groups.GroupUnknown) as gone:
            groups.group_of(team_id="", said="@a", shown="@a", now=clock_now())

    assert "Conductor has no token with which to ask Slack who is in @oncall." in words(answer)
    assert list(buttons(answer)) == ["Correct it…"]
    assert "No Slack workspace is connected that could say who is in @a." in str(gone.value)
