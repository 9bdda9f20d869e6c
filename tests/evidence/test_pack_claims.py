"""What a pack claims, against what is in it: a conclusion follows, addresses are digests, an incident's timeline holds.

The packs are signed and logged like good ones: whoever sealed them, or had the database before, made them wrong.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.clock import rfc3339
from evidence.pack_format import verify
from incidents.integrity.proof import entry_as_json
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.record.chain import chained
from tests.evidence.judging import failures, judge, statuses
from tests.evidence.packing import ARTIFACTS, NOW, Ledger, Made, bundle_manifest, make_pack

INCIDENT = "incidents.incident:7"
Entry = dict[str, Any]


def concluded(conclusion: str, *results: str) -> dict[str, Any]:
    bundle = {**json.loads(bundle_manifest(ARTIFACTS))["bundle"], "conclusion": conclusion}
    return {"bundle": bundle, "findings": [{"check": f"R{i}", "result": each} for i, each in enumerate(results)]}


@pytest.mark.fault("proof-4", "proof-10")
@pytest.mark.parametrize(
    ("conclusion", "results"),
    [
        ("NO_EXCEPTIONS", ()),
        ("NO_EXCEPTIONS", ("not_checked",)),
        ("NO_EXCEPTIONS", ("pass", "exception")),
        ("NO_EXCEPTIONS", ("Pass",)),
        ("INCONCLUSIVE", ("pass", "exception")),
        ("EXCEPTIONS", ()),
        ("EFFECTIVE", ("pass",)),
    ],
)
def test_a_conclusion_that_its_checks_do_not_support_is_refused(conclusion: str, results: tuple[str, ...]) -> None:
    report = judge(make_pack(document=concluded(conclusion, *results)).data)

    assert failures(report) == {"conclusion"}, report.to_text()
    assert report.files == ["manifest.json"]


@pytest.mark.parametrize(
    ("conclusion", "results"),
    [
        ("NO_EXCEPTIONS", ("pass", "not_checked")),
        ("EXCEPTIONS", ("pass", "exception")),
        ("EXCEPTIONS", ("pass",)),
        ("INCONCLUSIVE", ()),
        ("INCONCLUSIVE", ("not_checked",)),
    ],
)
def test_a_conclusion_that_follows_passes(conclusion: str, results: tuple[str, ...]) -> None:
    assert judge(make_pack(document=concluded(conclusion, *results)).data).verified


@pytest.mark.fault("proof-2", "proof-10")
@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("code", "EVB-0018"),
        ("conclusion", "EXCEPTIONS"),
        ("period", {"from": "2026-01-01T00:00:00Z", "to": "2026-11-20T11:00:00Z"}),
        ("artifacts", 9),
        ("controls", ["SOC2_A1.2"]),
        ("manifest", "0" * 64),
    ],
)
def test_a_seal_that_says_otherwise_than_its_manifest_is_refused(fact: str, value: Any) -> None:
    report = judge(make_pack(sealed_as={fact: value}).data)

    assert failures(report) == {"seal"}
    assert f"the receipt of its seal: {fact}" in report.to_text()


@pytest.mark.fault("proof-10")
def test_an_address_that_is_not_the_files_digest_is_refused() -> None:
    listed = json.loads(bundle_manifest(ARTIFACTS))["artifacts"]
    listed[1]["uri"] = "cas:sha256:" + "0" * 64

    assert failures(judge(make_pack(document={"artifacts": listed}).data)) == {"manifest"}


# --- the timeline of an incident ---


def timeline(count: int = 4) -> list[Entry]:
    """Return an incident's entries as the product writes them: one with facts of every shape, one of every script."""
    told: list[tuple[str, dict[str, Any]]] = [
        ("Payouts are late", {"share": 0.25, "limit": 1e21, "small": 1e-7, "list": [None, True, {"é": "ö", "𝄞": 1}]}),
        ('支払い失敗 \u2028 🔥 "quoted" \\ \x1f', {}),
    ]
    events = [
        TimelineEvent(
            seq=seq,
            kind=EventKind.NOTE_ADDED,
            body=told[seq % 2][0],
            data=told[seq % 2][1],
            occurred_at=NOW - timedelta(hours=1, microseconds=seq % 3),
            recorded_at=NOW - timedelta(hours=1),
            actor="tenancy.user:3",
            actor_name="Cora",
            source="console",
        )
        for seq in range(1, count + 1)
    ]
    return [{**entry_as_json(each), "says": each.body} for each in chained(events, previous="")]


def incident_pack(entries: list[Entry], *, vouched: list[Entry] | None = None, late: list[Entry] | None = None) -> Made:
    """Return the pack of an incident's bundle with `entries`, whose receipts vouched for `vouched` (by default, them).

    `late` are vouched for by a receipt that was recorded after the timeline was collected.
    """
    ledger, listed = Ledger(), vouched if vouched is not None else entries
    about = [
        ledger.add(
            "incidents.timeline.written",
            subject=INCIDENT,
            body={"entries": [{"seq": each["seq"], "chain_digest": each["proof"]["chain_digest"]}]},
            recorded_at=NOW + timedelta(minutes=3) if each in (late or []) else NOW - timedelta(hours=1),
        )
        for each in [*listed, *(late or [])]
    ]
    artifacts = {**ARTIFACTS, "incident/timeline.json": canonical_json({"entries": entries})}
    links = {"run": None, "incident": {"ref": INCIDENT, "code": "INC-7"}, "supersedes": None}
    return make_pack(ledger=ledger, artifacts=artifacts, document={"links": links}, about=about)


def test_an_untouched_timeline_passes_and_says_how_many_entries_it_has() -> None:
    report = judge(incident_pack(timeline()).data)

    assert report.verified, report.to_text()
    assert next(each.detail for each in report.checks if each.name == "timeline").startswith("4 entries, 0 of them")


def test_entries_written_after_the_timeline_was_collected_are_no_fault() -> None:
    entries = timeline(5)

    assert judge(incident_pack(entries[:4], late=entries[4:]).data).verified


def redacted(entries: list[Entry], seq: int) -> None:
    dropped = entries[seq - 1]
    dropped["text"], dropped["facts"], dropped["redacted_at"] = "", {}, rfc3339(NOW)
    dropped["proof"]["text_salt"] = dropped["proof"]["facts_salt"] = ""


def rewritten(entries: list[Entry]) -> None:
    """Change an entry and make every digest after it fit, as somebody with the database would."""
    events = [
        TimelineEvent(
            seq=each["seq"], kind=each["kind"], body="All is well" if each["seq"] == 2 else each["text"],
            data=each["facts"], occurred_at=NOW - timedelta(hours=1), recorded_at=NOW - timedelta(hours=1),
            actor=each["actor"]["ref"], actor_name="Cora", source="console",
        )
        for each in entries
    ]  # fmt: skip
    entries[:] = [{**entry_as_json(each), "says": each.body} for each in chained(events, previous="")]


CHANGES: dict[str, Callable[[list[Entry]], None]] = {
    "a word": lambda entries: entries[1].update(text="All is well"),
    "a fact": lambda entries: entries[2]["facts"].update(share=0.5),
    "when it happened": lambda entries: entries[0].update(occurred_at=rfc3339(NOW)),
    "who did it": lambda entries: entries[0]["actor"].update(ref="tenancy.user:4"),
    "what kind it is": lambda entries: entries[0].update(kind="comms.update_posted"),
    "the order": lambda entries: entries.reverse(),
    "an entry left out": lambda entries: entries.pop(1),
    "the end cut off": lambda entries: entries.pop(),
    "emptied": lambda entries: entries.clear(),
    "words dropped without a redaction": lambda entries: redacted(entries, 2),
    "all digests made to fit": rewritten,
}


@pytest.mark.fault("proof-3")
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_timeline_is_named_though_the_seal_is_good(change: str) -> None:
    written, entries = timeline(), []
    entries = json.loads(json.dumps(written))
    CHANGES[change](entries)

    report = judge(incident_pack(entries, vouched=written).data)

    assert failures(report) == {"timeline"}, report.to_text()
    assert report.files == ["data/incident/timeline.json"]


def test_a_redaction_that_a_later_entry_tells_of_passes() -> None:
    told = {"seq": 2, "legal_basis": "A customer's request", "reason": "A name", "by": "Cora"}
    events = [
        TimelineEvent(
            seq=seq,
            kind=EventKind.ENTRY_REDACTED if seq == 4 else EventKind.NOTE_ADDED,
            body="" if seq == 4 else "Words",
            data=told if seq == 4 else {},
            occurred_at=NOW - timedelta(hours=1),
            recorded_at=NOW - timedelta(hours=1),
            actor="tenancy.user:3",
            source="console",
        )
        for seq in range(1, 5)
    ]
    entries = [entry_as_json(each) for each in chained(events, previous="")]
    redacted(entries, 2)

    assert judge(incident_pack(entries).data).verified


def test_a_bundle_about_an_incident_without_its_timeline_says_so() -> None:
    links = {"run": None, "incident": {"ref": INCIDENT, "code": "INC-7"}, "supersedes": None}

    report = judge(make_pack(document={"links": links}).data)

    assert statuses(report)["timeline"] == "not checked"
    assert report.consistent


def test_the_verifiers_own_word_for_a_redaction_is_the_products() -> None:
    assert EventKind.ENTRY_REDACTED.value == verify.REDACTED


# --- the verifier's canonical JSON is the product's ---

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=4), children, max_size=4),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_canonical_json_is_the_one_that_digests_are_made_of(value: Any) -> None:
    try:
        expected = rfc8785.dumps(value)
    except UnicodeEncodeError:
        return
    assert verify.canonical(value).encode() == expected


@pytest.mark.parametrize(
    "value", [0.0, -0.0, 1e20, 1e21, 1e-6, 1.5e-6, 1e-7, -2.5e-7, 5e-324, 1.7976931348623157e308, 123456.789, math.pi]
)
def test_numbers_are_written_as_rfc_8785_says(value: float) -> None:
    assert verify.canonical(value).encode() == rfc8785.dumps(value)


def test_what_is_nested_too_deep_is_refused_and_not_a_traceback() -> None:
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    entries = timeline()
    entries[0]["facts"] = {"deep": deep}

    assert failures(judge(incident_pack(entries).data)) == {"timeline"}


def test_a_timeline_of_no_known_shape_fails_and_is_named() -> None:
    for content in (b"[]", b'{"entries":[7]}', b'{"entries":{"a":1}}', b"\xff", b'{"entries":[{"seq":1}]}'):
        artifacts = {**ARTIFACTS, "incident/timeline.json": content}
        report = judge(make_pack(artifacts=artifacts).data)
        assert failures(report) == {"timeline"}, content
        assert report.files == ["data/incident/timeline.json"], sha256_hex(content)
