"""What an evidence PDF is made of, read in one place; every other module of this package reads no row and no clock."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from adapters.models.adapter import NotaryRecord
from adapters.notaries.demands import independent_kinds
from conductor.console.format.values import is_machine
from conductor.ledger import blobs
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.keys.keys import LOG, SEAL
from conductor.ledger.models import Receipt
from conductor.tenancy.models import Tenant
from controls.models import Framework
from evidence.bundles.naming import bundle_url, pack_name
from evidence.bundles.sealed import artifacts_of, as_signed
from evidence.bundles.verification import ChainReport, verify_bundle
from evidence.models import EvidenceBundle, Pack
from evidence.packs.contents import notary_records, receipts_behind

INCIDENT, TIMELINE = "incident/incident.json", "incident/timeline.json"
CONFORMANCE, POSTMORTEM = "incident/conformance.json", "postmortem/postmortem.json"


@dataclass(frozen=True)
class Material:
    """A sealed bundle as it was signed, what was verified of it, and what led to its seal."""

    bundle: EvidenceBundle
    name: str
    """Of the pack, without an ending: EVB-0017-pack-1."""
    organisation: str
    environment: str
    """Empty where the bundle is tied to none."""
    supersedes: str
    """Code of the bundle that this one takes the place of."""
    frameworks: dict[str, str]
    report: ChainReport
    receipts: list[Receipt]
    notaries: list[NotaryRecord]
    outside_kinds: frozenset[str]
    """Kinds of notary that are not this installation itself."""
    files: dict[str, Any]
    """Content of the sealed JSON artifacts that the document prints, by path. Absent: not there, or unreadable."""
    seal_key: str
    log_key: str
    address: str
    """Of the bundle's page."""

    @property
    def manifest(self) -> dict[str, Any]:
        return self.bundle.manifest or {}

    @property
    def vouched_outside(self) -> list[NotaryRecord]:
        """What notaries say that are not the organisation's own installation."""
        return [each for each in self.notaries if each.adapter.kind in self.outside_kinds]

    @property
    def is_concluded_by_person(self) -> bool:
        """Whether a person sealed it with its conclusion; a workflow only proposes one."""
        signer = str(self.manifest.get("bundle", {}).get("sealed", {}).get("by", {}).get("ref", ""))
        return bool(signer) and not is_machine(signer)


def material_of(*, pack: Pack) -> Material:
    """Gather everything, as the verification finds the bundle now. Needs the tenant's scope."""
    bundle, tenant = as_signed(pack.bundle), Tenant.objects.get(id=pack.tenant_id)
    ring = keyring()
    return Material(
        bundle=bundle,
        name=pack_name(pack),
        organisation=tenant.name,
        environment=bundle.environment.name if bundle.environment else "",
        supersedes=bundle.supersedes.code if bundle.supersedes else "",
        frameworks=dict(Framework.objects.values_list("key", "name")),
        report=verify_bundle(pack.bundle),
        receipts=receipts_behind(bundle),
        notaries=notary_records(pack),
        outside_kinds=frozenset(independent_kinds()),
        files=_sealed_files(bundle),
        seal_key=ring.keys(SEAL)[0].fingerprint,
        log_key=ring.keys(LOG)[0].fingerprint,
        address=bundle_url(tenant_slug=tenant.slug, bundle=bundle),
    )


def _sealed_files(bundle: EvidenceBundle) -> dict[str, Any]:
    listed = {each.path: each.digest for each in artifacts_of(bundle)}
    wanted = [path for path in (INCIDENT, TIMELINE, CONFORMANCE, POSTMORTEM) if path in listed]
    return {
        path: json.loads(blobs.read(tenant_id=bundle.tenant_id, digest=listed[path]))
        for path in wanted
        if blobs.verify(tenant_id=bundle.tenant_id, digest=listed[path])
    }
