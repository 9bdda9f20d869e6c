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
from conductor.tenancy.sessions.authentication import Authentication
from tests.policy.documents import (
    ACTIONS,
    CASES,
    MAY_BE_EMPTY,
    OPTIONAL,
    OTHER_TENANT,
    TENANT,
    replaced,
    sound,
    value_at,
    without,
)

ENGINE = RegorusEngine()
REPORT = run_tests(read_folder())


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
    if path not in MAY_BE_EMPTY:
        answers["empty"] = ask(action, replaced(sound(action), path, "")).allow
    assert [value for value, allowed in answers.items() if allowed] == []


@pytest.mark.parametrize(("action", "path"), [case for case in CASES if case[1] not in OPTIONAL])
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
    def through(channel: str) -> dict[str, Any]:
        document = replaced(sound("incidents.declare"), ("subject", "channel"), channel)
        return replaced(document, ("context", "channel"), channel)

    assert [channel for channel in CHANNELS if not ask("incidents.declare", through(channel)).allow] == []


def test_every_way_to_sign_in_that_an_actor_may_have_is_known_to_the_rules() -> None:
    document = sound("incidents.declare")

    for each in Authentication:
        assert ask("incidents.declare", replaced(document, ("subject", "authentication"), each.value)).allow


_SUBJECT = st.fixed_dictionaries(
    {
        "ref": st.sampled_from(["tenancy.user:7", "tenancy.user:8"]),
        "tenant": st.sampled_from([TENANT, OTHER_TENANT]),
        "roles": st.lists(st.sampled_from(["RESPONDER", "COMMANDER", "ADMIN", "system"]), max_size=2),
        "permissions": st.lists(
            st.sampled_from(["respond", "command", "seal_evidence", "activate_policies", "manage_policies"]), max_size=3
        ),
        "channel": st.sampled_from(["console", "slack", "engine", "telegraph"]),
        "authentication": st.sampled_from(["password", "mfa", "unknown", "handshake"]),
    }
)
_PERSON = st.sampled_from(["", "tenancy.user:7", "tenancy.user:8"])
_EYES = st.fixed_dictionaries({"required": st.booleans(), "requested_by": _PERSON, "approved_by": _PERSON})
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
    "incidents.redact": st.fixed_dictionaries(
        {
            "state": st.sampled_from(["WAITING", "APPROVED", "REFUSED"]),
            "approve": st.booleans(),
            "owner": st.sampled_from(["tenancy.user:7", "tenancy.user:8"]),
        }
    ),
    "incidents.review": st.fixed_dictionaries(
        {
            "status": st.sampled_from(["DRAFT", "IN_REVIEW", "APPROVED"]),
            "approve": st.booleans(),
            "authors": st.lists(_PERSON, max_size=2),
            "blank": st.lists(st.sampled_from(["factors", "lessons"]), max_size=2),
            "waived": st.lists(st.sampled_from(["factors", "lessons"]), max_size=2),
            "explained": st.booleans(),
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
    "runs.decide": st.fixed_dictionaries(
        {
            "status": st.sampled_from(["RUNNING", "WAITING", "SUCCEEDED"]),
            "approve": st.booleans(),
            "permission": st.sampled_from(["command", "respond"]),
            "demands_four_eyes": st.booleans(),
        }
    ),
    "policy.activate": st.fixed_dictionaries(
        {
            "state": st.sampled_from(["DRAFT", "ACTIVE", "RETIRED"]),
            "reviewed_digest": st.sampled_from(["8c2f", "77aa"]),
            "owner": st.sampled_from(["tenancy.user:7", "tenancy.user:8"]),
        }
    ),
    "policy.retire": st.fixed_dictionaries({"state": st.sampled_from(["DRAFT", "ACTIVE", "RETIRED"])}),
}


def second_opinion(action: str, subject: dict[str, Any], resource: dict[str, Any], eyes: dict[str, Any]) -> bool:
    """Say in Python what the policies say in Rego."""
    holds = set(subject["permissions"])
    if subject["tenant"] != resource["tenant"] or subject["channel"] not in CHANNELS:
        return False
    if subject["authentication"] not in set(Authentication):
        return False
    if eyes["required"] and (eyes["approved_by"] != subject["ref"] or eyes["requested_by"] in ("", subject["ref"])):
        return False
    if action == "policy.retire":
        return "manage_policies" in holds and resource["state"] != "RETIRED"
    if action == "runs.decide":
        told = not resource["approve"] or not resource["demands_four_eyes"] or eyes["required"]
        return resource["permission"] in holds and resource["status"] == "WAITING" and told
    if action == "incidents.redact":
        known = eyes["required"] and eyes["requested_by"] == resource["owner"]
        return "command" in holds and known and resource["state"] == "WAITING"
    if action == "incidents.review":
        may = "command" in holds and resource["status"] == "IN_REVIEW" and subject["ref"] not in resource["authors"]
        named = not resource["approve"] or set(resource["blank"]) <= set(resource["waived"])
        said = resource["explained"] or (resource["approve"] and not resource["blank"])
        return may and named and said
    if action == "policy.activate":
        known = eyes["required"] and eyes["requested_by"] == resource["owner"]
        sound_draft = resource["state"] == "DRAFT" and resource["reviewed_digest"] == resource["digest"]
        return "activate_policies" in holds and known and sound_draft
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
@given(action=st.sampled_from(ACTIONS), subject=_SUBJECT, eyes=_EYES, data=st.data())
def test_a_second_opinion_agrees(
    action: str, subject: dict[str, Any], eyes: dict[str, Any], data: st.DataObject
) -> None:
    document = sound(action)
    document["subject"] = subject
    document["context"]["channel"] = subject["channel"]
    document["context"]["four_eyes"] = eyes
    document["resource"].update(data.draw(_RESOURCE[action]))

    verdict = ask(action, document)

    assert verdict.allow is second_opinion(action, subject, document["resource"], eyes)
    assert verdict.allow is (verdict.reasons == ())
