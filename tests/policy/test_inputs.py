from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conductor.lib.canonical import canonical_json
from conductor.policy.inputs import RESOURCES, InvalidInput, build_document, check_document
from conductor.tenancy.actors import CHANNELS, Actor
from tests.policy.documents import ACTIONS, TENANT, replaced, sound, without

NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
BEN = Actor("tenancy.user:7", "Ben", ("RESPONDER",), "console", frozenset({"view_incidents", "respond"}))


def build(resource: dict[str, Any], **changes: Any) -> tuple[dict[str, Any], list[str]]:
    given_ = {"action": "incidents.declare", "actor": BEN, "tenant": UUID(TENANT), "context": {}, "now": NOW, **changes}
    return build_document(resource=resource, **given_)


def test_a_verbs_values_become_the_document_that_the_rules_read() -> None:
    class Severity(Enum):
        SEV3 = "SEV3"

    incident = "incidents.incident:01934a00-0000-7000-8000-0000000000aa"
    described = {"environment": "production", "visibility": "NORMAL", "owner": "tenancy.user:8"}
    document, problems = build({"ref": incident, "tenant": UUID(TENANT), "severity": Severity.SEV3, **described})

    expected = sound("incidents.declare")
    expected["subject"]["permissions"] = ["respond", "view_incidents"]
    expected["subject"]["authentication"] = "unknown"
    assert problems == []
    assert document == expected
    check_document(document)


def test_moments_are_told_in_utc_and_the_door_cannot_change_the_time_or_the_channel() -> None:
    local = datetime(2026, 11, 20, 12, 30, tzinfo=timezone(timedelta(hours=1)))

    claimed = {"time": "1999-01-01T00:00:00Z", "channel": "engine", "channel_name": "C1"}
    document, _ = build({"declared_at": local}, context=claimed)

    assert document["resource"]["declared_at"] == "2026-11-20T11:30:00Z"
    assert document["context"] == {
        "time": "2026-11-20T11:00:00Z",
        "channel": "console",
        "channel_name": "C1",
        "four_eyes": {"required": False, "requested_by": "", "approved_by": ""},
    }


@pytest.mark.parametrize(
    "value",
    [Decimal("1.5"), 2**53, float("nan"), float("inf"), datetime(2026, 1, 1), b"bytes", object(), "\x00", "\ud800"],
)
def test_what_json_cannot_say_exactly_is_a_problem_and_is_named(value: object) -> None:
    document, problems = build({"ref": "incidents.incident:1", "detail": [value]})

    assert len(problems) == 1
    assert problems[0].startswith("resource.detail.0: ")
    canonical_json(document)


_JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes() | st.uuids(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3) | st.tuples(inner),
    max_leaves=8,
)


@given(
    resource=st.dictionaries(st.text(max_size=5), _JSONISH, max_size=4), context=st.dictionaries(st.text(), _JSONISH)
)
def test_whatever_a_verb_passes_becomes_canonical_json(resource: dict[str, Any], context: dict[str, Any]) -> None:
    document, _ = build(resource, context=context)

    assert json.loads(canonical_json(document))["context"]["time"] == "2026-11-20T11:00:00Z"


@pytest.mark.parametrize("action", ACTIONS)
def test_a_sound_document_passes_the_check(action: str) -> None:
    check_document(sound(action))


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("action",), "incidents.delete", "action"),
        (("action",), ["incidents.resolve"], "action"),
        (("subject",), None, "subject"),
        (("subject", "tenant"), "northwind", "subject.tenant"),
        (("subject", "roles"), "ADMIN", "subject.roles"),
        (("subject", "permissions"), [1], "subject.permissions.0"),
        (("subject", "is_superuser"), True, "subject.is_superuser"),
        (("resource", "acknowledged"), "true", "resource.acknowledged"),
        (("resource", "acknowledged"), 1, "resource.acknowledged"),
        (("resource", "severity"), 1, "resource.severity"),
        (("resource", "commander"), None, "resource.commander"),
        (("resource", "ref"), "", "resource.ref"),
        (("subject", "authentication"), 1, "subject.authentication"),
        (("resource", "environment"), None, "resource.environment"),
        (("resource", "owner"), "", "resource.owner"),
        (("context", "channel"), "", "context.channel"),
        (("context", "four_eyes"), True, "context.four_eyes"),
        (("context", "four_eyes", "required"), "yes", "context.four_eyes.required"),
        (("context", "four_eyes", "waived"), True, "context.four_eyes.waived"),
        (("context", "time"), "yesterday", "context.time"),
        (("context", "time"), "2026-11-20T11:00:00", "context.time"),
        (("overrides",), {"allow": True}, "overrides"),
    ],
)
def test_a_wrong_attribute_is_named(path: tuple[str, ...], value: object, named: str) -> None:
    with pytest.raises(InvalidInput) as invalid:
        check_document(replaced(sound("incidents.resolve"), path, value))

    assert [problem.partition(":")[0] for problem in invalid.value.problems] == [named]


@pytest.mark.parametrize("name", ["artifacts_count", "unverified_count", "receipts_unsequenced"])
@pytest.mark.parametrize("value", [-1, "0", True, 0.0, None])
def test_a_count_is_a_whole_number(name: str, value: object) -> None:
    with pytest.raises(InvalidInput, match=f"resource.{name}"):
        check_document(replaced(sound("evidence.seal"), ("resource", name), value))


def test_every_missing_attribute_is_named_at_once() -> None:
    document = without(without(sound("evidence.seal"), ("resource", "status")), ("subject", "channel"))

    with pytest.raises(InvalidInput) as invalid:
        check_document(document)

    assert [problem.partition(":")[0] for problem in invalid.value.problems] == ["subject.channel", "resource.status"]


def test_an_incident_without_a_commander_is_sound() -> None:
    check_document(without(sound("incidents.resolve"), ("resource", "commander")))


def test_each_action_with_a_shape_has_a_sound_document_here() -> None:
    assert set(RESOURCES) == set(ACTIONS)
    assert {"console", "slack", "engine"} <= set(CHANNELS)
