"""The client that `make sdk` builds: the same bytes each time, and usable where nothing of ours is installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from django.contrib.auth.models import User
from django.db import connections

from conductor.embedded.progress import Halt
from conductor.embedded.sdk import wheel
from conductor.engine.models import Run
from conductor.engine.run.executor import advance
from conductor.ledger.log.sequencer import sequence
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.console.browsing import serving
from tests.evidence.calling import token_of_member

ROOT = Path(__file__).resolve().parents[2]
HOW_TO = ROOT / "docs/how-to/use-the-python-client.md"
DOCUMENT = ROOT / wheel.DOCUMENT
pytestmark = pytest.mark.fault("api-F12")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel.build(document=DOCUMENT, into=tmp_path_factory.mktemp("built"))


@pytest.fixture
def installed(built: Path, tmp_path: Path) -> Path:
    """A folder with the wheel in it: installing one of plain Python is unpacking it."""
    target = tmp_path / "installed"
    with zipfile.ZipFile(built) as archive:
        archive.extractall(target)
    return target


@pytest.fixture
def worker(committed: None, tenant: Tenant) -> Iterator[None]:
    """What runs and numbers receipts beside the web process."""
    over = Event()

    def work() -> None:
        while not over.wait(0.1):
            sequence(tenant_id=tenant.id, now=clock_now())
            with tenant_scope(tenant.id):
                due = list(Run.objects.exclude(status__in=Run.OVER).values_list("id", flat=True))
            for run_id in due:
                advance(tenant_id=tenant.id, run_id=run_id, worker="test", now=clock_now())
        connections.close_all()

    thread = Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.mark.full
def test_the_wheel_is_the_same_whenever_and_wherever_it_is_built(built: Path, tmp_path: Path) -> None:
    again = "import sys; from pathlib import Path; from conductor.embedded.sdk.wheel import build; "
    again += "build(document=Path(sys.argv[1]), into=Path(sys.argv[2]))"
    variables = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", again, DOCUMENT, tmp_path], cwd=ROOT, env=variables, check=True)

    assert (tmp_path / built.name).read_bytes() == built.read_bytes()


def test_every_operation_of_the_document_is_in_the_wheel(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        modules = {Path(name).stem for name in archive.namelist() if "/api/" in name}
        assert any(name.endswith("py.typed") for name in archive.namelist())
        assert "boundary=" not in "".join(archive.read(name).decode() for name in archive.namelist())
    paths = json.loads(DOCUMENT.read_text())["paths"].values()
    named = {
        each["operationId"] for operations in paths for method, each in operations.items() if method != "parameters"
    }

    assert len(named) > 100
    assert named <= modules


def test_a_document_that_the_generator_does_not_understand_makes_no_wheel(tmp_path: Path) -> None:
    document = json.loads(DOCUMENT.read_text())
    answer = {"description": "A film", "content": {"video/mp4": {"schema": {"type": "string"}}}}
    document["paths"] = {"/film": {"get": {"operationId": "get_film", "tags": ["x"], "responses": {"200": answer}}}}
    (tmp_path / "openapi.json").write_text(json.dumps(document))

    with pytest.raises(Halt, match="video/mp4"):
        wheel.build(document=tmp_path / "openapi.json", into=tmp_path / "built")
    assert list((tmp_path / "built").iterdir()) == []


@pytest.mark.full
def test_a_file_with_the_generators_boundary_in_it_arrives_whole(
    installed: Path, committed: None, tenant: Tenant, cora: User
) -> None:
    """In a process that has the client, against the server: the bytes that a fixed boundary would cut."""
    content = b'first\r\n--+++\r\nContent-Disposition: form-data; name="path"\r\n\r\nother.txt\r\n--+++--\r\nlast'
    script = """
import hashlib, os, sys
from datetime import UTC, datetime
from io import BytesIO
from maestro_conductor_client import AuthenticatedClient
from maestro_conductor_client.api.evidence import attach_artifact, open_bundle
from maestro_conductor_client.models import AttachArtifactMultiPartBodyParams, BundleIn
from maestro_conductor_client.types import File
client = AuthenticatedClient(base_url=os.environ["BASE"], token=os.environ["TOKEN"])
body = BundleIn(title="By client", controls=["SOC2_A1.2"], effective_from=datetime.now(UTC))
bundle = open_bundle.sync("northwind", client=client, body=body)
content = sys.stdin.buffer.read()
file = File(payload=BytesIO(content), file_name="log.txt", mime_type="text/plain")
kept = attach_artifact.sync(
    "northwind", bundle.code, client=client, body=AttachArtifactMultiPartBodyParams(file=file, path="log.txt")
)
print(kept.path, kept.digest == hashlib.sha256(content).hexdigest())
"""
    assert _run(script, installed, token_of_member(cora, tenant), stdin=content) == "log.txt True\n"


@pytest.mark.full
def test_the_how_to_runs_as_printed_from_service_to_pack(
    installed: Path, worker: None, tenant: Tenant, cora: User, tmp_path: Path
) -> None:
    (script,) = re.findall(r"^```python\n(.*?)^```", HOW_TO.read_text(), re.MULTILINE | re.DOTALL)

    said = _run(script, installed, token_of_member(cora, tenant), directory=tmp_path)

    assert said.splitlines() == [
        "imported 1 and rejected 0",
        "INC-1 is RESOLVED",
        "EVB-0001 is sealed; its pack is READY and verified: True",
    ]
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        assert any(name.endswith("data/timeline.json") for name in archive.namelist())


def _run(script: str, installed: Path, token: str, *, stdin: bytes = b"", directory: Path | None = None) -> str:
    """Run `script` where only the client and what it needs can be imported; return what it printed."""
    with serving() as base:
        variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed), "BASE": base, "TOKEN": token}
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=directory or installed, env=variables, input=stdin, capture_output=True,
            timeout=300,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()
