"""Every write of the evidence app: bundles, artifacts, sealing, packs."""

from evidence.lifecycle.artifacts import (
    ArtifactExists,
    ArtifactTooLarge,
    FindingsDropped,
    attach_artifact,
    record_findings,
)
from evidence.lifecycle.bundles import (
    BundleNotCollecting,
    BundleNotSealed,
    BundleSuperseded,
    abandon_bundle,
    open_bundle,
    start_collecting,
)
from evidence.lifecycle.incident import IncidentNotFinal, collect_for_incident
from evidence.lifecycle.packs import (
    BundleNotReleasable,
    PackNotRendering,
    fail_pack,
    finish_pack,
    keep_report,
    request_pack,
    vouch_for_pack,
)
from evidence.lifecycle.sealing import (
    ArtifactsDamaged,
    BundleChanged,
    ConclusionContradicted,
    ReceiptsUnsequenced,
    seal_bundle,
)

__all__ = [
    "ArtifactExists",
    "ArtifactTooLarge",
    "ArtifactsDamaged",
    "BundleChanged",
    "BundleNotCollecting",
    "BundleNotReleasable",
    "BundleNotSealed",
    "BundleSuperseded",
    "ConclusionContradicted",
    "FindingsDropped",
    "IncidentNotFinal",
    "PackNotRendering",
    "ReceiptsUnsequenced",
    "abandon_bundle",
    "attach_artifact",
    "collect_for_incident",
    "fail_pack",
    "finish_pack",
    "keep_report",
    "open_bundle",
    "record_findings",
    "request_pack",
    "seal_bundle",
    "start_collecting",
    "vouch_for_pack",
]
