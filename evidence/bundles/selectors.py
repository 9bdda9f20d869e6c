"""Bundles for lists and pages. Nothing here reads stored bytes: that is evidence.bundles.verification's to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Sum

from adapters.models.adapter import NotaryRecord
from adapters.notaries.demands import independent_kinds
from conductor.ledger.models import Receipt
from conductor.ledger.selectors import receipts_for
from conductor.lib.errors import NotFound
from conductor.lib.refs import Ref, parse_ref
from controls.models import Control
from evidence.bundles.findings import FindingCounts, counts
from evidence.bundles.sealed import artifacts_of, as_signed, covers_of, resources_of, row_differences
from evidence.models import Artifact, BundleControl, EvidenceBundle, Pack

_SUBJECTS = {"incidents.incident": "incident_id", "conductor.run": "run_id"}
_CODE = re.compile(r"(?:EVB-)?0*([1-9][0-9]{0,17})", re.IGNORECASE)
_INCIDENT = re.compile(r"INC-0*([1-9][0-9]{0,8})", re.IGNORECASE)
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{6,64})")
"""The beginning of a SHA-256, as pages show and copy it."""


class BundleUnknown(NotFound):
    """There is no such bundle."""

    code = "bundle_unknown"


class PackUnknown(NotFound):
    """There is no such pack."""

    code = "pack_unknown"


@dataclass(frozen=True)
class BundleFigures:
    """Counts for the head of the bundle list."""

    total: int
    collecting: int
    """Drafts included."""
    sealed: int
    with_exceptions: int
    """Sealed, and exceptions were found."""
    unnotarized: int
    """Sealed, and no notary outside of this installation has vouched for it yet."""


@dataclass(frozen=True)
class BundleRow:
    """A bundle in a list, as it was signed."""

    bundle: EvidenceBundle
    altered: list[str]
    """Fields of its row that were changed after the seal."""
    controls: list[Control]
    artifacts: int
    size_bytes: int
    findings: FindingCounts
    notary: str
    """ok, wait or bad; for a bundle that is not sealed: empty."""
    is_logged: bool
    """Whether the seal's receipt is signed and in the log."""


@dataclass(frozen=True)
class BundleDetail:
    """Everything that the bundle's page shows apart from the verification, as it was signed."""

    bundle: EvidenceBundle
    covers: list[BundleControl]
    artifacts: list[Artifact]
    size_bytes: int
    findings: FindingCounts
    receipts: list[Receipt]
    """Custody: what was done to the bundle, oldest first."""
    resources: list[dict[str, Any]]
    """What it is about: kind, key and name of each node of the graph."""
    packs: list[Pack]
    """Newest first."""
    successor: EvidenceBundle | None
    """The bundle that supersedes this one."""


def bundles(
    *,
    status: str = "",
    control: Control | None = None,
    family: tuple[str, str] | None = None,
    month: date | None = None,
    search: str = "",
    environment: str = "",
    conclusion: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[EvidenceBundle]:
    """Return bundles, newest first; in one status, covering one control, matching a search, of an environment (slug).

    `family` is a framework's alias and a group of its controls; `month` the first day of the month in which the period
    of the evidence ended. With both and status SEALED these are the bundles that the heat map's cell counts.
    `since` and `until` leave those whose period has a moment in between, both included; one without an end goes on.
    """
    found = EvidenceBundle.objects.select_related("environment", "run", "incident").order_by("-number")
    if status:
        found = found.filter(status=status)
    if control is not None:
        found = found.filter(covers__control=control)
    if family is not None:
        covered = BundleControl.objects.filter(
            bundle=OuterRef("pk"), control__framework__alias=family[0], control__group=family[1]
        )
        found = found.filter(Exists(covered))
    if month is not None:
        found = found.filter(effective_to__date__year=month.year, effective_to__date__month=month.month)
    if environment:
        found = found.filter(environment__slug=environment)
    if conclusion:
        found = found.filter(conclusion=conclusion)
    if since is not None:
        found = found.filter(Q(effective_to=None) | Q(effective_to__gte=since))
    if until is not None:
        found = found.filter(effective_from__lte=until)
    if search:
        found = found.filter(_matches(search.strip()))
    return found


def _matches(text: str) -> Q:
    """What a list shows of a bundle and a person may type: title, number, control, environment, incident, digest."""
    number, incident = _CODE.fullmatch(text), _INCIDENT.fullmatch(text)
    covered = BundleControl.objects.filter(bundle=OuterRef("pk")).filter(
        Q(control__code__iexact=text) | Q(control__alias__iexact=text) | Q(control__label__icontains=text)
    )
    wanted = Q(title__icontains=text) | Q(environment__name__iexact=text) | Q(Exists(covered))
    if number:
        wanted |= Q(number=int(number[1]))
    if incident:
        wanted |= Q(incident__number=int(incident[1]))
    if digest := _DIGEST.fullmatch(text.lower()):
        artifacts = Artifact.objects.filter(bundle=OuterRef("pk"), digest__startswith=digest[1])
        wanted |= Q(manifest_digest__startswith=digest[1]) | Q(Exists(artifacts))
    return wanted


def bundle_by_id(text: str) -> EvidenceBundle:
    """Return the bundle that `text` means: its UUID, its number or its code (`EVB-0017`). Raise BundleUnknown."""
    found = EvidenceBundle.objects.select_related("tenant", "environment", "run", "incident", "supersedes")
    if number := _CODE.fullmatch(text):
        bundle = found.filter(number=int(number[1])).first()
    else:
        bundle = found.filter(id=_uuid(text)).first()
    if bundle is None:
        raise BundleUnknown(f"There is no bundle {text}.")
    return bundle


def bundle_rows(found: Iterable[EvidenceBundle]) -> list[BundleRow]:
    """Return the bundles with what a list shows of each. Four queries, however many there are."""
    listed = list(found)
    ids = [bundle.id for bundle in listed]
    artifacts = Artifact.objects.filter(bundle__in=ids).values("bundle")
    sizes = {
        row["bundle"]: (row["n"], row["size"])
        for row in artifacts.annotate(n=Count("id"), size=Sum("size_bytes")).order_by()
    }
    controls: dict[UUID, list[Control]] = {}
    covers = BundleControl.objects.filter(bundle__in=ids).select_related("control")
    for cover in covers.order_by("part", "control__framework_id", "control__position"):
        controls.setdefault(cover.bundle_id, []).append(cover.control)
    notary = _notary_states([bundle.manifest_digest for bundle in listed if bundle.is_sealed])
    logged = set(
        Receipt.objects.filter(id__in=[bundle.seal_receipt_id for bundle in listed if bundle.seal_receipt_id])
        .exclude(leaf_index=None)
        .values_list("id", flat=True)
    )
    return [
        BundleRow(
            bundle=as_signed(bundle),
            altered=[each.field for each in row_differences(bundle)],
            controls=controls.get(bundle.id, []),
            artifacts=sizes.get(bundle.id, (0, 0))[0],
            size_bytes=sizes.get(bundle.id, (0, 0))[1],
            findings=counts(as_signed(bundle).findings),
            notary=notary.get(bundle.manifest_digest, "wait") if bundle.is_sealed else "",
            is_logged=bundle.seal_receipt_id in logged,
        )
        for bundle in listed
    ]


def bundle_figures() -> BundleFigures:
    """Count the tenant's bundles."""
    Status, Conclusion = EvidenceBundle.Status, EvidenceBundle.Conclusion
    sealed = Q(status=Status.SEALED)
    counted = EvidenceBundle.objects.aggregate(
        total=Count("id"),
        collecting=Count("id", filter=Q(status__in=[Status.DRAFT, Status.COLLECTING])),
        sealed=Count("id", filter=sealed),
        with_exceptions=Count("id", filter=sealed & Q(conclusion=Conclusion.EXCEPTIONS)),
    )
    outside = NotaryRecord.objects.filter(adapter__kind__in=independent_kinds())
    vouched = outside.filter(state=NotaryRecord.State.VERIFIED).values("digest")
    unnotarized = EvidenceBundle.objects.filter(sealed).exclude(manifest_digest__in=vouched).count()
    return BundleFigures(**counted, unnotarized=unnotarized)


def bundle_detail(*, bundle: EvidenceBundle, artifacts: list[Artifact] | None = None) -> BundleDetail:
    """Return what the bundle's page shows of it; `artifacts` by path, where they were read already."""
    artifacts = artifacts_of(bundle) if artifacts is None else artifacts
    shown = as_signed(bundle)
    return BundleDetail(
        bundle=shown,
        covers=covers_of(bundle),
        artifacts=artifacts,
        size_bytes=sum(artifact.size_bytes for artifact in artifacts),
        findings=counts(shown.findings),
        receipts=list(receipts_for(bundle.ref)),
        resources=resources_of(bundle),
        packs=list(bundle.packs.select_related("run").order_by("-number")),
        successor=bundle.successors.exclude(status=EvidenceBundle.Status.ABANDONED).first(),
    )


def bundles_about(*, subject: Ref) -> list[BundleRow]:
    """Return the bundles of an incident or a run (its ref), newest first; none for other kinds."""
    kind, identifier = parse_ref(subject)
    if kind not in _SUBJECTS:
        return []
    return bundle_rows(bundles().filter(**{_SUBJECTS[kind]: identifier}))


def briefs_about(*, subject: Ref) -> list[EvidenceBundle]:
    """Return the bundles of an incident or a run, newest first, each with `artifact_count`. One query."""
    kind, identifier = parse_ref(subject)
    if kind not in _SUBJECTS:
        return []
    found = EvidenceBundle.objects.select_related("environment").filter(**{_SUBJECTS[kind]: identifier})
    return [as_signed(each) for each in found.annotate(artifact_count=Count("artifacts")).order_by("-number")]


def artifact_of(*, bundle: EvidenceBundle, artifact_id: UUID) -> Artifact:
    """Return the bundle's artifact; raise BundleUnknown if it is none of its."""
    artifact = next((each for each in artifacts_of(bundle) if each.id == artifact_id), None)
    if artifact is None:
        raise BundleUnknown(f"{bundle.code} has no such artifact.")
    return artifact


def pack_by_id(pack_id: UUID | str) -> Pack:
    """Return the pack with its bundle and run; raise PackUnknown."""
    found = Pack.objects.select_related("run").prefetch_related(
        Prefetch("bundle", queryset=EvidenceBundle.objects.select_related("environment", "run", "incident"))
    )
    pack = found.filter(id=_uuid(str(pack_id))).first()
    if pack is None:
        raise PackUnknown
    return pack


def _notary_states(digests: list[str]) -> dict[str, str]:
    """Return the worst word of the notaries on each digest; our own key's word counts only where it is bad."""
    State, outside = NotaryRecord.State, set(independent_kinds())
    states: dict[str, set[str]] = {}
    asked = NotaryRecord.objects.filter(digest__in=digests).values_list("digest", "state", "adapter__kind")
    for digest, state, kind in asked:
        if kind in outside or state == State.REJECTED:
            states.setdefault(digest, set()).add(state)
    return {
        digest: "bad" if State.REJECTED in met else "ok" if State.VERIFIED in met else "wait"
        for digest, met in states.items()
    }


def _uuid(text: str) -> UUID:
    """Return the UUID that `text` is, or one that no row has."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
