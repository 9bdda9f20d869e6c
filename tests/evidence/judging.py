"""Packs put before the verifier, by readers who know the keys or do not."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from evidence.pack_format import verify
from evidence.pack_format.verify import Report, Trust
from tests.evidence.packing import LOG, NOTARY, SEAL

PINS = Trust(
    seal_keys=frozenset({SEAL.public.fingerprint}),
    log_keys=frozenset({LOG.public.fingerprint}),
    notary_keys=frozenset({NOTARY.public.fingerprint}),
)
"""What a reader knows who got all fingerprints from elsewhere."""


def judge(data: bytes, trust: Trust | None = PINS, **options: Any) -> Report:
    """Return the verifier's report on a ZIP."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pack.zip")
        path.write_bytes(data)
        return verify.verify(str(path), trust=trust, **options)


def statuses(report: Report) -> dict[str, str]:
    return {each.name: each.status for each in report.checks}


def failures(report: Report) -> set[str]:
    return {each.name for each in report.checks if each.status == "fail"}
