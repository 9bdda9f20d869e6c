"""The built-in rules: their own Rego tests, every attribute spoilt in turn, and a second opinion in Python."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor.policy.bundle import policy_bundle, read_folder
from conductor.policy.engine import RegorusEngine, Verdict, path_of
from conductor.policy.inputs import InvalidInput, check_document
from conductor.policy.opatest import RegoTest, run_tests
from conductor.tenancy.actors import CHANNELS
from tests.policy.documents import ACTIONS, CASES, OTHER_TENANT, TENANT, replaced, sound, value_at, without

ENGINE = RegorusEngine()
REPORT = run_tests(read_folder())
OPTIONAL = {("incidents.resolve", ("resource", "commander"))}
"""Attributes that a document may lack; without them less is allowed."""


def ask(action: str, document: dict[str, Any]) -> Verdict:
    """Ask the rules alone, without the schema that stands before them."""
    return ENGINE.evaluate(bundle=policy_bundle(), path=path_of(action), document=json.dumps(document).encode())


@pytest.mark.parametrize("test", REPORT.tests, ids=lambda test: test.name.removeprefix("data.conductor."))
def test_the_rego_test_passes(test: RegoTest) -> None:
    assert test.passed, test.error


def test_the_rego_tests_reach_every_line_of_the_rules() -> None:
    assert [file.file for file in REPORT.coverage] == list(policy_bundle().files)
    assert [(file.file, file.missed) for file in REPORT.coverage if file.missed] == []


@pytest.mark.parametrize("action", ACTIONS)
def test_the_sound_document_is_allowed(action: str) -> None:
    assert ask(action, sound(action)) == Verdict(allow=True, reasons=())


@pytest.mark.parametrize(("action", "path"), CASES)
def test_no_attribute_can_be_left_out_of_the_rules_sight(action: str, path: tuple[str, ...]) -> None:
    verdict = ask(action, without(sound(action), path))

    assert not verdict.allow
    assert verdict.reasons


@pytest.mark.parametrize(("action", "path"), CASES)
def test_no_attribute_can_be_of_another_type_or_empty(action: str, path: tuple[str, ...]) -> None:
    held = value_at(sound(action), path)
    others = [value for value in (None, "", "x", 1, True, [], {}, {"respond": True}) if type(value) is not type(held)]

    answers = {repr(value): ask(action, replaced(sound(action), path, value)).allow for value in others}
    answers["empty"] = ask(action, replaced(sound(action), path, "")).allow
    assert [value for value, allowed in answers.items() if allowed] == []


@pytest.mark.parametrize(("action", "path"), [case for case in CASES if case not in OPTIONAL])
def test_the_schema_refuses_a_missing_attribute_before_the_rules_do(action: str, path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        check_document(without(sound(action), path))


@pytest.mark.parametrize(("action", "path"), CASES)
def test_leaving_out_an_attribute_never_turns_a_denial_into_an_allowance(action: str, path: tuple[str, ...]) -> None:
    spoilt = replaced(sound(action), ("resource", "tenant"), OTHER_TENANT)

    assert not ask(action, spoilt).allow
    assert not ask(action, without(spoilt, path)).allow


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("other", ACTIONS)
def test_the_rules_of_one_action_never_allow_another(action: str, other: str) -> None:
    assert ask(action, sound(other)).allow is (action == other)


def test_every_channel_that_an_actor_may_come_through_is_known_to_the_rules() -> None:
    refused = [
        channel
        for channel in CHANNELS
        if not ask("incidents.declare", replaced(sound("incidents.declare"), ("subject", "channel"), channel)).allow
    ]

    assert refused == []


_SUBJECT = st.fixed_dictionaries(
    {
        "ref": st.sampled_from(["tenancy.user:7", "tenancy.user:8"]),
        "tenant": st.sampled_from([TENANT, OTHER_TENANT]),
        "roles": st.lists(st.sampled_from(["RESPONDER", "COMMANDER", "ADMIN", "system"]), max_size=2),
        "permissions": st.lists(st.sampled_from(["respond", "command", "seal_evidence", "view_runs"]), max_size=3),
        "channel": st.sampled_from(["console", "slack", "engine", "telegraph"]),
    }
)
_SEVERITY = st.sampled_from(["SEV1", "SEV2", "SEV3", "SEV4", "SEV5"])
_COUNT = st.integers(min_value=0, max_value=2)
_RESOURCE = {
    "incidents.declare": st.fixed_dictionaries({"severity": _SEVERITY}),
    "incidents.resolve": st.fixed_dictionaries(
        {
            "severity": _SEVERITY,
            "status": st.sampled_from(["OPEN", "MITIGATED", "MONITORING", "RESOLVED"]),
            "acknowledged": st.booleans(),
            "commander": st.sampled_from(["", "tenancy.user:7", "tenancy.user:8"]),
        }
    ),
    "evidence.seal": st.fixed_dictionaries(
        {
            "status": st.sampled_from(["DRAFT", "COLLECTING", "SEALED"]),
            "artifacts_count": _COUNT,
            "unverified_count": _COUNT,
            "receipts_unsequenced": _COUNT,
        }
    ),
}


def second_opinion(action: str, subject: dict[str, Any], resource: dict[str, Any]) -> bool:
    """Say in Python what the three policies say in Rego."""
    holds = set(subject["permissions"])
    if subject["tenant"] != resource["tenant"] or subject["channel"] not in CHANNELS:
        return False
    if action == "evidence.seal":
        entitled = "seal_evidence" in holds or ("system" in subject["roles"] and subject["channel"] == "engine")
        complete = resource["artifacts_count"] > 0 and resource["unverified_count"] == 0
        return entitled and complete and resource["receipts_unsequenced"] == 0 and resource["status"] == "COLLECTING"
    if "respond" not in holds or resource["severity"] == "SEV5":
        return False
    if action == "incidents.declare":
        return True
    commands = "command" in holds or resource["commander"] == subject["ref"]
    senior = resource["severity"] in {"SEV3", "SEV4"} or commands
    return senior and resource["acknowledged"] and resource["status"] in {"MITIGATED", "MONITORING"}


@settings(max_examples=150)
@given(action=st.sampled_from(ACTIONS), subject=_SUBJECT, data=st.data())
def test_a_second_opinion_agrees(action: str, subject: dict[str, Any], data: st.DataObject) -> None:
    document = sound(action)
    document["subject"] = subject
    document["resource"].update(data.draw(_RESOURCE[action]))

    verdict = ask(action, document)

    assert verdict.allow is second_opinion(action, subject, document["resource"])
    assert verdict.allow is (verdict.reasons == ())
