"""Uploads of evidence: names in any script, the sender's digest checked, one file at a time, a limit that is named."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.lib.clock import rfc3339
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from evidence.bundles import artifacts, manifest
from evidence.bundles.artifacts import MOST_ARTIFACT_BYTES, ArtifactTooLarge, attach_artifact
from evidence.bundles.sealing import seal_bundle
from evidence.bundles.uploads import safe_name
from evidence.models import Artifact, EvidenceBundle
from evidence.pack_format.verify import MAX_BYTES, MAX_FILES, path_problem
from tests.evidence.calling import caller

Call = Callable[..., Any]
DIGEST = hashlib.sha256(b"evidence").digest()


@pytest.fixture
def attach(tenant: Tenant, cora: User) -> Call:
    call = caller(tenant, token_of=cora)
    body = {"title": "Q3", "controls": ["SOC2_A1.2"], "effective_from": rfc3339(clock_now() - timedelta(days=1))}
    bundle = call("post", "/bundles", body=body).json()["id"]

    def send(*names: str, path: str = "", field: str = "file", **headers: str) -> Any:
        files = [SimpleUploadedFile(name, b"evidence") for name in names]
        form = {field: files if len(files) > 1 else files[0], "path": path}
        response = call("post", f"/bundles/{bundle}/artifacts", form=form, **headers)
        response.content_of = lambda: call("get", f"/bundles/{bundle}/artifacts/{response.json()['id']}/content")
        return response

    return send


@pytest.mark.fault("field-F12")
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Access review Q3 (final).pdf", "Access-review-Q3-final.pdf"),
        ("Revue été.pdf", "Revue-ete.pdf"),
        ("証拠 2026.csv", "2026.csv"),
        ("доступ.pdf", f"file-{hashlib.sha256('доступ.pdf'.encode()).hexdigest()[:12]}.pdf"),
        ("con.txt", f"file-{hashlib.sha256(b'con.txt').hexdigest()[:12]}.txt"),
        ("100%.txt", "100.txt"),
    ],
)
def test_a_file_keeps_its_name_under_a_safe_path(name: str, path: str, attach: Call, tenant: Tenant) -> None:
    response = attach(name)

    assert (response.status_code, response.json()["path"]) == (201, path), response.content
    assert response.json()["original_name"] == name
    disposition = response.content_of()["Content-Disposition"]
    assert disposition.startswith("attachment")
    assert ("filename*=utf-8''" in disposition) is (not name.isascii())
    with tenant_scope(tenant.id):
        artifact = Artifact.objects.get()
        assert manifest._artifact(artifact)["original_name"] == name
        assert Receipt.objects.get(action="evidence.artifact.attached").body["original_name"] == name


@pytest.mark.fault("field-F12")
@pytest.mark.parametrize(
    "name", ["..", "a/../b", "😀", " .pdf", "a" * 400 + ".pdf", "\u202efdp.exe", "a:b?.txt", "_x_"]
)
def test_a_path_made_of_any_name_is_safe(name: str) -> None:
    made = safe_name(name)

    assert path_problem(made) == ""
    assert len(made) <= 200
    assert safe_name(made) == made


def test_a_safe_name_is_its_path_and_a_given_path_is_checked_as_it_is(attach: Call) -> None:
    assert (attach("a_b-1.csv").json()["path"], attach("a_b-1.csv").json()["original_name"]) == ("a_b-1.csv", "")
    assert attach("a.csv", path="../a.csv").status_code == 422


@pytest.mark.fault("api-F6")
def test_the_senders_digest_is_checked_and_kept(attach: Call, tenant: Tenant) -> None:
    right = f"sha-512=:AAAA:, sha-256=:{base64.b64encode(DIGEST).decode()}:"
    response = attach("a.txt", **{"Content-Digest": right})

    assert (response.status_code, response.json()["stated_digest"]) == (201, DIGEST.hex())
    with tenant_scope(tenant.id):
        receipt = Receipt.objects.get(action="evidence.artifact.attached")
        assert receipt.body["stated_digest"] == DIGEST.hex()


@pytest.mark.fault("api-F6")
@pytest.mark.parametrize(
    ("header", "code"),
    [
        (f"sha-256=:{base64.b64encode(hashlib.sha256(b'other').digest()).decode()}:", "content_digest_mismatch"),
        ("sha-256=:AAAA:", "content_digest_unreadable"),
        ("sha-256=abc", "content_digest_unreadable"),
        ("md5=:AAAA:", "content_digest_unreadable"),
    ],
)
def test_a_wrong_digest_is_refused_and_nothing_kept(header: str, code: str, attach: Call, tenant: Tenant) -> None:
    response = attach("a.txt", **{"Content-Digest": header})

    assert (response.status_code, response.json()["code"]) == (422, code)
    with tenant_scope(tenant.id):
        assert not Artifact.objects.exists()


@pytest.mark.fault("api-F6")
def test_of_two_files_none_is_dropped_in_silence(attach: Call, tenant: Tenant) -> None:
    response = attach("a.txt", "b.txt")

    assert (response.status_code, "file" in response.json()["fields"]) == (422, True)
    with tenant_scope(tenant.id):
        assert not Artifact.objects.exists()


class Huge(BytesIO):
    """Says that it is larger than an artifact may be; reading it would be a mistake."""

    def seek(self, offset: int, whence: int = 0) -> int:
        return MOST_ARTIFACT_BYTES + 1 if whence else 0

    def read(self, size: int | None = -1) -> bytes:
        raise AssertionError("read before its size was checked")


@pytest.mark.fault("api-F6")
def test_the_limit_is_checked_before_anything_is_stored(attach: Call, tenant: Tenant, actor: Any, cora: User) -> None:
    with tenant_scope(tenant.id), pytest.raises(ArtifactTooLarge) as refused:
        attach_artifact(
            bundle=EvidenceBundle.objects.get(),
            path="a.bin",
            role="raw",
            media_type="application/octet-stream",
            data=Huge(),
            origin="",
            actor=actor(cora),
            now=clock_now(),
        )
    assert (refused.value.status, f"{MOST_ARTIFACT_BYTES:,}" in refused.value.detail) == (413, True)


@pytest.mark.fault("proof-8")
def test_no_bundle_holds_more_than_its_pack_can(attach: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sealed it could not change any more, and no pack could be made of it."""
    monkeypatch.setattr(artifacts, "MOST_ARTIFACTS", 2)
    assert [attach(f"{name}.txt").status_code for name in ("a", "b", "a")] == [201, 201, 201], "the same one again fits"

    response = attach("c.txt")

    assert (response.status_code, response.json()["code"]) == (409, "too_many_artifacts")
    assert "2 artifacts; a pack can hold 2" in response.json()["detail"]

    monkeypatch.setattr(artifacts, "MOST_ARTIFACTS", 9)
    monkeypatch.setattr(artifacts, "MOST_ARTIFACT_BYTES", 3 * len(b"evidence") - 1)
    response = attach("c.txt")
    assert (response.status_code, response.json()["code"]) == (413, "artifact_too_large")
    assert "23" in response.json()["fields"]["file"][0], "the limit is named"


@pytest.mark.fault("proof-8")
def test_a_bundle_of_before_that_no_pack_can_hold_is_not_sealed(
    attach: Call, tenant: Tenant, actor: Any, cora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach("a.txt")
    attach("b.txt")
    monkeypatch.setattr(artifacts, "MOST_ARTIFACTS", 1)

    with tenant_scope(tenant.id), pytest.raises(artifacts.TooManyArtifacts):
        seal_bundle(bundle=EvidenceBundle.objects.get(), conclusion="INCONCLUSIVE", actor=actor(cora), now=clock_now())


def test_the_limits_of_bundles_leave_room_for_what_a_pack_says_of_itself() -> None:
    assert 2 * artifacts.MOST_ARTIFACTS + 500 <= MAX_FILES
    assert artifacts.MOST_ARTIFACT_BYTES + (100 << 20) < MAX_BYTES
