"""What a notice about an incident says, whoever sends it."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from conductor.lib.clock import rfc3339
from incidents.models.incident import Incident


def payload_of(*, incident: Incident, tenant_slug: str) -> dict[str, Any]:
    """Return the notice as adapters.ports.protocols.Message. Of a private incident: that there is one."""
    url = f"{settings.CONDUCTOR_BASE_URL}/t/{tenant_slug}/incidents/INC-{incident.number}/"
    if incident.is_private:
        facts = {"Incident": incident.code, "Severity": incident.severity}
        return {"title": f"{incident.code} {incident.severity}: private", "text": "", "url": url, "facts": facts}
    facts = {
        "Incident": incident.code,
        "Severity": incident.severity,
        "Status": incident.get_status_display(),
        "Kind": incident.get_kind_display(),
        "Service": incident.service,
        "Environment": incident.environment.name if incident.environment else "",
        "Declared by": incident.declared_by_name,
        "Declared at": rfc3339(incident.declared_at),
    }
    return {
        "title": f"{incident.code} {incident.severity}: {incident.title}",
        "text": incident.summary,
        "url": url,
        "facts": {label: value for label, value in facts.items() if value},
    }
