"""Evidence: bundles with their artifacts, sealing, verification, packs and their downloads."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from django.http import FileResponse
from ninja import File, Form, Header, Query, Router, Status
from ninja.files import UploadedFile

from conductor.api.bytes_out import gives
from conductor.api.inputs import Limit
from conductor.api.paging import page
from conductor.lib.clock import now
from conductor.lib.errors import Invalid
from conductor.lib.moments import Moment
from conductor.tenancy.actors import require
from conductor.tenancy.models import Environment
from conductor.tenancy.requests import TenantRequest
from controls.selectors import control_by_id, controls_of
from evidence import downloads, schemas
from evidence.bundles import artifacts, sealing
from evidence.bundles import lifecycle as bundles_lifecycle
from evidence.bundles.findings import parse_finding
from evidence.bundles.lifecycle import BundleNotSealed, start_collecting
from evidence.bundles.sealed import artifacts_of, as_signed
from evidence.bundles.selectors import artifact_of, bundle_by_id, bundle_detail, bundles, pack_by_id
from evidence.bundles.uploads import one_file, safe_name, shown_name, stated_digest
from evidence.bundles.verification import verify_bundle
from evidence.coverage.selectors import control_rows, coverage
from evidence.models import Artifact, EvidenceBundle, Pack
from evidence.packs import lifecycle as packs_lifecycle

DIGEST = "The SHA-256 of the file, as in RFC 9530: `sha-256=:<base64>:`. 422 if another file arrived."
SINCE = "Bundles whose period ends then or later, or has no end yet."
UNTIL = "Bundles whose period begins then or earlier."
router = Router(tags=["evidence"])
packs_router = Router(tags=["evidence"])


@router.get("", response=schemas.BundlePage, operation_id="list_bundles")
def list_bundles(
    request: TenantRequest,
    status: schemas.BundleStatus | None = None,
    control: str = "",
    q: str = "",
    environment: str = "",
    conclusion: schemas.Conclusion | None = None,
    since: Annotated[Moment | None, Query(alias="from", description=SINCE)] = None,
    until: Annotated[Moment | None, Query(alias="to", description=UNTIL)] = None,
    cursor: str = "",
    limit: Limit = 50,
) -> Any:
    """Bundles, newest first; in one status, for one control, of one environment or conclusion, with a word in them.

    `from` and `to` leave those that are evidence for a moment in between.
    """
    require(actor=request.actor, permission="view_evidence")
    wanted = control_by_id(control) if control else None
    found = bundles(
        status=status.value if status else "",
        control=wanted,
        search=q,
        environment=environment,
        conclusion=conclusion.value if conclusion else "",
        since=since,
        until=until,
    )
    listed = page(found.prefetch_related("covers__control"), key="number", cursor=cursor, limit=limit)
    return replace(listed, items=[as_signed(each) for each in listed.items])


@router.get("/coverage", response=list[schemas.FreshnessOut], operation_id="get_evidence_coverage")
def get_evidence_coverage(request: TenantRequest) -> Any:
    """Controls with fresh, stale and no evidence, framework by framework."""
    require(actor=request.actor, permission="view_evidence")
    return coverage(now=now())


@router.get("/coverage/controls", response=list[schemas.ControlStandingOut], operation_id="list_control_standings")
def list_control_standings(
    request: TenantRequest, framework: str = "", standing: schemas.Standing | None = None
) -> Any:
    """Each control with its workflows and how fresh its evidence is; of one framework, in one standing."""
    require(actor=request.actor, permission="view_evidence")
    controls = controls_of(framework=framework).filter(is_withdrawn=False)
    rows = control_rows(controls=controls, now=now())
    return [row for row in rows if standing is None or row.state == standing]


@router.post("", response={201: schemas.BundleOut}, operation_id="open_bundle")
def open_bundle(request: TenantRequest, payload: schemas.BundleIn) -> Any:
    """Open a bundle for controls and let artifacts in."""
    environment = Environment.objects.filter(slug=payload.environment).first() if payload.environment else None
    if payload.environment and environment is None:
        raise Invalid(fields={"environment": [f"There is no environment {payload.environment}."]})
    bundle = bundles_lifecycle.open_bundle(
        tenant_id=request.tenant.id,
        title=payload.title,
        purpose=payload.purpose,
        control_ids=payload.controls,
        environment=environment,
        supersedes=bundle_by_id(payload.supersedes) if payload.supersedes else None,
        effective_from=payload.effective_from,
        actor=request.actor,
        now=now(),
    )
    return Status(201, start_collecting(bundle=bundle, actor=request.actor, now=now()))


@router.get("/{bundle}", response=schemas.BundleDetailOut, operation_id="get_bundle")
def get_bundle(request: TenantRequest, bundle: str) -> Any:
    """One bundle by id, number or code (`EVB-0017`)."""
    require(actor=request.actor, permission="view_evidence")
    return bundle_detail(bundle=bundle_by_id(bundle))


@router.get("/{bundle}/verification", response=schemas.ChainOut, operation_id="verify_bundle")
def get_verification(request: TenantRequest, bundle: str) -> Any:
    """Verify the bundle now: bytes, manifest, seal, notaries."""
    require(actor=request.actor, permission="view_evidence")
    return schemas.chain_out(verify_bundle(bundle_by_id(bundle)))


@router.get("/{bundle}/manifest", response=dict[str, Any], operation_id="get_bundle_manifest")
def get_manifest(request: TenantRequest, bundle: str) -> Any:
    """The sealed manifest. 409 until the bundle is sealed."""
    require(actor=request.actor, permission="view_evidence")
    found = bundle_by_id(bundle)
    if found.manifest is None:
        raise BundleNotSealed
    return found.manifest


@router.get("/{bundle}/artifacts", response=list[schemas.ArtifactOut], operation_id="list_artifacts")
def list_artifacts(request: TenantRequest, bundle: str) -> Any:
    """The bundle's artifacts, by path."""
    require(actor=request.actor, permission="view_evidence")
    return artifacts_of(bundle_by_id(bundle))


@router.post("/{bundle}/artifacts", response={201: schemas.ArtifactOut}, operation_id="attach_artifact")
def attach_artifact(
    request: TenantRequest,
    bundle: str,
    file: File[UploadedFile],
    path: Form[str] = "",
    role: Form[str] = "raw",
    media_type: Form[str] = "",
    origin: Form[str] = "",
    content_digest: Annotated[str, Header(alias="Content-Digest", description=DIGEST)] = "",
) -> Any:
    """Attach a file (multipart; 939,524,096 bytes at most in a bundle). Without a path a safe one is made of its name.

    What the file was called is kept beside it. One file at a time; an artifact is never replaced.
    """
    one_file(request.FILES)
    name = shown_name(file.name or "")
    made = path or safe_name(name)
    artifact: Artifact = artifacts.attach_artifact(
        bundle=bundle_by_id(bundle),
        path=made,
        original_name="" if name == made.rpartition("/")[2] else name,
        stated_digest=stated_digest(content_digest),
        role=role,
        media_type=media_type or file.content_type or "application/octet-stream",
        data=file.file or b"",
        origin=origin or "uploaded through the API",
        actor=request.actor,
        now=now(),
    )
    return Status(201, artifact)


@router.get(
    "/{bundle}/artifacts/{artifact_id}/content",
    response={200: None},
    operation_id="download_artifact",
    openapi_extra=gives("application/octet-stream"),
)
def download_artifact(request: TenantRequest, bundle: str, artifact_id: UUID) -> FileResponse:
    """The artifact's bytes, as long as they match their digest."""
    require(actor=request.actor, permission="view_evidence")
    found = bundle_by_id(bundle)
    return downloads.artifact_download(artifact_of(bundle=found, artifact_id=artifact_id))


@router.put("/{bundle}/findings", response=list[schemas.FindingOut], operation_id="record_findings")
def record_findings(request: TenantRequest, bundle: str, payload: list[schemas.FindingIn], reason: str = "") -> Any:
    """Set the bundle's findings, in this order. A finding that replaces another needs a reason; both are kept."""
    findings = [parse_finding({**each.model_dump(), "result": each.result.value}) for each in payload]
    recorded = artifacts.record_findings(
        bundle=bundle_by_id(bundle), findings=findings, reason=reason, actor=request.actor, now=now()
    )
    return recorded.findings


@router.post("/{bundle}/seal", response={201: schemas.BundleOut}, operation_id="seal_bundle")
def seal_bundle(request: TenantRequest, bundle: str, payload: schemas.SealIn) -> Any:
    """Seal the bundle. 409 `receipts_unsequenced` for a second or two after its last change."""
    found = bundle_by_id(bundle)
    sealed: EvidenceBundle = sealing.seal_bundle(
        bundle=found,
        conclusion=payload.conclusion.value,
        effective_to=payload.effective_to,
        actor=request.actor,
        now=now(),
    )
    return Status(201, sealed)


@router.post("/{bundle}/abandonment", response=schemas.BundleOut, operation_id="abandon_bundle")
def abandon_bundle(request: TenantRequest, bundle: str, payload: schemas.AbandonIn) -> Any:
    """Give up a bundle that is not sealed, because it was opened or filled in error. It keeps its artifacts."""
    found = bundle_by_id(bundle)
    return bundles_lifecycle.abandon_bundle(bundle=found, reason=payload.reason, actor=request.actor, now=now())


@router.post("/{bundle}/packs", response={202: schemas.PackOut}, operation_id="request_pack")
def request_pack(request: TenantRequest, bundle: str) -> Any:
    """Ask for an Evidence Pack. It is made by a run of its own; poll the pack until it is READY."""
    pack: Pack = packs_lifecycle.request_pack(bundle=bundle_by_id(bundle), actor=request.actor, now=now())
    return Status(202, pack)


@packs_router.get("/{pack_id}", response=schemas.PackOut, operation_id="get_pack")
def get_pack(request: TenantRequest, pack_id: UUID) -> Any:
    """One pack."""
    require(actor=request.actor, permission="view_evidence")
    return pack_by_id(pack_id)


@packs_router.get(
    "/{pack_id}/pdf",
    response={200: None},
    operation_id="download_pack_pdf",
    openapi_extra=gives("application/pdf"),
)
def download_pack_pdf(request: TenantRequest, pack_id: UUID) -> FileResponse:
    """The pack's PDF. 409 until it is READY."""
    require(actor=request.actor, permission="view_evidence")
    return downloads.pack_pdf(pack_by_id(pack_id))


@packs_router.get(
    "/{pack_id}/zip",
    response={200: None},
    operation_id="download_pack_zip",
    openapi_extra=gives("application/zip"),
)
def download_pack_zip(request: TenantRequest, pack_id: UUID) -> FileResponse:
    """The pack's ZIP. 409 until it is READY."""
    require(actor=request.actor, permission="view_evidence")
    return downloads.pack_zip(pack_by_id(pack_id))
