"""Exported receipts before a verifier of other people, as it comes from its makers: accepted, and refused when touched.

The package is @sigstore/verify, installed from the lock file beside this test.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from adapters.configuration.lifecycle import configure_adapter
from conductor.ledger.export.stamping import request_stamp
from conductor.ledger.keys.keys import SEAL, FileKeys
from conductor.ledger.keys.rotation import rotate_key
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.lib.clock import now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from evidence.anchoring import stamp_receipts
from tests.evidence.timestamping import Authority
from tests.ledger.acts import logged

HERE = Path(__file__).parent
Bundle = dict[str, Any]
pytestmark = [pytest.mark.full, pytest.mark.usefixtures("committed")]


@pytest.fixture(scope="session")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the verifier is installed."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed (Debian packages nodejs and npm)")
    folder = tmp_path_factory.mktemp("sigstore")
    for name in ("package.json", "package-lock.json", "verify.js"):
        shutil.copy(HERE / name, folder)
    done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"npm could not install the verifier: {done.stderr.strip()[-200:]}")
    return folder


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture
def exported(tenant: Tenant, authority: Authority, tmp_path: Path) -> Iterator[Callable[[], tuple[Path, Bundle]]]:
    """Give the tenant a log of 23 receipts; then export the one in the middle, with a stamp, and the trust root."""
    with authority.served() as service:
        settings = {"url": service.url, "root_certificate": authority.root.read_text(), "allow_loopback": True}
        with tenant_scope(tenant.id):
            configure_adapter(
                tenant_id=tenant.id, kind="rfc3161", name="tsa", settings=settings, actor=Actor.system(), now=now()
            )
        logged(tenant, now(), 22)
        with tenant_scope(tenant.id):
            receipt = Receipt.objects.get(leaf_index=11)
            request_stamp(receipt=receipt, actor=Actor.system(), now=now())
        assert stamp_receipts(tenant_id=tenant.id, now=now()) == 1

        def export() -> tuple[Path, Bundle]:
            root = tmp_path / "trust.json"
            call_command(
                "export_receipt", str(receipt.id), tenant=tenant.slug, output=tmp_path / "out", trust_root=root
            )
            return root, json.loads((tmp_path / f"out/receipt-{receipt.id}.sigstore.json").read_text())

        yield export


@pytest.fixture
def verdicts(verifier: Path, tmp_path: Path) -> Callable[[Path, dict[str, Bundle]], dict[str, str]]:
    def run(trust: Path, bundles: dict[str, Bundle]) -> dict[str, str]:
        files = {}
        for number, (name, bundle) in enumerate(bundles.items()):
            path = tmp_path / f"{number}.sigstore.json"
            path.write_text(json.dumps(bundle))
            files[str(path)] = name
        done = subprocess.run(
            ["node", "verify.js", str(trust), *files], cwd=verifier, capture_output=True, text=True, check=True
        )
        return {files[path]: verdict for path, verdict in json.loads(done.stdout).items()}

    return run


def tampered(bundle: Bundle) -> dict[str, Bundle]:
    """Return the bundle in seven forms that no verifier may accept."""
    forms = {
        name: deepcopy(bundle)
        for name in ("path", "tree size", "index", "no log entry", "no time", "payload", "payload type")
    }
    material = {name: form["verificationMaterial"] for name, form in forms.items()}
    hashes = material["path"]["tlogEntries"][0]["inclusionProof"]["hashes"]
    hashes[0] = base64.b64encode(bytes(32)).decode()
    material["tree size"]["tlogEntries"][0]["inclusionProof"]["treeSize"] = "24"
    note = material["tree size"]["tlogEntries"][0]["inclusionProof"]["checkpoint"]
    origin, size, rest = note["envelope"].split("\n", 2)
    note["envelope"] = f"{origin}\n{int(size) + 1}\n{rest}"
    material["index"]["tlogEntries"][0]["inclusionProof"]["logIndex"] = "12"
    material["no log entry"]["tlogEntries"] = []
    material["no time"]["timestampVerificationData"] = {"rfc3161Timestamps": []}
    payload = bytearray(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    payload[len(payload) // 2] ^= 1
    forms["payload"]["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    forms["payload type"]["dsseEnvelope"]["payloadType"] = "application/json"
    return forms


def test_the_official_verifier_accepts_a_receipt_and_refuses_seven_tamperings(
    exported: Callable[[], tuple[Path, Bundle]], verdicts: Callable[..., dict[str, str]]
) -> None:
    trust, bundle = exported()
    forms = tampered(bundle)

    said = verdicts(trust, {"as exported": bundle, **forms})

    print(json.dumps(said, indent=2))
    assert said.pop("as exported") == "verified"
    assert len(said) == 7
    expected = {
        "path": "TLOG_INCLUSION_PROOF_ERROR",
        "tree size": "TLOG_INCLUSION_PROOF_ERROR",
        "index": "TLOG_INCLUSION_PROOF_ERROR",
        "no log entry": "TLOG_ERROR",
        "no time": "TIMESTAMP_ERROR",
        "payload": "",
        "payload type": "",
    }
    for name, verdict in said.items():
        assert verdict != "verified", name
        assert verdict.startswith(expected[name]), (name, verdict)


def test_another_installation_s_trust_root_does_not_do(
    exported: Callable[[], tuple[Path, Bundle]], verdicts: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    trust, bundle = exported()
    root = json.loads(trust.read_text())
    other = FileKeys(tmp_path / "other")
    other.create()
    (key,) = root["publicKeys"].values()
    key["rawBytes"] = base64.b64encode(other.seal().public.der).decode()
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(json.dumps(root))

    assert verdicts(elsewhere, {"bundle": bundle})["bundle"] != "verified"


def test_a_receipt_verifies_after_its_key_was_replaced(
    exported: Callable[[], tuple[Path, Bundle]],
    verdicts: Callable[..., dict[str, str]],
    tenant: Tenant,
    settings: Any,
    tmp_path: Path,
) -> None:
    keys = FileKeys(settings.CONDUCTOR_KEYS_DIR)
    added = keys.add(SEAL)
    try:
        rotate_key(purpose=SEAL, new=added, provider=keys, actor=Actor.system(), now=now())
        sequence(tenant_id=tenant.id, now=now())

        trust, bundle = exported()

        assert len(json.loads(trust.read_text())["publicKeys"]) == 2
        assert verdicts(trust, {"old receipt": bundle}) == {"old receipt": "verified"}
    finally:
        (keys.directory / "seal-2.key.pem").unlink()
