"""The request as views below a tenant see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest

from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails


class TenantRequest(HttpRequest):
    """A request inside a tenant's scope by a known actor, as TenantMiddleware and a door or token made it."""

    tenant: Tenant
    actor: Actor
    htmx: HtmxDetails
    id: str
