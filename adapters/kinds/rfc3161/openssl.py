"""The second verifier: `openssl ts`. Asked when the first one cannot read an answer, for example an unsorted SET."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from adapters.ports.protocols import AttestationRefused

TIMEOUT_SECONDS = 20
_CODES = {"nonce": "nonce_other", "imprint": "digest_other", "policy": "policy_other"}
_LABEL = "Time stamp: "


class Unreadable(Exception):
    """OpenSSL cannot read it either, or is not installed."""


def version() -> str:
    """Return `OpenSSL 3.0.19`."""
    return " ".join(_run("version").stdout.split()[:2])


def verify(*, request: bytes, response: bytes, root_pem: str, intermediates_pem: str = "") -> datetime:
    """Return the time of a valid answer, judged as of that time. Raise AttestationRefused or Unreadable."""
    with tempfile.TemporaryDirectory(prefix="conductor-ts-") as folder:
        query, reply, root, others = (Path(folder) / name for name in ("q.tsq", "r.tsr", "root.pem", "others.pem"))
        query.write_bytes(request)
        reply.write_bytes(response)
        root.write_text(root_pem)
        others.write_text(intermediates_pem)
        attested_at = _time_of(reply)
        arguments = ["-queryfile", str(query), "-in", str(reply), "-CAfile", str(root)]
        arguments += ["-attime", str(int(attested_at.timestamp()))]
        arguments += ["-untrusted", str(others)] if intermediates_pem.strip() else []
        done = _run("ts", "-verify", *arguments)
    if done.returncode == 0 and "Verification: OK" in done.stdout:
        return attested_at
    said = done.stderr.lower()
    code = next((code for word, code in _CODES.items() if f"{word} mismatch" in said), "untrusted")
    raise AttestationRefused(f"OpenSSL does not accept the time stamp ({code})", code=code)


def _time_of(reply: Path) -> datetime:
    done = _run("ts", "-reply", "-in", str(reply), "-text")
    line = next((line for line in done.stdout.splitlines() if line.startswith(_LABEL)), "")
    if done.returncode or "Status: Granted." not in done.stdout or not line:
        raise Unreadable("OpenSSL finds no granted time stamp in it")
    moment = line.removeprefix(_LABEL).strip()
    pattern = "%b %d %H:%M:%S.%f %Y GMT" if "." in moment else "%b %d %H:%M:%S %Y GMT"
    return datetime.strptime(moment, pattern).replace(tzinfo=UTC)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("openssl")
    if program is None:
        raise Unreadable("the program openssl is not installed")
    try:
        return subprocess.run(  # noqa: S603 - a fixed program; the arguments are ours
            [program, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unreadable("OpenSSL did not come back") from error
