"""Modals and buttons, against our double of Slack: opened while Slack waits, prefilled, errors beside the field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chatops.models.inbound_request import SlackReceipt
from chatops.models.outbox import OutboxMessage
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.status import mitigate_incident
from incidents.models.choices import Status
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from tests.chatops import slack
from tests.chatops.blocks import check_message, check_view
from tests.chatops.double import SlackDouble, Workspace
from tests.chatops.slack import (
    BEN,
    CLEO,
    CORA,
    Speaker,
    buttons,
    fill_in,
    form,
    headers,
    interaction,
    post,
    press,
    send,
)

Deliver = Callable[[], int]
BLANK = b""


def incidents(tenant: Tenant) -> list[Incident]:
    with tenant_scope(tenant.id):
        return list(Incident.objects.select_related("environment").order_by("number"))


def command(live: Workspace, text: str, *, user: str = BEN, double: SlackDouble | None = None, **more: str) -> Any:
    """Send a command as Slack does, with a live trigger and a response URL of the double's."""
    url = f"{double.url.removesuffix('api/')}response/{live.team_id}/{text[:8].replace(' ', '_')}" if double else ""
    body = form(text, user=user, team=live.team_id, trigger=live.trigger(user), response_url=url, **more)
    return post(body, headers(body))


def test_a_verb_alone_opens_its_modal_within_the_request(live: Workspace, tenant: Tenant) -> None:
    response = command(live, "declare")

    (view,) = live.modals
    assert (response.status_code, response.content) == (200, BLANK)
    assert view["callback_id"] == "verb:declare"
    assert view["user"] == BEN
    asked = ["title", "severity", "service", "environment", "summary", "type", "private", "drill"]
    assert [block["block_id"] for block in view["blocks"]] == asked
    assert incidents(tenant) == []


def test_the_modal_is_filled_in_with_what_was_said(live: Workspace) -> None:
    command(live, "declare sev2 --service checkout")

    inputs = {block["block_id"]: block["element"] for block in live.modals[0]["blocks"]}
    assert inputs["severity"]["initial_option"]["value"] == "SEV2"
    assert inputs["service"]["initial_value"] == "checkout"
    assert "initial_value" not in inputs["title"]


def test_what_is_filled_in_declares_and_tells_the_channel(
    live: Workspace, double: SlackDouble, tenant: Tenant, deliver: Deliver
) -> None:
    command(live, "declare", double=double)
    values = {"title": "Checkout fails", "severity": "SEV1", "environment": "production", "summary": "61% fail."}

    response = fill_in(live.modals[0], values)
    deliver()

    (incident,) = incidents(tenant)
    assert (response.status_code, response.content) == (200, BLANK)
    assert (incident.title, incident.severity, incident.summary) == ("Checkout fails", "SEV1", "61% fail.")
    assert incident.environment.slug == "production"  # type: ignore[union-attr]
    (answer,) = [message for _, message in live.responses]
    assert answer["response_type"] == "in_channel"
    assert "INC-1 declared by Ben Responder" in answer["text"]


def test_what_is_wrong_stands_beside_its_field_and_changes_nothing(live: Workspace, tenant: Tenant) -> None:
    command(live, "declare")

    response = fill_in(live.modals[0], {"title": "x" * 300, "severity": "SEV1"})

    assert response.json()["response_action"] == "errors"
    assert list(response.json()["errors"]) == ["title"]
    assert "200" in response.json()["errors"]["title"]
    assert incidents(tenant) == []


def test_values_sent_again_after_a_refusal_are_tried_again(live: Workspace, tenant: Tenant) -> None:
    slack_says = Speaker()
    slack_says("declare sev3 x")
    command(live, "classify sev4")  # refused: no reason is given for lowering
    command(live, "classify")
    view = live.modals[0]

    refused = fill_in(view, {"severity": "SEV4"})
    with tenant_scope(tenant.id):
        Incident.objects.update(severity="SEV4")
    again = fill_in(view, {"severity": "SEV4"})

    assert "errors" in refused.json()
    assert again.content == BLANK


def test_a_modal_sent_twice_acts_once(live: Workspace, tenant: Tenant) -> None:
    command(live, "declare")
    values = {"title": "Checkout fails", "severity": "SEV2"}

    first, second = fill_in(live.modals[0], values), fill_in(live.modals[0], values)

    assert first.content == second.content == BLANK
    assert len(incidents(tenant)) == 1


def test_somebody_who_moved_it_meanwhile_is_named_and_not_overwritten(
    live: Workspace, tenant: Tenant, cora: Any, actor: Any, now: Any
) -> None:
    Speaker()("declare sev3 x")
    command(live, "mitigated")
    with tenant_scope(tenant.id):
        mitigate_incident(incident=Incident.objects.get(), reason="", actor=actor(cora), now=now)

    response = fill_in(live.modals[0], {"text": "Rolled back"})

    assert "Its status changed to mitigated by Cora Commander" in response.json()["errors"]["text"]
    assert incidents(tenant)[0].status == Status.MITIGATED


def test_a_repeat_of_the_command_opens_no_second_modal(live: Workspace) -> None:
    trigger = live.trigger(BEN)
    body = form("declare", trigger=trigger)
    given = headers(body)

    first, second = post(body, given), post(body, given)

    assert first.content == second.content == BLANK
    assert len(live.modals) == 1


@pytest.mark.parametrize("error", ["expired_trigger_id", "fatal_error", "token_revoked"])
def test_a_modal_that_slack_does_not_open_is_replaced_by_words(
    live: Workspace, double: SlackDouble, tenant: Tenant, error: str
) -> None:
    double.fail("views.open", error)

    answer = command(live, "declare").json()

    check_message(answer)
    assert "Say what is broken" in answer["text"]
    assert live.modals == []


def test_without_a_token_the_same_words_are_the_answer(ben_says: Speaker) -> None:
    assert "Say what is broken" in ben_says("declare")["text"]


def test_a_button_opens_the_modal_about_its_incident(live: Workspace, double: SlackDouble) -> None:
    answer = Speaker()("declare sev2 Checkout fails")

    response = press(buttons(answer)["Severity…"], user=CORA, trigger=live.trigger(CORA))

    (view,) = live.modals
    assert response.content == BLANK
    assert (view["callback_id"], view["user"]) == ("verb:classify", CORA)
    assert "INC-1" in view["blocks"][0]["text"]["text"]


def test_a_button_acts_with_the_rights_of_who_presses_it(
    live: Workspace, double: SlackDouble, tenant: Tenant, deliver: Deliver
) -> None:
    answer = Speaker()("declare sev2 Checkout fails")
    ack = buttons(answer)["I am on it"]
    url = f"{double.url.removesuffix('api/')}response/{live.team_id}/press"

    press(ack, user=CLEO, response_url=url)
    deliver()
    assert incidents(tenant)[0].acknowledged_at is None
    press(ack, user=BEN, response_url=url)
    deliver()

    assert incidents(tenant)[0].acknowledged_at is not None
    refused, done = [message for _, message in live.responses]
    assert refused["text"].startswith("Refused, nothing was changed.")
    assert "is acknowledged by you" in done["text"]


def test_a_button_of_another_organisation_or_made_up_does_nothing(
    live: Workspace, other_workspace: Tenant, tenant: Tenant
) -> None:
    theirs = Speaker(slack.MAX, slack.GLOBEX_TEAM)("declare sev1 Theirs")
    Speaker()("declare sev2 Ours")

    for value in (buttons(theirs)["I am on it"]["value"], "made-up", ""):
        press({"action_id": "do:ack", "value": value})

    assert incidents(tenant)[0].acknowledged_at is None
    with tenant_scope(tenant.id):
        told = [each.arguments["message"]["text"] for each in OutboxMessage.objects.filter(method="response_url")]
    assert len(told) == 3
    assert all("not one that Conductor gave out here" in text for text in told)


def test_a_modal_whose_memory_was_tampered_with_does_nothing(live: Workspace, tenant: Tenant) -> None:
    command(live, "declare")
    view = {**live.modals[0], "private_metadata": live.modals[0]["private_metadata"].replace(":", ";", 1)}

    response = fill_in(view, {"title": "x", "severity": "SEV1"})

    assert "not one that Conductor gave out here" in str(response.json()["errors"])
    assert incidents(tenant) == []


def test_a_refusal_carries_the_buttons_that_fix_it(live: Workspace) -> None:
    ben = Speaker()
    ben("declare sev3 x")
    ben("mitigated done")

    refused = ben("resolved done")
    assert list(buttons(refused)) == ["I am on it", "Assign a commander…"]
    press(buttons(refused)["I am on it"])
    ben("resolved done")
    over = ben("monitoring INC-1 watching")

    assert list(buttons(over)) == ["Reopen…"]
    press(buttons(over)["Reopen…"], trigger=live.trigger(BEN))
    assert live.modals[-1]["callback_id"] == "verb:reopen"


def test_where_there_is_nothing_to_act_on_one_is_offered_to_be_declared(live: Workspace) -> None:
    answer = Speaker()("mitigated", trigger=live.trigger(BEN))

    assert "No incident is active." in answer["text"]
    press(buttons(answer)["Declare an incident…"], trigger=live.trigger(BEN))
    assert live.modals[-1]["callback_id"] == "verb:declare"


def test_a_task_that_there_is_not_is_refused_with_the_list(ben_says: Speaker) -> None:
    ben_says("declare sev3 x")

    refused = ben_says("done 9")

    assert "INC-1 has no task 9." in refused["text"]
    assert list(buttons(refused)) == ["Correct it…", "Tasks"]


def test_a_move_that_needs_a_reason_offers_its_form(ben_says: Speaker) -> None:
    ben_says("declare sev3 x")
    ben_says("monitoring watching it")
    answer = ben_says("mitigated")

    check_message(answer)
    assert list(buttons(answer)) == ["Correct it…"]


def test_where_it_is_unclear_which_one_each_candidate_has_a_button(live: Workspace, tenant: Tenant) -> None:
    ben = Speaker()
    ben("declare sev3 First")
    ben("declare sev3 Second")

    answer = ben("mitigated traffic moved")
    press(buttons(answer)["INC-1"])

    check_message(answer)
    assert [each.status for each in incidents(tenant)] == [Status.MITIGATED, Status.OPEN]


def test_a_modal_about_an_unclear_incident_asks_which(live: Workspace, tenant: Tenant) -> None:
    ben = Speaker()
    ben("declare sev3 First")
    ben("declare sev3 Second")
    command(live, "update")

    (view,) = live.modals
    assert view["blocks"][0]["block_id"] == "incident"
    fill_in(view, {"incident": "2", "text": "Rolled back"})

    with tenant_scope(tenant.id):
        assert Incident.objects.get(number=2).timeline.filter(body="Rolled back").exists()


def test_assign_by_modal_gives_the_role_to_who_was_chosen(live: Workspace, tenant: Tenant) -> None:
    Speaker()("declare sev2 x")
    command(live, "assign", user=CORA)

    response = fill_in(live.modals[0], {"role": "SCRIBE", "person": BEN}, user=CORA)

    assert response.content == BLANK
    with tenant_scope(tenant.id):
        assert RoleAssignment.objects.get(role="SCRIBE").user.username == "ben"


def test_a_stranger_and_an_auditor_get_their_refusal_in_the_modal(live: Workspace, tenant: Tenant) -> None:
    command(live, "declare", user=CLEO)

    auditor = fill_in(live.modals[0], {"title": "x", "severity": "SEV1"}, user=CLEO)
    stranger = fill_in(live.modals[0], {"title": "y", "severity": "SEV1"}, user=slack.STRANGER)

    assert "Only Responder" in str(auditor.json()["errors"])
    assert "does not know which member you are" in str(stranger.json()["errors"])
    assert incidents(tenant) == []


@pytest.mark.parametrize(
    "verb", ["declare", "classify", "assign", "update", "decide", "mitigated", "monitoring", "resolved", "reopen"]
)
def test_every_verbs_modal_fits_slack(live: Workspace, verb: str) -> None:
    ben = Speaker()
    ben(f"declare sev3 {'long title ' * 30}"[:212])
    if verb == "reopen":
        ben("ack")
        ben("mitigated done")
        ben("resolved done")

    said = command(live, verb)

    assert said.content == BLANK
    check_view({key: value for key, value in live.modals[0].items() if key not in {"id", "hash", "user"}})


def test_the_message_shortcut_asks_which_incident_and_captures(
    live: Workspace, double: SlackDouble, tenant: Tenant, deliver: Deliver
) -> None:
    Speaker()("declare sev2 x")
    message = {"type": "message", "user": CORA, "ts": "1795500000.000100", "text": "Replica <@U0BEN|ben> is behind"}
    payload = interaction(
        "message_action",
        callback_id="capture_message",
        channel={"id": "C0INCIDENTS", "name": "incidents"},
        message=message,
        message_ts=message["ts"],
        response_url=f"{double.url.removesuffix('api/')}response/{live.team_id}/shortcut",
        trigger=live.trigger(BEN),
    )

    send(payload)
    fill_in(live.modals[0], {"incident": "1"})
    deliver()

    with tenant_scope(tenant.id):
        entry = Incident.objects.get().timeline.get(kind="chat.message_captured")
    assert entry.body == "Replica @ben is behind"
    assert entry.data["author"] == "Cora Commander"
    assert "has this message on its timeline" in live.responses[0][1]["text"]


def test_every_interaction_leaves_a_row_of_its_kind(live: Workspace, tenant: Tenant) -> None:
    command(live, "declare")
    fill_in(live.modals[0], {"title": "x", "severity": "SEV2"})

    with tenant_scope(tenant.id):
        rows = list(SlackReceipt.objects.order_by("id").values_list("kind", "state"))
    assert rows == [("command", "DONE"), ("view", "DONE")]
