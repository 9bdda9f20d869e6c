"""Packs: requested, drawn, vouched for, assembled and judged; and what happens when something is wrong."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, transaction

from conductor.console.documents.documents import render_pdf
from conductor.engine.define import registry
from conductor.engine.models import Run
from conductor.ledger import blobs
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.keys.keys import LOG, SEAL
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.lib.canonical import sha256_hex
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor, PermissionMissing
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from evidence.bundles.artifacts import attach_artifact
from evidence.bundles.lifecycle import BundleNotSealed
from evidence.bundles.sealing import seal_bundle
from evidence.models import Artifact, EvidenceBundle, Pack
from evidence.pack_format import verify
from evidence.packs.contents import VerifierFailed, verdict_on
from evidence.packs.document.context import document_context
from evidence.packs.lifecycle import PackNotRendering, fail_pack, finish_pack, keep_report, request_pack
from evidence.packs.steps import draw
from tests.evidence.bundles import FAILED, UNCHECKED, collecting, damage, sealed
from tests.evidence.driving import drive, log_of
from tests.poppler import poppler

Make = Callable[..., Actor]


@pytest.fixture
def bundle(committed: None, tenant: Tenant) -> EvidenceBundle:
    with tenant_scope(tenant.id):
        made = sealed(tenant, Actor.system(), clock_now())
        return EvidenceBundle.objects.select_related("environment", "run", "incident").get(id=made.id)


def _request(bundle: EvidenceBundle, **given: Any) -> Pack:
    with tenant_scope(bundle.tenant_id):
        return request_pack(bundle=bundle, actor=Actor.system(), now=clock_now(), **given)


def _make(bundle: EvidenceBundle) -> Pack:
    pack = _request(bundle)
    assert pack.run is not None
    run = drive(tenant_id=bundle.tenant_id, run_id=pack.run.id)
    with tenant_scope(bundle.tenant_id):
        made = Pack.objects.select_related("bundle", "run").get(id=pack.id)
    assert made.status != Pack.Status.RENDERING, log_of(run)
    return made


def _zip(pack: Pack) -> bytes:
    return blobs.read(tenant_id=pack.tenant_id, digest=pack.zip_digest)


def _judge(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", verify.__file__, str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_pack_holds_every_artifact_and_verifies(bundle: EvidenceBundle) -> None:
    pack = _make(bundle)

    assert pack.status == "READY"
    assert pack.verdict is not None
    assert pack.verdict["verified"]
    names = zipfile.ZipFile(io.BytesIO(_zip(pack))).namelist()
    for path in ("data/a.json", "data/folder/b.csv", "data/report.pdf", "manifest.json", "verify.py", "VERIFY.md"):
        assert f"EVB-0001-pack-1/{path}" in names
    vouched = {each["path"] for each in pack.files}
    assert {f"EVB-0001-pack-1/{path}" for path in vouched | verify.DEPENDENT} == set(names)


def test_each_act_on_a_pack_leaves_a_receipt(bundle: EvidenceBundle) -> None:
    pack = _make(bundle)

    with tenant_scope(bundle.tenant_id):
        receipts = {each.action: each for each in Receipt.objects.filter(subject=pack.ref).order_by("id")}
    assert list(receipts) == ["evidence.pack.requested", "evidence.pack.generated", "evidence.pack.verified"]
    assert receipts["evidence.pack.generated"].id == pack.receipt_id
    finished = {each["name"]: each["digest"] for each in receipts["evidence.pack.verified"].subjects}
    assert finished == {"EVB-0001-pack-1.pdf": pack.pdf_digest, "EVB-0001-pack-1.zip": pack.zip_digest}


def test_packs_of_a_bundle_are_numbered_and_a_key_makes_one(bundle: EvidenceBundle) -> None:
    first, again = (_request(bundle, idempotency_key="k") for _time in range(2))
    second = _request(bundle)

    assert first.id == again.id
    assert (first.number, second.number) == (1, 2)


def test_the_same_bundle_gives_the_same_pdf(bundle: EvidenceBundle) -> None:
    first, second = _make(bundle), _make(bundle)

    assert first.number != second.number
    with tenant_scope(bundle.tenant_id):
        contexts = [document_context(pack=first) for _time in range(2)]
    drawn = {draw(bundle, context) for context in contexts}
    assert len(drawn) == 1
    assert blobs.read(tenant_id=bundle.tenant_id, digest=first.pdf_digest) == drawn.pop()


def test_the_pdf_is_tagged_carries_the_manifest_and_prints_its_root(bundle: EvidenceBundle, tmp_path: Path) -> None:
    pack = _make(bundle)
    path = tmp_path / "report.pdf"
    path.write_bytes(blobs.read(tenant_id=pack.tenant_id, digest=pack.pdf_digest))

    text = poppler("pdftotext", "-layout", path, "-")
    facts = poppler("pdfinfo", path)
    poppler("pdfdetach", "-saveall", "-o", tmp_path, path)

    assert "Tagged:          yes" in facts
    pages = int(next(line for line in facts.splitlines() if line.startswith("Pages:")).split()[1])
    # The cover, every footer, and the section on verifying name the root.
    assert text.count(bundle.manifest_digest) == pages + 1
    assert "Quarterly restore" in text
    assert "1 of 1 checks were made, and none found an exception" in " ".join(text.split())
    assert "NOT VERIFIED" not in text
    manifest = (tmp_path / "manifest.json").read_bytes()
    assert sha256_hex(manifest) == bundle.manifest_digest


@pytest.mark.parametrize(
    ("findings", "sentence"),
    [
        ([FAILED, UNCHECKED], "1 of 2 checks found an exception. Not as expected: tested again. 1 could not be made."),
        ([], "No checks were recorded with this bundle"),
    ],
)
def test_the_summary_says_no_more_than_was_found(
    committed: None, tenant: Tenant, findings: list[Any], sentence: str
) -> None:
    with tenant_scope(tenant.id):
        actor, moment = Actor.system(), clock_now()
        made = sealed(tenant, actor, moment, findings=findings)
        pack = request_pack(bundle=made, actor=actor, now=moment)
        context = document_context(pack=pack)

    assert context["document"]["conclusion"]["text"].startswith(sentence)


def test_a_pack_of_a_damaged_bundle_says_so_everywhere(committed: None, tenant: Tenant, tmp_path: Path) -> None:
    with tenant_scope(tenant.id):
        made = collecting(tenant, Actor.system(), clock_now())
        for name in ("gone.txt", "changed.txt", "whole.txt"):
            attach_artifact(
                bundle=made,
                path=name,
                role="raw",
                media_type="text/plain",
                data=f"{name} of the damaged bundle".encode(),
                origin="",
                actor=Actor.system(),
                now=clock_now(),
            )
    sequence(tenant_id=tenant.id, now=clock_now())
    with tenant_scope(tenant.id):
        made = seal_bundle(bundle=made, conclusion="INCONCLUSIVE", actor=Actor.system(), now=clock_now())
        damage(Artifact.objects.get(path="gone.txt"), None)
        damage(Artifact.objects.get(path="changed.txt"), b"forged")

    pack = _make(made)

    assert pack.status == "READY"
    assert pack.verdict is not None
    assert not pack.verdict["verified"]
    assert {"data/gone.txt", "data/changed.txt"} <= set(pack.verdict["files"])
    path = tmp_path / "report.pdf"
    path.write_bytes(blobs.read(tenant_id=pack.tenant_id, digest=pack.pdf_digest))
    text = poppler("pdftotext", "-layout", path, "-")
    pages = text.split("\f")[:-1]
    assert all("NOT VERIFIED" in page for page in pages)
    assert "1 of 3 match" in text
    assert "Damaged or missing: changed.txt, gone.txt" in " ".join(pages[0].split())


FLIPS = [
    (b'{"a":1}', 3, "data/a.json"),
    (b"x,y\n1,2\n", 4, "data/folder/b.csv"),
    (b"%PDF-", 1, "data/report.pdf"),
    (b"evidence-manifest/v1", 1, "manifest.json"),
    (b"BEGIN PUBLIC KEY", 30, "trust/"),
]
"""Bytes in a pack, each with how far behind them one is changed, and the file that must be named for it."""


def test_one_changed_byte_is_found_and_its_file_named(bundle: EvidenceBundle, tmp_path: Path) -> None:
    whole = _zip(_make(bundle))
    path = tmp_path / "pack.zip"
    for marker, offset, blamed in FLIPS:
        archive = bytearray(whole)
        archive[archive.index(marker) + offset] ^= 1
        path.write_bytes(archive)

        judged = _judge(path)

        assert judged.returncode == 1, marker
        assert "NOT VERIFIED" in judged.stdout
        assert blamed in judged.stdout.splitlines()[-1]


def test_a_bundle_that_may_change_is_not_packed(committed: None, tenant: Tenant) -> None:
    with tenant_scope(tenant.id), pytest.raises(BundleNotSealed):
        request_pack(bundle=collecting(tenant, Actor.system(), clock_now()), actor=Actor.system(), now=clock_now())


def test_an_auditor_may_not_request_a_pack(bundle: EvidenceBundle, actor: Make, cleo: User) -> None:
    with tenant_scope(bundle.tenant_id), pytest.raises(PermissionMissing):
        request_pack(bundle=bundle, actor=actor(cleo), now=clock_now())


def test_a_ready_pack_is_never_changed(bundle: EvidenceBundle) -> None:
    pack = _make(bundle)

    with tenant_scope(bundle.tenant_id):
        info = blobs.BlobInfo("0" * 64, 1)
        with pytest.raises(PackNotRendering):
            keep_report(pack=pack, report=info)
        with pytest.raises(PackNotRendering):
            finish_pack(pack=pack, archive=info, verdict={"verified": True}, actor=Actor.system(), now=clock_now())
        assert fail_pack(pack=pack, error="late", actor=Actor.system(), now=clock_now()).status == "READY"
        with pytest.raises(ProgrammingError, match="never changed"), transaction.atomic():
            Pack.objects.filter(id=pack.id).update(verdict={"verified": True})
        with pytest.raises(ProgrammingError, match="never changed"), transaction.atomic():
            Pack.objects.filter(id=pack.id).delete()


def test_a_pack_that_cannot_be_made_says_so(bundle: EvidenceBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry.step("evidence.render_pack")

    def break_down(ctx: Any) -> dict[str, Any]:
        raise RuntimeError("no fonts")

    patched = registry.RegisteredStep(known.name, break_down, registry.Retry(max_attempts=1), known.timeout)
    monkeypatch.setitem(registry._steps, known.name, patched)

    pack = _make(bundle)

    assert (pack.status, pack.zip_digest) == ("FAILED", "")
    assert pack.run is not None
    assert pack.error == f"{pack.run.code} failed."


class Killed(BaseException):
    """Stands for kill -9."""


def test_a_worker_that_dies_after_every_step_makes_one_pack(
    bundle: EvidenceBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    died: set[str] = set()
    for name in ("evidence.render_pack", "evidence.vouch_for_pack", "evidence.assemble_pack"):
        known = registry.step(name)

        def die_once(ctx: Any, known: registry.RegisteredStep = known) -> dict[str, Any]:
            result = known.function(ctx)
            if known.name not in died:
                died.add(known.name)
                raise Killed
            return result

        monkeypatch.setitem(registry._steps, name, registry.RegisteredStep(name, die_once, known.retry, known.timeout))
    pack = _request(bundle)
    assert pack.run is not None
    for _death in range(10):
        try:
            run = drive(tenant_id=bundle.tenant_id, run_id=pack.run.id)
            break
        except Killed:
            with tenant_scope(bundle.tenant_id):
                Run.objects.filter(id=pack.run.id).update(lease_expires_at=clock_now())

    assert (run.status, len(died)) == ("SUCCEEDED", 3)
    with tenant_scope(bundle.tenant_id):
        assert Receipt.objects.filter(action="evidence.pack.generated").count() == 1
        assert Receipt.objects.filter(action="evidence.pack.verified").count() == 1
        pack.refresh_from_db()
    assert pack.verdict is not None
    assert pack.verdict["verified"]


def test_the_commands_make_a_pack_and_judge_it(
    bundle: EvidenceBundle, tenant: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("generate_pack", "EVB-0001", "--tenant", "northwind", "--output", str(tmp_path))
    assert capsys.readouterr().out.splitlines()[-1] == "VERIFIED"

    path = str(tmp_path / "EVB-0001-pack-1.zip")
    seal, log = (keyring().keys(kind)[0].fingerprint for kind in (SEAL, LOG))
    call_command("verify_pack", path, f"--seal-key-fingerprint={seal}", f"--log-key-fingerprint={log}")
    report = capsys.readouterr().out
    assert "pass         seal key" in report
    assert report.splitlines()[-1].startswith("VERIFIED")

    with pytest.raises(SystemExit) as ended:
        call_command("verify_pack", path, f"--seal-key-fingerprint={seal}")
    assert ended.value.code == 3

    with pytest.raises(SystemExit) as ended:
        call_command("verify_pack", path, "--seal-key-fingerprint=" + "0" * 64)
    assert ended.value.code == 1
    with pytest.raises(SystemExit) as ended:
        call_command("verify_pack", str(tmp_path / "nothing.zip"))
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("name", "slug", "words"),
    [
        ("EVB-0001", "nobody", "no tenant nobody"),
        ("EVB-0099", "northwind", "no bundle EVB-0099"),
        ("EVB-0001", "globex", "no bundle EVB-0001"),
    ],
)
def test_the_command_refuses_what_is_not_there(bundle: EvidenceBundle, name: str, slug: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("generate_pack", name, "--tenant", slug)


def test_a_verifier_that_cannot_run_gives_no_verdict(bundle: EvidenceBundle) -> None:
    pack = _request(bundle)

    with tenant_scope(bundle.tenant_id), pytest.raises(VerifierFailed, match="not a ZIP"):
        verdict_on(b"nonsense", pack=pack)


def test_rendering_reads_no_database(bundle: EvidenceBundle, tenant: Tenant, django_assert_num_queries: Any) -> None:
    with tenant_scope(tenant.id):
        context = document_context(pack=_request(bundle))
        with django_assert_num_queries(0):
            render_pdf(
                template="evidence/packs/document.html",
                context=context,
                title="t",
                created=clock_now() - timedelta(days=1),
                identifier="x",
            )
