"""Has the pack judged by the verifier that it brings, alone: another interpreter, no project, our keys pinned."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatops.demo.doors import DoorShut
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.keys.keys import LOG, SEAL

SECONDS = 120


@dataclass(frozen=True)
class Verdict:
    """What the pack's own verifier said."""

    word: str
    """VERIFIED, NOT VERIFIED, or CONSISTENT, SIGNER UNKNOWN."""
    passed: int
    failed: int
    not_checked: list[str]
    """Names of the checks that could not be made here."""
    command: str
    """What a reader can type to repeat it."""

    @property
    def sentence(self) -> str:
        """The verdict in the verifier's words, what was not checked, and whether nobody else vouches for it."""
        left = f" ({', '.join(self.not_checked)})" if self.not_checked else ""
        counted = f"{self.passed} passed, {self.failed} failed, {len(self.not_checked)} not checked{left}"
        nobody = ". Nobody outside this installation has vouched for this" if "notary" in self.not_checked else ""
        return f"{self.word}: {counted}{nobody}"


def verify_alone(pack: Path, *, notary_keys: Sequence[str] = ()) -> Verdict:
    """Run `python3 -I verify.py PACK` with the script out of the ZIP, in an empty folder, and return its verdict.

    The fingerprints come from this installation's keys, not from the pack; `notary_keys` are `sha256:…` of notaries
    that sign with a key of their own. The script is left beside the pack, so that a person can run it again.
    Raise DoorShut when there is no verdict.
    """
    ring = keyring()
    pinned = [
        *(word for key in ring.keys(SEAL) for word in ("--seal-key-fingerprint", f"sha256:{key.fingerprint}")),
        *(word for key in ring.keys(LOG) for word in ("--log-key-fingerprint", f"sha256:{key.fingerprint}")),
        *(word for key in notary_keys for word in ("--notary-key-fingerprint", key)),
    ]
    source = _script_in(pack)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "verify.py"
        script.write_bytes(source)
        said = _run([_bare_python(), "-I", str(script), str(pack.resolve()), *pinned, "--json"], folder)
    pack.with_name("verify.py").write_bytes(source)
    checks = said["checks"]
    return Verdict(
        word=str(said["verdict"]),
        passed=sum(check["status"] == "pass" for check in checks),
        failed=sum(check["status"] == "fail" for check in checks),
        not_checked=[check["name"] for check in checks if check["status"] == "not checked"],
        command=" ".join([f"cd {shlex.quote(str(pack.parent))} && python3 -I verify.py", pack.name, *pinned]),
    )


def _script_in(pack: Path) -> bytes:
    with zipfile.ZipFile(pack) as archive:
        found = [name for name in archive.namelist() if name.count("/") <= 1 and name.rpartition("/")[2] == "verify.py"]
        if len(found) != 1:
            raise DoorShut(f"{pack.name} brings {len(found)} verifiers")
        return archive.read(found[0])


def _bare_python() -> str:
    """Return the interpreter below our environment, which has no package of ours."""
    bare = Path(sys.base_prefix) / "bin" / "python3"
    return str(bare if bare.exists() else sys.executable)


def _run(command: list[str], folder: str) -> dict[str, Any]:
    ran = subprocess.run(  # noqa: S603 - our own words and paths
        command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if ran.returncode not in {0, 1, 3}:
        raise DoorShut(f"the verifier could not run: {ran.stderr.strip()[-300:]}")
    said: dict[str, Any] = json.loads(ran.stdout)
    return said
