"""Names that verbs, steps and reads of evidence share: workflows, keys, addresses, files."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from conductor.lib.refs import Ref
from evidence.models import EvidenceBundle, Pack

GENERATE_PACK = "evidence.generate_pack"
"""The workflow that makes a pack."""
INCIDENT_BUNDLE = "evidence.incident_bundle"
"""The workflow that collects and seals an incident's evidence."""


def incident_key(*, incident_id: UUID, cause: Ref) -> str:
    """Return the key under which the evidence of an incident is collected once for each cause."""
    return f"incident:{incident_id}:{cause}"


def postmortem_cause(postmortem: Ref, *, is_approved: bool) -> str:
    """Return the cause that a rendered postmortem is: once as it was drafted, once more as it was approved."""
    return f"{postmortem}:approved" if is_approved else postmortem


def pack_name(pack: Pack) -> str:
    """Return the pack's file name without its ending: `EVB-0017-pack-1`."""
    return f"{pack.bundle.code}-pack-{pack.number}"


def bundle_path(*, tenant_slug: str, bundle: EvidenceBundle) -> str:
    """Return the path of the bundle's page."""
    return f"/t/{tenant_slug}/evidence/{bundle.code}/"


def bundle_url(*, tenant_slug: str, bundle: EvidenceBundle) -> str:
    """Return the address of the bundle's page, where it can be verified again."""
    return f"{settings.CONDUCTOR_BASE_URL}{bundle_path(tenant_slug=tenant_slug, bundle=bundle)}"
