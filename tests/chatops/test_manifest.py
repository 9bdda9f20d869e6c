"""The manifest that Slack reads, and the reference that people read."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import resolve

from chatops.commands.phrases import VERBS
from chatops.reference import reference_page, reference_path
from chatops.slack.workspace.manifest import BUILT_IN, SCOPES, CommandNameInvalid, as_yaml, manifest


def test_the_manifest_names_our_addresses_and_asks_for_escaped_text() -> None:
    made = manifest(base_url="https://conductor.example.com/", command="/incident")

    (command,) = made["features"]["slash_commands"]
    assert command["command"] == "/incident"
    assert command["should_escape"] is True
    assert command["url"] == "https://conductor.example.com/slack/commands"
    assert made["settings"]["interactivity"]["request_url"] == "https://conductor.example.com/slack/interactions"
    assert resolve("/slack/commands").func == resolve("/slack/interactions").func == resolve("/slack/events").func


def test_the_manifest_keeps_slacks_lengths() -> None:
    made = manifest(base_url="https://conductor.example.com", command="/" + "c" * 31, name="n" * 200)

    assert len(made["display_information"]["name"]) <= 35
    assert len(made["display_information"]["description"]) <= 140
    assert len(made["features"]["bot_user"]["display_name"]) <= 80
    assert len(made["features"]["slash_commands"][0]["command"]) <= 32
    assert len(made["features"]["slash_commands"][0]["usage_hint"]) <= 1000
    assert made["oauth_config"]["scopes"]["bot"] == list(SCOPES)


@pytest.mark.parametrize("name", ["incident", "/Incident", "/a b", "/", "/" + "x" * 32, *sorted(BUILT_IN)])
def test_a_command_name_that_slack_refuses_or_has_itself_is_refused(name: str) -> None:
    with pytest.raises(CommandNameInvalid):
        manifest(base_url="https://conductor.example.com", command=name)


def test_the_yaml_says_what_the_json_says() -> None:
    made = {"a": {"b": [{"c": "x: # \u201cy\u201d\n", "d": True}, "e"], "empty": []}, "f": 1}

    assert as_yaml(made) == ('a:\n  b:\n    -\n      c: "x: # “y”\\n"\n      d: true\n    - "e"\n  empty: []\nf: 1\n')


def test_the_command_prints_either_notation() -> None:
    as_json, yaml = StringIO(), StringIO()
    call_command("slack_manifest", "--format", "json", "--base-url", "https://c.example.com", stdout=as_json)
    call_command("slack_manifest", "--command", "/inc", "--base-url", "https://c.example.com", stdout=yaml)

    assert json.loads(as_json.getvalue())["features"]["slash_commands"][0]["command"] == "/incident"
    assert 'command: "/inc"\n' in yaml.getvalue()


def test_the_command_warns_of_an_address_that_slack_cannot_call() -> None:
    out, err = StringIO(), StringIO()

    call_command("slack_manifest", "--base-url", "http://127.0.0.1:8484", stdout=out, stderr=err)

    assert "https" in err.getvalue()


def test_the_command_refuses_a_name_of_slacks_own() -> None:
    with pytest.raises(CommandError, match="/status is not one"):
        call_command("slack_manifest", "--command", "/status", stdout=StringIO())


def test_the_reference_is_what_the_vocabulary_says() -> None:
    written = reference_path().read_text(encoding="utf-8")

    assert written == reference_page(), "Run manage.py slack_reference --write."
    assert all(f"## {verb.name}\n" in written for verb in VERBS)


def test_the_reference_command_prints_the_page() -> None:
    out = StringIO()

    call_command("slack_reference", stdout=out)

    assert out.getvalue() == reference_page()
