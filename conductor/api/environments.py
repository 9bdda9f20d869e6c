"""The organisation's environments: what other operations call `environment`."""

from __future__ import annotations

from typing import Any

from ninja import Router, Schema

from conductor.tenancy.actors import require
from conductor.tenancy.models import Environment
from conductor.tenancy.requests import TenantRequest

router = Router(tags=["environments"])


class EnvironmentOut(Schema):
    """A place where the organisation's systems run."""

    slug: str
    """What other operations take and give as `environment`."""
    name: str
    kind: Environment.Kind


@router.get("", response=list[EnvironmentOut], operation_id="list_environments")
def list_environments(request: TenantRequest) -> Any:
    """The organisation's environments, by slug."""
    require(actor=request.actor, permission="view_incidents")
    return Environment.objects.order_by("slug")
