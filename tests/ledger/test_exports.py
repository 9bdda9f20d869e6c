"""Receipts leave in other people's formats, and every door to them is watched."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from conductor.ledger import selectors
from conductor.ledger.export import sigstore, tlog_proof
from conductor.ledger.export.stamping import REQUESTED, request_stamp
from conductor.ledger.keys import dsse
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.keys.keys import LOG, SEAL
from conductor.ledger.log import merkle
from conductor.ledger.log.entry import log_entry
from conductor.ledger.models import Receipt
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.evidence.calling import caller
from tests.ledger.acts import act, as_owner, logged

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def receipt(tenant: Tenant, now: datetime) -> Receipt:
    return logged(tenant, now, 5)[3]


@pytest.fixture
def files(receipt: Receipt, tenant: Tenant, tmp_path: Path) -> Path:
    """Export the receipt; return the path that its files begin with."""
    call_command("export_receipt", str(receipt.id), tenant=tenant.slug, output=tmp_path, trust_root=tmp_path / "t.json")
    return tmp_path / f"receipt-{receipt.id}"


# The commands of the documentation ---------------------------------------------------------------
def commands() -> list[str]:
    text = (ROOT / "docs/how-to/verify.md").read_text().partition("### With openssl alone")[2]
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def by_hand(files: Path, fingerprint: str) -> subprocess.CompletedProcess[str]:
    """Run the commands as printed."""
    variables = {"R": files.name, "FINGERPRINT": fingerprint, "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        ["sh"], input="".join(commands()), cwd=files.parent, env=variables, capture_output=True, text=True
    )


def test_openssl_verifies_a_receipt_by_the_commands_in_the_documentation(files: Path, receipt: Receipt) -> None:
    with tenant_scope(receipt.tenant_id):
        fingerprint = keyring().keys(SEAL)[0].fingerprint

    done = by_hand(files, fingerprint)

    assert done.returncode == 0, done.stderr
    assert "Signature Verified Successfully" in done.stdout
    assert "OK: the key is the one that you named" in done.stdout
    said = json.loads((files.parent / "payload").read_text())
    assert said["predicate"]["receiptId"] == str(receipt.id)


def test_openssl_refuses_a_receipt_in_which_one_letter_was_changed(files: Path) -> None:
    path = files.with_name(f"{files.name}.dsse.json")
    envelope = json.loads(path.read_text())
    payload = base64.b64decode(envelope["payload"]).replace(b"tests.thing.done", b"tests.thing.gone")
    path.write_text(json.dumps({**envelope, "payload": base64.b64encode(payload).decode()}, separators=(",", ":")))

    done = by_hand(files, "")

    assert done.returncode != 0
    assert "FAIL: another key" in done.stdout
    assert "Signature Verified Successfully" not in done.stdout


# tlog-proof --------------------------------------------------------------------------------------
def proven(receipt: Receipt) -> dict[str, Any]:
    """Return the arguments with which the receipt's tlog-proof verifies."""
    ring = keyring()
    envelope = dsse.Envelope.from_dict(receipt.envelope or {})
    return {
        "text": tlog_proof.write(selectors.inclusion_proof(receipt=receipt)),
        "entry": log_entry(envelope=envelope, key=ring.keys(SEAL)[0]),
        "origin": sigstore.origin_of(receipt.tenant_id),
        "key": ring.keys(LOG)[0],
    }


def test_a_tlog_proof_has_the_form_of_the_specification(receipt: Receipt, files: Path, scope: None) -> None:
    given = proven(receipt)
    lines = given["text"].split("\n")

    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 3"]
    assert lines[5:8] == ["", given["origin"], "5"]
    assert lines[10].startswith(f"— {given['origin']} ")
    assert tlog_proof.verify(**given).tree_size == 5
    assert files.with_name(f"{files.name}.tlog-proof").read_text() == given["text"]


def test_no_byte_of_a_tlog_proof_can_be_changed(receipt: Receipt, scope: None) -> None:
    given = proven(receipt)
    text = given["text"]
    data = text.encode()
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1
        with pytest.raises((tlog_proof.ProofRefused, UnicodeDecodeError)):
            tlog_proof.verify(**{**given, "text": changed.decode()})
    edits = [
        text.replace("index 3", "index 03"),
        text.replace("index 3", "index -3"),
        text.replace("index 3\n", "extra AAAA\nindex 3\n"),
        text.replace("\nindex 3", "\r\nindex 3"),
        text.replace("\n\n", "\n" + "A" * 44 + "\n\n", 1),
        text.replace("\n\n", "\n" + (base64.b64encode(bytes(32)).decode() + "\n") * 70 + "\n", 1),
        text.partition("\n\n")[0],
        "",
    ]
    for edited in edits:
        with pytest.raises(tlog_proof.ProofRefused):
            tlog_proof.verify(**{**given, "text": edited})
    with pytest.raises(tlog_proof.ProofRefused):
        tlog_proof.verify(**{**given, "entry": b"something else"})
    with pytest.raises(tlog_proof.ProofRefused):
        tlog_proof.verify(**{**given, "origin": "another.example"})


# The bundle and its trust root -------------------------------------------------------------------
def test_a_bundle_holds_the_same_proof_and_the_trust_root_the_same_keys(receipt: Receipt, scope: None) -> None:
    ring = keyring()
    bundle = sigstore.bundle(receipt=receipt, keyring=ring)
    root = sigstore.trust_root(tenant_id=receipt.tenant_id, keyring=ring)

    (entry,) = bundle["verificationMaterial"]["tlogEntries"]
    proof = entry["inclusionProof"]
    merkle.verify_inclusion(
        leaf=merkle.leaf_hash(base64.b64decode(entry["canonicalizedBody"])),
        index=int(proof["logIndex"]),
        size=int(proof["treeSize"]),
        proof=[base64.b64decode(each) for each in proof["hashes"]],
        root_hash=base64.b64decode(proof["rootHash"]),
    )
    assert list(root["publicKeys"]) == [bundle["verificationMaterial"]["publicKey"]["hint"]]
    assert root["trustedRoot"]["tlogs"][0]["logId"] == entry["logId"]
    note = proof["checkpoint"]["envelope"]
    line = base64.b64decode(note.splitlines()[-1].split(" ")[2])
    assert base64.b64decode(entry["logId"]["keyId"])[:4] == line[:4]
    assert bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"] == []


# Time stamps on request --------------------------------------------------------------------------
def test_a_stamp_is_asked_for_once_and_the_request_is_a_receipt(receipt: Receipt, scope: None, now: datetime) -> None:
    assert request_stamp(receipt=receipt, actor=Actor.system(), now=now)
    assert not request_stamp(receipt=receipt, actor=Actor.system(), now=now)
    assert Receipt.objects.filter(action=REQUESTED).count() == 1


# Doors -------------------------------------------------------------------------------------------
def test_the_api_serves_proofs_to_members_only(
    receipt: Receipt, tenant: Tenant, ben: User, cleo: User, max_: User, other_tenant: Tenant
) -> None:
    call = caller(tenant)
    base = f"/receipts/{receipt.id}"

    for path in ("", "/proof", "/bundle", "/tlog-proof", "/verification"):
        assert call("get", base + path, user=ben).status_code == 200, path
        assert call("get", base + path, user=max_, of=other_tenant).status_code == 404, path
        assert call("get", base + path).status_code == 401, path
    assert call("get", f"{base}/proof", user=cleo, query={"tree_size": "5"}).json()["tree_size"] == 5
    assert call("get", f"{base}/proof", user=cleo, query={"tree_size": "4"}).status_code == 404
    checked = call("get", f"{base}/verification", user=cleo).json()
    assert checked["is_verified"]
    assert [each["state"] for each in checked["checks"]] == ["ok", "ok", "ok", "wait"]
    assert call("get", "/receipts/trust-root", user=cleo).json()["publicKeys"]
    consistency = call("get", "/receipts/consistency", user=cleo, query={"old_size": "5"})
    assert consistency.json()["hashes"] == []
    assert call("get", "/receipts/consistency", user=cleo, query={"old_size": "3"}).status_code == 404
    assert call("post", f"{base}/timestamp", user=cleo).status_code == 403
    assert call("post", f"{base}/timestamp", user=ben).json() == {"requested": True}
    assert call("post", f"{base}/timestamp", user=ben).json() == {"requested": False}
    assert call("post", f"{base}/timestamp", user=max_, of=other_tenant).status_code == 404


def test_a_pending_receipt_has_no_proof_and_says_so(tenant: Tenant, ben: User, now: datetime, tmp_path: Path) -> None:
    pending = act(tenant, now)
    for path in ("proof", "bundle", "tlog-proof"):
        got = caller(tenant)("get", f"/receipts/{pending.id}/{path}", user=ben)
        assert got.status_code == 409
        assert got.json()["code"] == "receipt_not_yet_sequenced"

    with pytest.raises(CommandError, match="no number yet"):
        call_command("export_receipt", str(pending.id), tenant="northwind", output=tmp_path)
    with pytest.raises(CommandError, match="no tenant"):
        call_command("export_receipt", str(pending.id), tenant="nobody", output=tmp_path)


CHANGES = {
    "an actor": ("UPDATE conductor_receipt SET actor_name = 'Nobody' WHERE leaf_index = 3", "Content"),
    "the body": ("UPDATE conductor_receipt SET body = '{}' WHERE leaf_index = 3", "Content"),
    "the signature": (
        "UPDATE conductor_receipt SET envelope = jsonb_set(envelope, '{signatures,0,sig}', '\"AAAA\"')",
        "Signature",
    ),
    "the place": (
        "UPDATE conductor_receipt SET leaf_index = 99 WHERE leaf_index = 2;"
        "UPDATE conductor_receipt SET leaf_index = 2 WHERE leaf_index = 3",
        "Log",
    ),
    "a tile": ("UPDATE conductor_tile SET hashes = sha256('') || substring(hashes FROM 33)", "Log"),
    "the checkpoint": ("UPDATE conductor_checkpoint SET note = replace(note, '4', '5')", "Log"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_receipt_that_was_changed_is_not_verified_and_the_check_says_where(
    committed: None, tenant: Tenant, ben: User, now: datetime, change: str
) -> None:
    changed = logged(tenant, now, 4)[3]
    statement, title = CHANGES[change]
    with as_owner() as cursor:
        cursor.execute(statement)

    got = caller(tenant)("get", f"/receipts/{changed.id}/verification", user=ben).json()

    assert {each["title"]: each["state"] for each in got["checks"]}[title] == "bad"
    assert not got["is_verified"]
    assert got["verdict"].startswith("Not verified")
