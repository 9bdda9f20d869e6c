"""The API of evidence: bundles from opening to seal, artifacts up and down, packs; strangers, auditors, bad input."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from conductor.ledger.log.sequencer import sequence
from conductor.lib.clock import now as clock_now
from conductor.lib.clock import rfc3339
from conductor.policy.models import PolicyDecision
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, Tenant
from controls.lifecycle import bind_defaults
from evidence.models import Artifact, EvidenceBundle, Pack
from evidence.packs.lifecycle import request_pack
from tests.evidence.bundles import damage, sealed
from tests.evidence.calling import caller
from tests.evidence.driving import drive

Call = Callable[..., Any]


@pytest.fixture
def call(tenant: Tenant) -> Call:
    return caller(tenant)


@pytest.fixture
def bundle(tenant: Tenant) -> EvidenceBundle:
    """A sealed bundle of two artifacts."""
    with tenant_scope(tenant.id):
        return sealed(tenant, Actor.system(), clock_now())


def _open(call: Call, user: User, **given: Any) -> Any:
    body = {"title": "By hand", "controls": ["SOC2_A1.2"], "effective_from": rfc3339(clock_now() - timedelta(days=1))}
    return call("post", "/bundles", user=user, body={**body, **given})


def _attach(call: Call, user: User, content: bytes = b"{}", name: str = "a.json", **given: str) -> Any:
    file = SimpleUploadedFile(name, content, content_type="application/json")
    return call("post", "/bundles/EVB-0001/artifacts", user=user, form={"file": file, **given})


def test_a_bundle_is_opened_filled_sealed_and_verified(call: Call, tenant: Tenant, cora: User) -> None:
    opened = _open(call, cora, environment="production")
    assert (opened.status_code, opened.json()["code"], opened.json()["status"]) == (201, "EVB-0001", "COLLECTING")
    assert _attach(call, cora, path="reports/a.json", role="report").status_code == 201
    finding = {"check": "H1", "title": "Looked at", "result": "pass"}
    assert call("put", "/bundles/1/findings", user=cora, body=[finding]).json()[0]["expected"] == ""

    early = call("post", "/bundles/EVB-0001/seal", user=cora, body={"conclusion": "NO_EXCEPTIONS"})
    assert (early.status_code, early.json()["code"]) == (409, "receipts_unsequenced")
    sequence(tenant_id=tenant.id, now=clock_now())
    done = call("post", "/bundles/EVB-0001/seal", user=cora, body={"conclusion": "NO_EXCEPTIONS"})
    assert (done.status_code, done.json()["status"]) == (201, "SEALED")
    sequence(tenant_id=tenant.id, now=clock_now())

    detail = call("get", "/bundles/evb-1", user=cora).json()
    assert detail["bundle"]["environment"] == "production"
    assert [control["alias"] for control in detail["controls"]] == ["SOC2_A1.2"]
    assert [artifact["path"] for artifact in detail["artifacts"]] == ["reports/a.json"]
    chain = call("get", "/bundles/EVB-0001/verification", user=cora).json()
    assert (chain["is_verified"], [link["state"] for link in chain["links"]]) == (True, ["ok", "ok", "ok", "wait"])
    manifest = call("get", "/bundles/EVB-0001/manifest", user=cora).json()
    assert manifest["bundle"]["code"] == "EVB-0001"


def test_bundles_are_listed_newest_first_and_filtered(call: Call, tenant: Tenant, cleo: User, cora: User) -> None:
    with tenant_scope(tenant.id):
        sealed(tenant, Actor.system(), clock_now(), title="First", control_ids=["SOC2_A1.2"])
        sealed(tenant, Actor.system(), clock_now(), title="Second", control_ids=["SOC2_CC7.4"])
    _open(call, cora)

    def codes(**query: str) -> list[str]:
        return [each["code"] for each in call("get", "/bundles", user=cleo, query=query).json()["items"]]

    assert codes() == ["EVB-0003", "EVB-0002", "EVB-0001"]
    assert codes(status="SEALED") == ["EVB-0002", "EVB-0001"]
    assert codes(control="SOC2_2017_CC7.4") == ["EVB-0002"]
    assert codes(q="first") == ["EVB-0001"]
    assert codes(q="EVB-0002") == ["EVB-0002"]
    first = call("get", "/bundles", user=cleo, query={"limit": "2"}).json()
    rest = call("get", "/bundles", user=cleo, query={"limit": "2", "cursor": first["next_cursor"]}).json()
    assert ([each["number"] for each in rest["items"]], rest["next_cursor"]) == ([1], "")


def test_an_artifact_comes_down_as_it_went_up(call: Call, bundle: EvidenceBundle, cleo: User) -> None:
    listed = call("get", "/bundles/EVB-0001/artifacts", user=cleo).json()
    artifact = next(each for each in listed if each["path"] == "folder/b.csv")

    answer = call("get", f"/bundles/EVB-0001/artifacts/{artifact['id']}/content", user=cleo)

    assert b"".join(answer.streaming_content) == b"x,y\n1,2\n"
    assert answer["Content-Disposition"] == 'attachment; filename="b.csv"'
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("application/octet-stream", "nosniff")
    assert answer["ETag"] == f'"{artifact["digest"]}"'


def test_damaged_bytes_are_not_handed_out(call: Call, tenant: Tenant, bundle: EvidenceBundle, cleo: User) -> None:
    with tenant_scope(tenant.id):
        artifact = Artifact.objects.get(path="folder/b.csv")
    damage(artifact)

    answer = call("get", f"/bundles/EVB-0001/artifacts/{artifact.id}/content", user=cleo)

    assert (answer.status_code, answer.json()["code"]) == (409, "bytes_damaged")
    assert call("get", "/bundles/EVB-0001/verification", user=cleo).json()["damaged"] == ["folder/b.csv"]


@pytest.mark.parametrize(
    ("name", "given", "field"),
    [
        ("a.json", {"path": "x y.json"}, "path"),
        ("a.json", {"path": "../a.json"}, "path"),
        ("a.json", {"role": "secret"}, "role"),
        ("a.json", {"media_type": "nonsense"}, "media_type"),
    ],
)
def test_a_bad_artifact_is_refused_by_field(
    call: Call, cora: User, name: str, given: dict[str, str], field: str
) -> None:
    _open(call, cora)

    answer = _attach(call, cora, name=name, **given)

    assert (answer.status_code, field in answer.json()["fields"]) == (422, True)


def test_the_same_path_twice_is_a_conflict(call: Call, cora: User) -> None:
    _open(call, cora)

    assert [_attach(call, cora).status_code for _time in range(2)] == [201, 201]
    other = _attach(call, cora, b"[]")
    assert (other.status_code, other.json()["code"]) == (409, "artifact_exists")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"title": ""}, "title"),
        ({"controls": ["SOC2_X"]}, "controls"),
        ({"environment": "moon"}, "environment"),
        ({"effective_from": "2099-01-01T00:00:00Z"}, "effective_from"),
        ({"effective_from": "yesterday"}, "effective_from"),
    ],
)
def test_a_bad_bundle_is_refused_by_field(call: Call, cora: User, given: dict[str, Any], field: str) -> None:
    answer = _open(call, cora, **given)

    assert (answer.status_code, field in answer.json()["fields"]) == (422, True)


def test_a_finding_of_another_shape_is_refused(call: Call, cora: User) -> None:
    _open(call, cora)

    for body in ([{"check": "", "title": "t", "result": "pass"}], [{"check": "c", "title": "t", "result": "perfect"}]):
        assert call("put", "/bundles/1/findings", user=cora, body=body).status_code == 422


def test_a_denial_by_policy_is_403_and_stays_on_record(call: Call, tenant: Tenant, ben: User) -> None:
    """A responder may collect, and policy says who may seal."""
    _open(call, ben)
    _attach(call, ben)
    sequence(tenant_id=tenant.id, now=clock_now())

    answer = call("post", "/bundles/1/seal", user=ben, body={"conclusion": "INCONCLUSIVE"})

    assert (answer.status_code, answer.json()["code"]) == (403, "policy_denied")
    with tenant_scope(tenant.id):
        assert PolicyDecision.objects.get(action="evidence.seal").allow is False


def test_a_superseding_bundle_is_named_by_the_one_it_supersedes(call: Call, bundle: EvidenceBundle, cora: User) -> None:
    assert _open(call, cora, supersedes="EVB-0001").status_code == 201

    assert call("get", "/bundles/1", user=cora).json()["superseded_by"] == "EVB-0002"
    again = _open(call, cora, supersedes="EVB-0001")
    assert (again.status_code, again.json()["code"]) == (409, "bundle_superseded")


def test_an_open_bundle_has_no_manifest_and_no_pack(call: Call, cora: User) -> None:
    _open(call, cora)

    for answer in (call("get", "/bundles/1/manifest", user=cora), call("post", "/bundles/1/packs", user=cora)):
        assert (answer.status_code, answer.json()["code"]) == (409, "bundle_not_sealed")


def test_freshness_is_told_by_framework(call: Call, tenant: Tenant, bundle: EvidenceBundle, cleo: User) -> None:
    with tenant_scope(tenant.id):
        bind_defaults(tenant_id=tenant.id, actor=Actor.system(), now=clock_now())

    coverage = {each["framework"]: each for each in call("get", "/bundles/coverage", user=cleo).json()}

    assert coverage["SOC2_2017"] == {
        "framework": "SOC2_2017", "controls": 61, "fresh": 1, "stale": 0, "never": 9, "unbound": 51
    }  # fmt: skip


def test_a_pack_is_requested_and_not_there_before_it_is_ready(call: Call, bundle: EvidenceBundle, cora: User) -> None:
    requested = call("post", "/bundles/EVB-0001/packs", user=cora)

    assert (requested.status_code, requested.json()["status"]) == (202, "RENDERING")
    pack_id = requested.json()["id"]
    assert call("get", f"/packs/{pack_id}", user=cora).json()["verified"] is None
    for kind in ("pdf", "zip"):
        answer = call("get", f"/packs/{pack_id}/{kind}", user=cora)
        assert (answer.status_code, answer.json()["code"]) == (409, "pack_not_ready")


def test_a_ready_pack_is_downloaded_under_its_name(committed: None, tenant: Tenant, cleo: User) -> None:
    with tenant_scope(tenant.id):
        bundle = sealed(tenant, Actor.system(), clock_now())
        pack = request_pack(bundle=bundle, actor=Actor.system(), now=clock_now())
    assert pack.run is not None
    drive(tenant_id=tenant.id, run_id=pack.run.id)
    call = caller(tenant)

    for kind, magic in (("pdf", b"%PDF-"), ("zip", b"PK\x03\x04")):
        answer = call("get", f"/packs/{pack.id}/{kind}", user=cleo)
        assert answer["Content-Disposition"] == f'attachment; filename="EVB-0001-pack-1.{kind}"'
        assert b"".join(answer.streaming_content).startswith(magic)
    assert call("get", f"/packs/{pack.id}", user=cleo).json()["verified"] is True


def test_an_auditor_reads_and_writes_nothing(call: Call, bundle: EvidenceBundle, cleo: User) -> None:
    assert call("get", "/bundles/EVB-0001", user=cleo).status_code == 200

    answers = [
        _open(call, cleo),
        _attach(call, cleo),
        call("put", "/bundles/1/findings", user=cleo, body=[]),
        call("post", "/bundles/1/packs", user=cleo),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4


def test_a_stranger_finds_nothing(
    call: Call, tenant: Tenant, bundle: EvidenceBundle, max_: User, other_tenant: Tenant
) -> None:
    with tenant_scope(tenant.id):
        pack = request_pack(bundle=bundle, actor=Actor.system(), now=clock_now())
        artifact = Artifact.objects.all()[0]
    addresses = [
        "/bundles", "/bundles/coverage", "/bundles/EVB-0001", "/bundles/EVB-0001/verification",
        f"/bundles/{bundle.id}/artifacts/{artifact.id}/content", f"/packs/{pack.id}", f"/packs/{pack.id}/pdf",
    ]  # fmt: skip
    for address in addresses:
        assert call("get", address, user=max_, of=other_tenant).status_code == 404, address
    own = caller(other_tenant)
    for address in addresses[2:]:
        assert own("get", address, user=max_).status_code == 404, address


def test_what_does_not_exist_is_404(call: Call, bundle: EvidenceBundle, cleo: User) -> None:
    nothing = "01934a00-0000-7000-8000-00000000dead"
    for address in (
        "/bundles/EVB-0099",
        "/bundles/nonsense",
        f"/bundles/EVB-0001/artifacts/{nothing}/content",
        f"/packs/{nothing}",
    ):
        assert call("get", address, user=cleo).status_code == 404, address
    assert not Pack.objects.exists()


@pytest.mark.fault("api-F13")
def test_a_bundle_that_is_not_ready_is_a_conflict_and_a_missing_right_is_not(
    call: Call, tenant: Tenant, ben: User, cora: User
) -> None:
    _open(call, cora)
    sequence(tenant_id=tenant.id, now=clock_now())

    not_ready = call("post", "/bundles/1/seal", user=cora, body={"conclusion": "INCONCLUSIVE"})
    not_allowed = call("post", "/bundles/1/seal", user=ben, body={"conclusion": "INCONCLUSIVE"})

    assert (not_ready.status_code, not_allowed.status_code) == (409, 403)
    assert not_ready.json()["code"] == "state_conflict"
    assert "artifact" in not_ready.json()["detail"]


@pytest.mark.fault("api-F13")
def test_what_only_needs_time_says_when_to_ask_again(call: Call, cora: User) -> None:
    _open(call, cora)
    _attach(call, cora)

    answer = call("post", "/bundles/1/seal", user=cora, body={"conclusion": "INCONCLUSIVE"})

    assert (answer.status_code, answer.json()["code"]) == (409, "receipts_unsequenced")
    assert int(answer["Retry-After"]) >= 1


@pytest.mark.fault("api-F10")
@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ({"from": "2026-07-01T00:00:00Z", "to": "2026-09-30T23:59:59Z"}, ["EVB-0003", "EVB-0001"]),
        ({"from": "2026-10-01T00:00:00Z"}, ["EVB-0003", "EVB-0002"]),
        ({"to": "2026-06-30T00:00:00Z"}, []),
        ({"environment": "production"}, ["EVB-0002"]),
        ({"conclusion": "NO_EXCEPTIONS"}, ["EVB-0002", "EVB-0001"]),
        ({"control": "SOC2_A1.2", "from": "2026-08-01T00:00:00Z", "to": "2026-09-30T00:00:00Z"}, ["EVB-0003"]),
    ],
    ids=["a quarter", "since", "before all", "environment", "conclusion", "of a control in a quarter"],
)
def test_bundles_are_found_by_what_they_are_evidence_for(
    call: Call, tenant: Tenant, cora: User, query: dict[str, str], codes: list[str]
) -> None:
    """One of July, one of October in production, and one that is open since September."""
    with tenant_scope(tenant.id):
        for month, environment in ((7, ""), (10, "production")):
            begin = datetime(2026, month, 1, tzinfo=UTC)
            where = Environment.objects.filter(slug=environment).first()
            sealed(tenant, Actor.system(), begin + timedelta(days=30), effective_from=begin, environment=where)
    _open(call, cora, effective_from="2026-09-01T00:00:00Z")

    answer = call("get", "/bundles", user=cora, query=query)

    assert [each["code"] for each in answer.json()["items"]] == codes


@pytest.mark.fault("api-F6")
def test_a_bundle_opened_in_error_is_given_up_and_a_sealed_one_is_not(
    call: Call, tenant: Tenant, cora: User, cleo: User
) -> None:
    _open(call, cora)
    _attach(call, cora)
    body = {"reason": "It was meant for staging."}

    assert call("post", "/bundles/1/abandonment", user=cora, body={"reason": ""}).status_code == 422
    assert call("post", "/bundles/1/abandonment", user=cora, body={"reason": "  "}).status_code == 422
    assert call("post", "/bundles/1/abandonment", user=cleo, body=body).status_code == 403
    given_up = call("post", "/bundles/1/abandonment", user=cora, body=body)
    assert (given_up.status_code, given_up.json()["status"]) == (200, "ABANDONED")
    assert _attach(call, cora, name="b.json").json()["code"] == "bundle_not_collecting"

    with tenant_scope(tenant.id):
        done = sealed(tenant, Actor.system(), clock_now())
    refused = call("post", f"/bundles/{done.number}/abandonment", user=cora, body=body)
    assert refused.status_code == 409
    assert call("get", f"/bundles/{done.number}", user=cora).json()["bundle"]["status"] == "SEALED"


@pytest.mark.fault("api-F10")
def test_lists_name_controls_and_how_each_stands(
    call: Call, tenant: Tenant, bundle: EvidenceBundle, cleo: User
) -> None:
    with tenant_scope(tenant.id):
        bind_defaults(tenant_id=tenant.id, actor=Actor.system(), now=clock_now())
    _rows = call("get", "/bundles", user=cleo).json()["items"]
    (row,) = _rows
    assert row["controls"] == [each["key"] for each in (bundle.manifest or {})["controls"]] != []

    standings = call("get", "/bundles/coverage/controls", user=cleo, query={"framework": "SOC2"}).json()
    by_control = {each["control"]: each for each in standings}
    assert by_control["SOC2_A1.2"]["standing"] == "fresh"
    assert by_control["SOC2_A1.2"]["bundles"] == 1
    assert "controls.backup_restore_verification" in by_control["SOC2_A1.2"]["workflows"]
    unbound = call("get", "/bundles/coverage/controls", user=cleo, query={"framework": "SOC2", "standing": "unbound"})
    assert [each["control"] for each in unbound.json()] == [
        each["control"] for each in standings if each["standing"] == "unbound"
    ]
    assert unbound.json() and not any(each["workflows"] for each in unbound.json())
