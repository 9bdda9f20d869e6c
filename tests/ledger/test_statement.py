"""Statements: one canonical form, read strictly (T16)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from conductor.ledger import statement
from conductor.ledger.statement import ReceiptContent, StatementRefused, Subject
from conductor.lib.canonical import canonical_json

RECEIPT = ReceiptContent(
    receipt_id=UUID("0192f0c1-0000-7000-8000-0000000000aa"),
    tenant_id=UUID("0192f0c1-0000-7000-8000-000000000001"),
    tenant_slug="northwind",
    action="incidents.incident.declared",
    subject="incidents.incident:0192f0c1-0000-7000-8000-0000000000bb",
    subject_name="INC-7 Zahlungen hängen",
    actor="tenancy.user:4",
    actor_name="Ben",
    occurred_at=datetime(2026, 11, 20, 11, 0, tzinfo=UTC),
    recorded_at=datetime(2026, 11, 20, 11, 0, 1, 500000, tzinfo=UTC),
    body={"severity": "SEV2", "ratio": 0.5},
    links=("conductor.policy_decision:9",),
)
FILES = (Subject("data/a.csv", "a" * 64), Subject("manifest.json", "b" * 64))


def altered(payload: bytes, **changes: Any) -> bytes:
    return canonical_json({**json.loads(payload), **changes})


def altered_predicate(payload: bytes, **changes: Any) -> bytes:
    value = json.loads(payload)
    return canonical_json({**value, "predicate": {**value["predicate"], **changes}})


def test_a_receipt_says_who_did_what_to_which_record_and_when() -> None:
    said = json.loads(statement.receipt(RECEIPT))

    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["predicateType"] == "https://maestro-conductor.dev/receipt/v1"
    assert said["predicate"] == {
        "receiptId": "0192f0c1-0000-7000-8000-0000000000aa",
        "tenant": {"id": "0192f0c1-0000-7000-8000-000000000001", "slug": "northwind"},
        "action": "incidents.incident.declared",
        "subject": {
            "ref": "incidents.incident:0192f0c1-0000-7000-8000-0000000000bb",
            "name": "INC-7 Zahlungen hängen",
        },
        "actor": {"ref": "tenancy.user:4", "name": "Ben"},
        "occurredAt": "2026-11-20T11:00:00Z",
        "recordedAt": "2026-11-20T11:00:01.500000Z",
        "body": {"severity": "SEV2", "ratio": 0.5},
        "links": ["conductor.policy_decision:9"],
    }


def test_without_files_a_receipt_is_about_its_own_body() -> None:
    said = json.loads(statement.receipt(RECEIPT))

    body = canonical_json({"severity": "SEV2", "ratio": 0.5})
    assert said["subject"] == [
        {
            "name": "receipts/0192f0c1-0000-7000-8000-0000000000aa/body.json",
            "digest": {"sha256": hashlib.sha256(body).hexdigest()},
        }
    ]


def test_with_files_a_receipt_vouches_for_them_in_their_order() -> None:
    said = json.loads(statement.receipt(replace(RECEIPT, files=FILES)))

    assert said["subject"] == [
        {"name": "data/a.csv", "digest": {"sha256": "a" * 64}},
        {"name": "manifest.json", "digest": {"sha256": "b" * 64}},
    ]


@pytest.mark.parametrize("files", [(), FILES], ids=["body", "files"])
def test_a_receipt_read_back_says_the_same(files: tuple[Subject, ...]) -> None:
    payload = statement.receipt(replace(RECEIPT, files=files))

    content = statement.parse_receipt(payload)

    assert statement.receipt(content) == payload
    assert replace(content, files=(), links=tuple(content.links)) == RECEIPT


@pytest.mark.parametrize(
    "body",
    [{"n": 2**53}, {"n": -(2**53)}, {"n": float("nan")}, {"n": float("inf")}, {"s": "\ud800"}, {"o": object()}, {1: 2}],
)
def test_a_body_that_json_cannot_say_exactly_is_refused(body: dict[Any, Any]) -> None:
    with pytest.raises(StatementRefused):
        statement.receipt(replace(RECEIPT, body=body))


def test_the_largest_exact_number_is_accepted() -> None:
    assert statement.parse_receipt(statement.receipt(replace(RECEIPT, body={"n": 2**53 - 1}))).body == {"n": 2**53 - 1}


@pytest.mark.parametrize(
    "subjects",
    [
        [],
        [Subject("", "a" * 64)],
        [Subject("a", "A" * 64)],
        [Subject("a", "a" * 63)],
        [Subject("a", "")],
        [Subject("u\u0308ber", "a" * 64)],
        [Subject("a", "a" * 64), Subject("a", "b" * 64)],
    ],
    ids=["none", "nameless", "upper case", "short", "no digest", "NFD", "twice"],
)
def test_malformed_subjects_are_refused_in_writing_and_in_reading(subjects: list[Subject]) -> None:
    listed = [{"name": each.name, "digest": {"sha256": each.digest}} for each in subjects]

    with pytest.raises(StatementRefused):
        statement.build(subjects=subjects, predicate_type="x", predicate={})
    with pytest.raises(StatementRefused):
        statement.parse(altered(statement.receipt(RECEIPT), subject=listed))


def test_only_the_canonical_form_is_read() -> None:
    payload = statement.receipt(RECEIPT)
    value = json.loads(payload)
    cases = {
        "another form": json.dumps(value).encode(),
        "trailing newline": payload + b"\n",
        "key twice": payload.replace(b'{"_type"', b'{"_type":"x","_type"', 1),
        "NaN": payload.replace(b"0.5", b"NaN"),
        "huge number": payload.replace(b"0.5", b"9007199254740993"),
        "not UTF-8": payload.replace(b"Ben", b"B\xffn"),
        "deep": b"[" * 100_000,
        "nothing": b"",
        "a list": b"[]",
    }

    for name, changed in cases.items():
        assert changed != payload, name
        with pytest.raises(StatementRefused):
            statement.parse(changed)


def test_a_statement_of_another_type_or_with_other_fields_is_refused() -> None:
    payload = statement.receipt(RECEIPT)
    cases: list[dict[str, Any]] = [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"extra": 1},
        {"predicate": []},
        {"predicateType": None},
        {"subject": {}},
        {"subject": ["x"]},
        {"subject": [{"name": "a", "digest": {"sha256": "a" * 64, "md5": "b"}}]},
        {"subject": [{"name": "a", "digest": {"sha256": "a" * 64}, "uri": "x"}]},
        {"subject": [{"name": 1, "digest": {"sha256": "a" * 64}}]},
        {"subject": [{"name": "a", "digest": {"sha256": 1}}]},
    ]

    for changes in cases:
        with pytest.raises(StatementRefused):
            statement.parse(altered(payload, **changes))


def test_a_receipt_with_other_fields_than_ours_is_refused() -> None:
    payload = statement.receipt(RECEIPT)
    cases: list[dict[str, Any]] = [
        {"extra": 1},
        {"receiptId": "7"},
        {"receiptId": "0192F0C1-0000-7000-8000-0000000000AA"},
        {"tenant": {"id": str(RECEIPT.tenant_id)}},
        {"tenant": {"id": str(RECEIPT.tenant_id), "slug": "northwind", "plan": "x"}},
        {"occurredAt": "2026-11-20T11:00:00"},
        {"occurredAt": "2026-11-20T12:00:00+01:00"},
        {"action": 5},
        {"links": "abc"},
        {"links": [1]},
        {"body": []},
        {"actor": None},
        {"body": {"severity": "SEV4"}},
    ]

    for changes in cases:
        with pytest.raises(StatementRefused):
            statement.parse_receipt(altered_predicate(payload, **changes))
    with pytest.raises(StatementRefused, match="predicate's type"):
        statement.parse_receipt(altered(payload, predicateType="https://example.com/other/v1"))


HOW = {"method": "slack", "team": "T1", "user": "U7", "for": {"authentication": None}}


@pytest.mark.fault("security-4")
def test_a_receipt_that_says_how_its_actor_was_authenticated_is_of_version_2() -> None:
    payload = statement.receipt(replace(RECEIPT, authentication=HOW))
    said = json.loads(payload)

    assert said["predicateType"] == "https://maestro-conductor.dev/receipt/v2"
    assert said["predicate"]["actor"] == {"ref": "tenancy.user:4", "name": "Ben", "authentication": HOW}
    assert statement.parse_receipt(payload).authentication == HOW
    assert statement.parse_receipt(statement.receipt(RECEIPT)).authentication is None


@pytest.mark.fault("security-4")
@pytest.mark.parametrize("said", [None, {}, "slack", [], {"method": ""}, {"method": 1}, {"user": "U7"}], ids=repr)
def test_version_2_without_a_method_is_refused(said: Any) -> None:
    payload = statement.receipt(replace(RECEIPT, authentication=HOW))
    actor = {"ref": "tenancy.user:4", "name": "Ben", "authentication": said}

    with pytest.raises(StatementRefused):
        statement.parse_receipt(altered_predicate(payload, actor=actor))


@pytest.mark.fault("security-4")
def test_neither_version_is_accepted_under_the_name_of_the_other() -> None:
    old, new = statement.receipt(RECEIPT), statement.receipt(replace(RECEIPT, authentication=HOW))

    for payload, version in ((old, 2), (new, 1)):
        with pytest.raises(StatementRefused):
            statement.parse_receipt(altered(payload, predicateType=f"https://maestro-conductor.dev/receipt/v{version}"))
