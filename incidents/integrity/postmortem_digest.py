"""The digest of a postmortem: of what its readers read, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conductor.lib.canonical import canonical_json, sha256_hex


def content_digest(*, sections: Sequence[Any], metrics: Sequence[Any], charts: Sequence[Any] = ()) -> str:
    """Return the SHA-256 of what a reader reads, in canonical JSON."""
    return sha256_hex(canonical_json(content_of(sections=sections, metrics=metrics, charts=charts)))


def content_of(*, sections: Sequence[Any], metrics: Sequence[Any], charts: Sequence[Any] = ()) -> dict[str, Any]:
    """Return what a reader reads. Versions from before there were charts have none, and keep their digest."""
    content = {"sections": list(sections), "metrics": list(metrics)}
    return {**content, "charts": list(charts)} if charts else content
