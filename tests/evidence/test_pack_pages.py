"""The printed evidence: whole digests and ids, sentences for receipts, full pages, and a conclusion that holds."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from evidence.bundles.findings import Finding
from evidence.packs.document import receipts
from evidence.packs.document.context import context_of, is_public
from evidence.packs.document.material import Material, material_of
from evidence.packs.lifecycle import request_pack
from evidence.packs.steps import draw
from tests.console.test_documents import draws
from tests.evidence.bundles import FAILED, PASSED, UNCHECKED, sealed
from tests.poppler import poppler

LONG = Finding(
    "A1",
    "Leavers lost their access",
    "Within 24 h of the last day",
    "3 of 41 after 31 h",
    "exception",
    "eu-west-1 " * 60,
)


@pytest.fixture
def material(committed: None, tenant: Tenant) -> Material:
    """A bundle with exceptions and every state, gathered for its first pack."""
    with tenant_scope(tenant.id):
        bundle = sealed(tenant, Actor.system(), clock_now(), findings=[PASSED, FAILED, UNCHECKED, LONG])
        return material_of(pack=request_pack(bundle=bundle, actor=Actor.system(), now=clock_now()))


def _many(material: Material, files: int) -> Material:
    """Return the material with as many files as given: what pages look like does not need rows."""
    listed = [
        {**material.manifest["artifacts"][0], "path": f"folder/{n:03d}.json", "digest": f"{n:064x}"}
        for n in range(files)
    ]
    material.bundle.manifest = {**material.manifest, "artifacts": listed}
    return material


def _drawn(material: Material, tmp_path: Path) -> Path:
    path = tmp_path / "evidence.pdf"
    path.write_bytes(draw(material.bundle, context_of(material)))
    return path


def _filled(page: str) -> float:
    """Return how far down the text block of a page the last line ends, from 0 to 1. Points; the foot is left out."""
    top, bottom = 71, 842 - 65
    ends = [float(each) for each in re.findall(r'yMax="([\d.]+)"', page)]
    return (max(each for each in ends if each <= bottom) - top) / (bottom - top)


@draws
@pytest.mark.fault("console-4", "proof-PDF")
def test_digests_and_ids_are_printed_whole_and_receipts_name_no_machine_names(
    material: Material, tmp_path: Path
) -> None:
    text = poppler("pdftotext", "-layout", _drawn(_many(material, 40), tmp_path), "-")

    digests = {f"{n:064x}" for n in range(40)} | {material.bundle.manifest_digest, material.seal_key, material.log_key}
    assert [each for each in digests if each not in text] == []
    assert re.search(r"\bA1\.2\b", text)
    assert not re.search(r"\bA1\.$|EVB-$|\beu-$|eu-west-$", text, re.MULTILINE)
    told = text[text.index("What the receipt says") : text.index("How to check it yourself")]
    assert "Conductor attached" in told
    assert not re.findall(r"\b[a-z_]+\.[a-z_]+\.[a-z_]+\b", told)


@draws
@pytest.mark.fault("console-4", "proof-PDF")
@pytest.mark.parametrize("files", [2, 9, 30], ids=str)
def test_no_page_but_the_last_is_nearly_empty(material: Material, tmp_path: Path, files: int) -> None:
    boxes = poppler("pdftotext", "-bbox", _drawn(_many(material, files), tmp_path), "-").split("<page ")[1:]
    filled = [_filled(page) for page in boxes[1:-1]]  # neither the cover nor the last

    assert filled
    assert min(filled) > 0.4, filled


@pytest.mark.fault("proof-4")
@pytest.mark.parametrize("stated", ["NO_EXCEPTIONS", "INCONCLUSIVE"])
def test_findings_with_an_exception_never_print_another_conclusion(material: Material, stated: str) -> None:
    material.bundle.conclusion = stated

    document = context_of(material)["document"]

    assert document["conclusion"]["title"] == "Exceptions found"
    assert document["conclusion"]["state"] == "exceptions"
    assert document["running"].endswith("exceptions found, not signed")


def test_without_a_check_nothing_is_concluded(material: Material) -> None:
    material.bundle.conclusion, material.bundle.findings = "NO_EXCEPTIONS", []

    context = context_of(material)

    assert context["document"]["conclusion"]["title"] == "Inconclusive"
    assert context["exceptions"]["none"] == "No checks were recorded, so none could find an exception."


@pytest.mark.fault("proof-auditor")
def test_what_conductor_sealed_is_signed_by_nobody_and_what_a_person_sealed_by_them(material: Material) -> None:
    proposed = context_of(material)
    header = {**material.manifest["bundle"], "sealed": {"by": {"ref": "tenancy.user:7", "name": "Cora Commander"}}}
    material.bundle.manifest = {**material.manifest, "bundle": header}
    material.bundle.sealed_by_name = "Cora Commander"
    signed = context_of(material)

    assert proposed["document"]["conclusion"]["standing"] == "Conclusion, proposed, signed by nobody yet"
    assert proposed["signs"]["concluded"]["name"] == ""
    assert proposed["order"][-1] == {"step": "Concluded by a person", "at": "not yet", "place": "none"}
    assert signed["document"]["conclusion"]["standing"] == "Conclusion, signed by Cora Commander"
    assert signed["order"][-1]["step"] == "Sealed"


def test_nobody_outside_has_vouched_until_somebody_outside_has(material: Material) -> None:
    alone = context_of(material)["document"]["independence"]

    assert alone["says"] == "Nobody outside Northwind Payments has vouched for this."
    assert not material.vouched_outside
    assert replace(material, outside_kinds=frozenset({"rfc3161"})).vouched_outside == []


def test_no_letter_is_left_out_and_every_section_says_something(material: Material) -> None:
    from django.template.loader import render_to_string

    context = context_of(material)
    said = {
        each["key"]: re.sub(r"<[^>]*>", " ", render_to_string(each["template"], context)).split()
        for each in context["document"]["sections"]
    }

    assert "".join(each["letter"] for each in context["document"]["sections"]) == "ABCDEFGHIJKL"
    assert [key for key, words in said.items() if len(words) < 8] == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("https://conductor.northwind.com/t/x", True),
        ("http://conductor.northwind.com/t/x", False),
        ("https://127.0.0.1:8484/t/x", False),
        ("https://10.0.0.7/t/x", False),
        ("https://conductor/t/x", False),
        ("https://conductor.internal/t/x", False),
        ("https://8.8.8.8/t/x", True),
    ],
)
@pytest.mark.fault("console-4")
def test_a_code_to_scan_is_printed_only_for_an_address_that_others_can_open(address: str, public: bool) -> None:
    assert is_public(address) is public


def _receipt(place: int, action: str, **given: Any) -> Receipt:
    moment = datetime(2026, 11, 20, 12, tzinfo=clock_now().tzinfo) + timedelta(seconds=place)
    known = {"actor": "conductor.system:conductor", "actor_name": "Conductor", "subject_name": "EVB-0001", **given}
    return Receipt(leaf_index=place, action=action, occurred_at=moment, recorded_at=moment, **known)


def test_an_act_without_a_sentence_of_its_own_is_still_told_in_words() -> None:
    said = receipts.sentence(_receipt(1, "incidents.role.handed_over", subject_name="INC-7", actor_name="Cora"))

    assert said == "INC-7: role handed over, by Cora"


def test_many_files_in_a_row_share_a_line_that_keeps_every_position() -> None:
    attached = [_receipt(n, "evidence.artifact.attached", body={"path": f"{n}.json"}) for n in range(4, 9)]
    told = receipts.told([_receipt(3, "evidence.bundle.opened"), *attached, _receipt(9, "evidence.bundle.sealed")])

    assert [each["entry"] for each in told["lines"]] == ["3", "4 to 8", "9"]
    assert told["lines"][1]["says"] == "Conductor attached 5 files: 4.json, 5.json, 6.json and 2 more"


def test_a_list_longer_than_the_page_can_bear_says_how_many_more_there_are() -> None:
    told = receipts.told(_receipt(n, "incidents.update.posted", actor_name=f"{n}") for n in range(310))

    assert (len(told["lines"]), told["more"]) == (receipts.PRINTED, "10")
