"""Incidents as cases of the permissions page: who may see one, and what policy would be told of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from conductor.access.cases import Case
from conductor.tenancy.database.viewing import viewing_as
from incidents.incident.transition_check import described_for_policy
from incidents.models.incident import Incident

_CODE = re.compile(r"(?:INC-)?0*([1-9][0-9]{0,8})", re.IGNORECASE)


def find(code: str) -> Case | None:
    """Return the incident of that number, if whoever looks may see it."""
    typed = _CODE.fullmatch(code.strip())
    incident = Incident.objects.select_related("environment").filter(number=int(typed[1])).first() if typed else None
    if incident is None:
        return None

    def resource_for(action: str) -> Mapping[str, Any] | None:
        return described_for_policy(incident) if action in {"incidents.resolve", "incidents.declare"} else None

    def is_visible_to(actor: Any) -> bool:
        with viewing_as(actor):
            return Incident.objects.filter(id=incident.id).exists()

    words = (
        "private: those who declared it, work on it or were given access"
        if incident.is_private
        else "normal: all members"
    )
    return Case(incident.code, incident.title, is_visible_to, words, resource_for)
