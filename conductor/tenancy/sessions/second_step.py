"""Where a tenant requires a second step, whoever signed in without one is led to it, and can do nothing else there.

It is the console's door that asks: API tokens and Slack authenticate in ways of their own, which policy is told.
"""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from conductor.tenancy.models import Tenant
from conductor.tenancy.sessions.authentication import Authentication

TYPES = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""What counts as a second step of one's own. Recovery codes only stand in for one."""


def is_missing(*, tenant: Tenant, proven: Authentication, now: datetime) -> bool:
    """Whether the tenant refuses at `now` a session that has proven this much."""
    return tenant.second_step_from is not None and tenant.second_step_from <= now and proven != Authentication.MFA


def is_coming(*, tenant: Tenant, proven: Authentication, now: datetime) -> bool:
    """Whether the tenant will refuse such a session when its grace period is over."""
    return tenant.second_step_from is not None and tenant.second_step_from > now and proven != Authentication.MFA


def lead_to_it(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Return the page that says so: to set a second step up, or to take it now if there is one. Needs the scope."""
    held = set(Authenticator.objects.filter(user_id=request.user.pk, type__in=TYPES).values_list("type", flat=True))
    context = {"tenant": tenant, "held": held, "back": request.get_full_path() if request.method == "GET" else "/"}
    return render(request, "console/people/second_step.html", context, status=403)
