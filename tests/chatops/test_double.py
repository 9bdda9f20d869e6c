"""The double holds itself to Slack's own API document, so that what passes here has a chance at Slack."""

from __future__ import annotations

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.chatops.double import SlackDouble, Workspace, document
from tests.chatops.double.methods import METHODS


@pytest.fixture
def northwind(double: SlackDouble) -> Workspace:
    return double.install("T0NORTHWIND", users=("U0BEN",))


def client(double: SlackDouble, workspace: Workspace) -> WebClient:
    return WebClient(token=workspace.token, base_url=double.url)


def test_every_method_of_the_double_is_one_of_slacks(double: SlackDouble) -> None:
    assert all(document.knows(method) for method in METHODS)


def test_slacks_own_client_posts_updates_and_reads_back(double: SlackDouble, northwind: Workspace) -> None:
    api = client(double, northwind)
    channel = api.conversations_create(name="inc-7")["channel"]["id"]
    ts = api.chat_postMessage(channel=channel, text="one")["ts"]
    api.chat_update(channel=channel, ts=ts, text="two")

    assert api.conversations_history(channel=channel)["messages"][0]["text"] == "two"
    assert [call.method for call in double.calls][:2] == ["conversations.create", "chat.postMessage"]


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat.postMessage", {"channel": "C0NOBODYS", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
        ("views.open", {"trigger_id": "1", "view": {"type": "modal"}}, "invalid_arguments"),
        ("conversations.create", {"name": "No Capitals"}, "invalid_name_specials"),
        ("no.such.method", {}, "unknown_method"),
    ],
)
def test_a_refusal_is_a_200_with_slacks_error(
    double: SlackDouble, northwind: Workspace, method: str, arguments: dict[str, object], error: str
) -> None:
    with pytest.raises(SlackApiError) as refused:
        client(double, northwind).api_call(method, json=arguments)
    double.violations.clear()

    assert refused.value.response.status_code == 200
    assert refused.value.response["error"] == error


def test_a_limit_is_a_429_that_says_when(double: SlackDouble, northwind: Workspace) -> None:
    double.limit("auth.test", retry_after=30)

    with pytest.raises(SlackApiError) as refused:
        client(double, northwind).auth_test()

    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "30"


def test_a_trigger_is_good_once_and_for_three_seconds(double: SlackDouble, northwind: Workspace) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [{"type": "divider"}]}
    fresh, old = northwind.trigger("U0BEN"), northwind.trigger("U0BEN", age=3.1)
    api = client(double, northwind)

    api.views_open(trigger_id=fresh, view=view)
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        api.views_open(trigger_id=fresh, view=view)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        api.views_open(trigger_id=old, view=view)


def test_a_token_of_another_workspace_or_none_is_refused(double: SlackDouble, northwind: Workspace) -> None:
    for token, error in (("xoxb-else", "invalid_auth"), ("", "not_authed")):
        with pytest.raises(SlackApiError, match=error):
            WebClient(token=token, base_url=double.url).auth_test()


def _modal(**more: object) -> dict[str, object]:
    title = {"type": "plain_text", "text": "Title"}
    return {"type": "modal", "title": title, "blocks": [{"type": "divider"}], **more}


def _button(text: str, value: str = "v") -> dict[str, object]:
    element = {"type": "button", "action_id": "a", "value": value, "text": {"type": "plain_text", "text": text}}
    return {"type": "actions", "elements": [element]}


@pytest.mark.parametrize(
    "view",
    [
        _modal(title={"type": "plain_text", "text": "t" * 25}),
        _modal(private_metadata="m" * 3001),
        _modal(blocks=[{"type": "divider"}] * 101),
        _modal(blocks=[_button("b" * 76)]),
        _modal(blocks=[_button("b", "v" * 2001)]),
        _modal(blocks=[{"type": "header", "text": {"type": "plain_text", "text": "h" * 151}}]),
        _modal(blocks=[{"type": "divider", "block_id": "same"}] * 2),
    ],
)
def test_what_is_too_long_for_slack_is_refused_and_remembered(
    double: SlackDouble, northwind: Workspace, view: dict[str, object]
) -> None:
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        client(double, northwind).views_open(trigger_id=northwind.trigger("U0BEN"), view=view)

    assert double.violations
    double.violations.clear()
