"""An incident's package leaves the house: its own script verifies it without us, and refuses it once tampered."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from conductor.ledger import blobs
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.keys.keys import LOG, SEAL
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from evidence.models import Pack
from evidence.pack_format.archive import read_archive, write_archive
from evidence.pack_format.verify import RECEIPTS
from incidents.models.incident import Incident
from tests.evidence.driving import drive
from tests.evidence.packing import rebagged
from tests.evidence.test_incident_bundles import _collect, _draft, resolved

__all__ = ["resolved"]
Files = dict[str, bytes]
TIMELINE, MOVES = "data/incident/timeline.json", "data/incident/transitions.json"


def package_of(incident: Incident) -> bytes:
    """Return the ZIP that is made of the resolved incident's record."""
    _draft(incident)
    bundle = _collect(incident)
    with tenant_scope(incident.tenant_id):
        run = Pack.objects.select_related("run").get(bundle=bundle).run
    assert run is not None
    drive(tenant_id=incident.tenant_id, run_id=run.id)
    with tenant_scope(incident.tenant_id):
        digest = Pack.objects.get(bundle=bundle).zip_digest
    return blobs.read(tenant_id=incident.tenant_id, digest=digest)


def verdict(script: bytes, package: bytes, folder: Path, *pins: str) -> tuple[int, str]:
    """Run the package's own verifier: an isolated Python, no environment, nothing of ours on its path."""
    (folder / "verify.py").write_bytes(script)
    (folder / "package.zip").write_bytes(package)
    command = [sys.executable, "-I", "-S", "verify.py", "package.zip", *pins]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def flipped(files: Files) -> Files:
    data = bytearray(files[TIMELINE])
    data[len(data) // 2] ^= 0x01
    return {**files, TIMELINE: bytes(data)}


def dropped(files: Files) -> Files:
    return {path: data for path, data in files.items() if path != MOVES}


def swapped(files: Files) -> Files:
    return {**files, TIMELINE: files[MOVES], MOVES: files[TIMELINE]}


def added(files: Files) -> Files:
    return {**files, "data/incident/afterthought.json": b"{}"}


def unlogged(files: Files) -> Files:
    """Take a receipt out of the package."""
    receipt = next(path for path in sorted(files) if path.startswith(RECEIPTS))
    return {path: data for path, data in files.items() if path != receipt}


TAMPERINGS: dict[str, Callable[[Files], Files]] = {
    "a byte flipped": flipped,
    "a file dropped": dropped,
    "two files swapped": swapped,
    "a file added": added,
    "a receipt taken out": unlogged,
}
"""Each is done to the files, and the lists of digests beside them are made to fit, as a forger would."""


def test_package_verifies_offline_and_fails_on_6_tamperings(resolved: Incident, tenant: Tenant, tmp_path: Path) -> None:
    package = package_of(resolved)
    base, files = read_archive(package)
    script = files["verify.py"]

    fits, report = verdict(script, package, tmp_path)
    assert fits == 3, report
    assert report.splitlines()[-1].startswith("CONSISTENT, SIGNER UNKNOWN")
    ring = keyring()
    pins = [f"--{kind.lower()}-key-fingerprint={key.fingerprint}" for kind in (SEAL, LOG) for key in ring.keys(kind)]
    good, report = verdict(script, package, tmp_path, *pins)
    assert good == 0, report
    assert report.splitlines()[-1].startswith("VERIFIED")

    tampered = {name: write_archive(base=base, files=rebagged(change(files))) for name, change in TAMPERINGS.items()}
    tampered["the tail cut off"] = package[: len(package) * 9 // 10]
    assert len(tampered) == 6
    for name, forged in tampered.items():
        code, report = verdict(script, forged, tmp_path, *pins)
        assert code == 1, (name, report)
