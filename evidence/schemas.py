"""What the API says of bundles, artifacts and packs."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Schema

from conductor.api.inputs import Input, Line, Text
from conductor.lib.moments import Moment
from controls.models import WorkflowBinding
from evidence.bundles.selectors import BundleDetail
from evidence.bundles.verification import ChainReport
from evidence.coverage.selectors import ControlRow
from evidence.models import EvidenceBundle, Pack


class BundleStatus(StrEnum):
    """Where a bundle stands."""

    DRAFT = "DRAFT"
    COLLECTING = "COLLECTING"
    SEALED = "SEALED"
    ABANDONED = "ABANDONED"


class Conclusion(StrEnum):
    """What was found. No assurance: a person concludes from it."""

    NO_EXCEPTIONS = "NO_EXCEPTIONS"
    EXCEPTIONS = "EXCEPTIONS"
    INCONCLUSIVE = "INCONCLUSIVE"


class Standing(StrEnum):
    """How a control stands: its newest evidence is young enough, too old, or missing; or no workflow serves it."""

    FRESH = "fresh"
    STALE = "stale"
    NEVER = "never"
    UNBOUND = "unbound"


class FindingResult(StrEnum):
    """How one check came out."""

    PASS = "pass"  # noqa: S105 - a result
    EXCEPTION = "exception"
    NOT_CHECKED = "not_checked"


class LinkState(StrEnum):
    """How one link of the chain stands."""

    OK = "ok"
    WAIT = "wait"
    BAD = "bad"


class PackStatus(StrEnum):
    """Where a pack stands."""

    RENDERING = "RENDERING"
    READY = "READY"
    FAILED = "FAILED"


class FindingOut(Schema):
    check: str
    title: str
    expected: str
    actual: str
    result: FindingResult
    detail: str


class CoverOut(Schema):
    control: str = Field(alias="control.key")
    alias: str = Field(alias="control.alias")
    label: str = Field(alias="control.label")
    part: WorkflowBinding.Part


class ArtifactOut(Schema):
    id: UUID
    path: str
    original_name: str = Field(description="The name that the file had, where it is not the path's.")
    stated_digest: str = Field(description="The SHA-256 that the sender stated and that is right; empty if none was.")
    role: str
    media_type: str
    uri: str
    """Where the bytes are, by what they are: `cas:sha256:<digest>`."""
    digest: str
    size_bytes: int
    origin: str
    collected_by_name: str
    collected_at: datetime


class BundleOut(Schema):
    id: UUID
    number: int
    code: str
    title: str
    purpose: str
    status: BundleStatus
    conclusion: Conclusion | None
    environment: str | None
    run: str | None
    incident: str | None
    effective_from: datetime
    effective_to: datetime | None
    opened_at: datetime
    opened_by_name: str
    sealed_at: datetime | None
    sealed_by_name: str
    manifest_digest: str
    retain_until: date | None
    decision_id: UUID | None
    """The policy decision that allowed the seal: GET …/policy/decisions/{id}."""

    @staticmethod
    def resolve_conclusion(bundle: EvidenceBundle) -> str | None:
        return bundle.conclusion or None

    @staticmethod
    def resolve_environment(bundle: EvidenceBundle) -> str | None:
        return bundle.environment.slug if bundle.environment else None

    @staticmethod
    def resolve_run(bundle: EvidenceBundle) -> str | None:
        return bundle.run.code if bundle.run else None

    @staticmethod
    def resolve_incident(bundle: EvidenceBundle) -> str | None:
        return bundle.incident.code if bundle.incident else None


class BundleRowOut(BundleOut):
    controls: list[str]
    """Keys of the controls that it is evidence for: `SOC2_2017_A1.2`."""

    @staticmethod
    def resolve_controls(bundle: EvidenceBundle) -> list[str]:
        if bundle.manifest is not None:
            return [each["key"] for each in bundle.manifest["controls"]]
        return sorted(cover.control.key for cover in bundle.covers.all())


class BundlePage(Schema):
    items: list[BundleRowOut]
    next_cursor: str


class AbandonIn(Input):
    """Why a bundle is given up."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class ControlStandingOut(Schema):
    """How the organisation stands with a control: which workflows serve it, and how fresh its evidence is."""

    control: str = Field(alias="control.alias")
    framework: str = Field(alias="control.framework_id")
    label: str = Field(alias="control.label")
    standing: Standing = Field(alias="state")
    workflows: list[str]
    """Of its live bindings, by name."""
    last_evidence_at: datetime | None
    """End of the period of the newest sealed bundle."""
    due_at: datetime | None
    """When that evidence turns stale; null where there is none, or no workflow."""
    bundles: int
    """Sealed bundles, of all time."""

    @staticmethod
    def resolve_workflows(row: ControlRow) -> list[str]:
        return sorted({binding.workflow for binding in row.bindings})


class ChainLinkOut(Schema):
    key: str
    title: str
    state: LinkState
    detail: str


class DifferenceOut(Schema):
    """A field of a sealed bundle that was changed in the database after the seal."""

    field: str
    signed: str
    stored: str


class ChainOut(Schema):
    """What was verified just now, from the stored bytes to the notaries."""

    verdict: str
    is_verified: bool
    damaged: list[str]
    differences: list[DifferenceOut]
    links: list[ChainLinkOut]


class PackOut(Schema):
    id: UUID
    number: int
    status: PackStatus
    run: str | None
    verified: bool | None
    """The stand-alone verifier's verdict; null until there is one."""
    pdf_digest: str
    zip_digest: str
    requested_at: datetime
    requested_by_name: str
    ready_at: datetime | None
    error: str

    @staticmethod
    def resolve_run(pack: Pack) -> str | None:
        return pack.run.code if pack.run else None

    @staticmethod
    def resolve_verified(pack: Pack) -> bool | None:
        return pack.verdict["verified"] if pack.verdict else None


class SupersededOut(Schema):
    """Findings that were recorded and replaced, with the reason."""

    findings: list[FindingOut]
    reason: str
    at: datetime
    by: str

    @staticmethod
    def resolve_by(entry: dict[str, Any]) -> str:
        return str(entry["by"]["name"])


class ResourceOut(Schema):
    """A resource of the graph that the bundle is about, as it was named when the bundle was sealed."""

    kind: str
    key: str
    name: str


class BundleDetailOut(Schema):
    bundle: BundleOut
    controls: list[CoverOut] = Field(alias="covers")
    artifacts: list[ArtifactOut]
    findings: list[FindingOut]
    superseded_findings: list[SupersededOut]
    resources: list[ResourceOut]
    packs: list[PackOut]
    superseded_by: str | None

    @staticmethod
    def resolve_findings(detail: BundleDetail) -> list[dict[str, str]]:
        findings: list[dict[str, str]] = detail.bundle.findings
        return findings

    @staticmethod
    def resolve_superseded_findings(detail: BundleDetail) -> list[dict[str, Any]]:
        superseded: list[dict[str, Any]] = detail.bundle.superseded_findings
        return superseded

    @staticmethod
    def resolve_superseded_by(detail: BundleDetail) -> str | None:
        return detail.successor.code if detail.successor else None


class FreshnessOut(Schema):
    """A framework's controls by how fresh their evidence is. The four states add up to `controls`."""

    framework: str = Field(alias="framework.key")
    controls: int
    fresh: int
    stale: int
    never: int
    unbound: int


class BundleIn(Input):
    title: Line
    purpose: Text = ""
    controls: list[Line] = Field(min_length=1, max_length=1000)
    environment: Line = ""
    effective_from: Moment
    supersedes: Line = ""


class FindingIn(Input):
    check: Line
    title: Line
    expected: Text = ""
    actual: Text = ""
    result: FindingResult
    detail: Text = ""


class SealIn(Input):
    conclusion: Conclusion
    effective_to: Moment | None = None
    """End of the period that it is evidence for; the moment of sealing by default."""


def chain_out(report: ChainReport) -> ChainOut:
    """Return the report as the API says it."""
    links = [
        ChainLinkOut(key=each.key, title=each.title, state=LinkState(each.state), detail=each.detail)
        for each in report.links
    ]
    return ChainOut(
        verdict=report.verdict,
        is_verified=report.is_verified,
        damaged=report.damaged,
        differences=[
            DifferenceOut(field=each.field, signed=each.signed, stored=each.stored) for each in report.differences
        ],
        links=links,
    )
