"""Sealed rows that somebody with the database rewrites: people go on reading what was signed, and are told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from conductor.ledger.keys.keyring import keyring
from conductor.ledger.verify.verification import verify_ledger
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from evidence.bundles.selectors import bundle_by_id, bundle_detail, bundle_rows, bundles, pack_by_id
from evidence.bundles.verification import verify_bundle
from evidence.models import EvidenceBundle
from evidence.packs.document.context import document_context
from evidence.packs.lifecycle import request_pack
from tests.attacks.insider import change
from tests.browsing import Browser
from tests.evidence.bundles import FAILED, PASSED, damage, sealed
from tests.evidence.calling import caller

pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.fault("proof-2")]
FORGED = {
    "title": "Another story",
    "purpose": "Shows something else.",
    "conclusion": "NO_EXCEPTIONS",
    "effective_from": "2026-01-01T00:00:00+00:00",
    "effective_to": "2027-01-01T00:00:00+00:00",
    "opened_at": "2026-01-01T00:00:00+00:00",
    "sealed_at": "2026-01-02T00:00:00+00:00",
    "opened_by": "tenancy.user:99",
    "opened_by_name": "Nobody",
    "sealed_by_name": "Nobody",
    "findings": json.dumps([PASSED.as_json()]),
}


@pytest.fixture
def bundle(tenant: Tenant) -> EvidenceBundle:
    with tenant_scope(tenant.id):
        return sealed(tenant, Actor.system(), clock_now(), findings=[FAILED])


def _faults(tenant: Tenant, **given: Any) -> list[str]:
    with tenant_scope(tenant.id):
        return verify_ledger(tenant_id=tenant.id, keyring=keyring(), **given).faults


def _rewrite(bundle: EvidenceBundle, field: str, value: Any) -> None:
    change(f"UPDATE evidence_evidencebundle SET {field} = %s WHERE id = %s", value, bundle.id)


def test_every_rewritten_field_of_a_sealed_bundle_is_named(tenant: Tenant, bundle: EvidenceBundle) -> None:
    assert _faults(tenant) == []

    for field, forged in FORGED.items():
        _rewrite(bundle, field, forged)

        (fault,) = _faults(tenant)
        assert fault.startswith(f"{bundle.code}: {field}: signed ")
        with tenant_scope(tenant.id):
            report = verify_bundle(bundle_by_id(bundle.code))
            (shown,) = bundle_rows(bundles())
        assert report.verdict == "Not verified"
        assert [each.field for each in report.differences] == [field]
        assert report.links[1].detail == f"Changed after the seal: {field}"
        assert shown.altered == [field]
        assert getattr(shown.bundle, field) == getattr(bundle, field)
        honest = getattr(bundle, field)
        _rewrite(bundle, field, json.dumps(honest) if field == "findings" else honest)


def test_rewritten_artifacts_and_controls_are_named_and_read_as_they_were_signed(
    tenant: Tenant, bundle: EvidenceBundle
) -> None:
    change("UPDATE evidence_artifact SET origin = 'somewhere else', role = 'config' WHERE path = 'a.json'")
    change("UPDATE evidence_artifact SET digest = %s WHERE path = 'folder/b.csv'", "0" * 64)
    change("DELETE FROM evidence_bundlecontrol WHERE bundle_id = %s", bundle.id)

    found = _faults(tenant)
    for named in (
        "artifacts a.json origin",
        "artifacts a.json role",
        "artifacts folder/b.csv digest",
        "controls SOC2_2017_A1.2",
    ):
        assert any(f"{bundle.code}: {named}: " in each for each in found), (named, found)
    with tenant_scope(tenant.id):
        detail = bundle_detail(bundle=bundle_by_id(bundle.code))
        report = verify_bundle(bundle_by_id(bundle.code))
    assert next((each.path, each.origin, each.role) for each in detail.artifacts) == ("a.json", "a test", "result")
    assert [each.control.code for each in detail.covers] == ["A1.2"]
    assert report.damaged == []  # the bytes of what was signed are still there


def test_a_bundle_that_was_opened_again_removed_or_swapped_for_another_is_named(
    tenant: Tenant, bundle: EvidenceBundle
) -> None:
    with tenant_scope(tenant.id):
        other = sealed(tenant, Actor.system(), clock_now())
    change(
        "UPDATE evidence_evidencebundle SET status = 'COLLECTING', manifest = NULL, conclusion = '',"
        " manifest_digest = '', seal_receipt_id = NULL, sealed_at = NULL WHERE id = %s",
        bundle.id,
    )
    change(
        "UPDATE evidence_evidencebundle o SET manifest = jsonb_set(manifest, '{bundle,title}', '\"Mine\"')"
        " WHERE id = %s",
        other.id,
    )

    found = _faults(tenant)
    assert any(each.startswith(f"{bundle.code}: sealed by log entry") and "collecting" in each for each in found)
    assert f"{other.code}: the manifest is not the one that its digest names" in found
    with tenant_scope(tenant.id):
        assert verify_bundle(bundle_by_id(bundle.code)).verdict == "Not verified"

    change("DELETE FROM evidence_artifact WHERE bundle_id = %s", bundle.id)
    change("DELETE FROM evidence_bundlecontrol WHERE bundle_id = %s", bundle.id)
    change("DELETE FROM evidence_evidencebundle WHERE id = %s", bundle.id)
    assert any("its row is gone" in each for each in _faults(tenant))


def test_page_api_and_document_say_what_was_signed_and_that_the_row_was_changed(
    tenant: Tenant, bundle: EvidenceBundle, cora: User
) -> None:
    _rewrite(bundle, "conclusion", "NO_EXCEPTIONS")
    _rewrite(bundle, "findings", FORGED["findings"])
    _rewrite(bundle, "effective_from", FORGED["effective_from"])

    call = caller(tenant)
    answer = call("get", f"/bundles/{bundle.code}", user=cora).json()
    assert answer["bundle"]["conclusion"] == "EXCEPTIONS"
    assert answer["findings"][0]["result"] == "exception"
    assert not answer["bundle"]["effective_from"].startswith("2026-01-01")
    (listed,) = call("get", "/bundles", user=cora).json()["items"]
    assert listed["conclusion"] == "EXCEPTIONS"
    chain = call("get", f"/bundles/{bundle.code}/verification", user=cora).json()
    assert chain["verdict"] == "Not verified"
    assert {each["field"] for each in chain["differences"]} == {"conclusion", "findings", "effective_from"}

    browser = Browser()
    browser.force_login(cora, backend="django.contrib.auth.backends.ModelBackend")
    page = browser.get(f"/t/{tenant.slug}/evidence/{bundle.code}/?verified").content.decode()
    assert "Exceptions found" in page
    assert "Changed after the seal" in page
    assert "Checked again: not verified" in page
    assert "Changed after the seal: " in browser.get(f"/t/{tenant.slug}/evidence/").content.decode()

    with tenant_scope(tenant.id):
        pack = request_pack(bundle=bundle_by_id(bundle.code), actor=Actor.system(), now=clock_now())
        document = document_context(pack=pack_by_id(pack.id))
    facts = dict(document["document"]["facts"])
    assert document["document"]["conclusion"]["title"] == "Exceptions found"
    assert "Jan" not in " ".join(facts["Period"])
    assert document["document"]["alarm"] == "NOT VERIFIED"
    assert "conclusion: signed 'EXCEPTIONS', stored 'NO_EXCEPTIONS'" in document["document"]["alarm_reason"]


def test_verify_ledger_reads_artifact_files_when_asked_and_says_so_when_not(
    tenant: Tenant, bundle: EvidenceBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    with tenant_scope(tenant.id):
        damage(bundle.artifacts.get(path="a.json"))

    call_command("verify_ledger", tenant=tenant.slug)
    assert "1 sealed bundles compared with what was signed; not read: 2 artifact files" in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("verify_ledger", tenant=tenant.slug, files=True)
    assert f"{bundle.code}: the stored bytes of a.json are gone or changed" in capsys.readouterr().out
