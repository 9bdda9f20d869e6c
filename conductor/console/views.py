"""Pages of the backbone itself: home, preferences, sign-in links, command palette, runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from allauth.account.internal.flows.login import record_authentication
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import login
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from conductor.console.doors import door
from conductor.console.format import waterfall
from conductor.console.refusals.errors import refusal
from conductor.console.shell.context import KEYS_COOKIE, THEME_COOKIE, ZONE_COOKIE, zones
from conductor.console.shell.panels import panels_at
from conductor.engine import selectors
from conductor.engine.lifecycle.answering import decide_wait, send_signal
from conductor.engine.lifecycle.operating import cancel_run, retry_run
from conductor.engine.models import Run
from conductor.engine.operate import accounts
from conductor.engine.operate.backlog import backlogs
from conductor.ledger.selectors import receipts_for
from conductor.lib.clock import now
from conductor.lib.errors import Invalid, NotFound, Refused
from conductor.lib.refs import ref
from conductor.tenancy.directory import tenants_of_user
from conductor.tenancy.middleware import SESSION_KEY
from conductor.tenancy.requests import TenantRequest
from conductor.tenancy.roles import Role
from conductor.tenancy.sessions.signin_links import redeem

RUNS_SHOWN = 100
COOKIE_SECONDS = 365 * 86400
_COOKIES: dict[str, tuple[str, Callable[[], Collection[str]]]] = {
    "theme": (THEME_COOKIE, lambda: {"light", "dark", ""}),
    "keys": (KEYS_COOKIE, lambda: {"on", "off"}),
    "zone": (ZONE_COOKIE, zones),
}
"""By field: the cookie, and what returns the values that it may have."""


@require_GET
def home(request: HttpRequest) -> HttpResponseBase:
    """To the organisation that was looked at last, or to sign in."""
    if not request.user.is_authenticated:
        return redirect("account_login")
    mine = [tenant.slug for tenant in tenants_of_user(request.user.pk)]
    if not mine:
        return render(request, "errors/no_tenant.html", status=403)
    last = request.session.get(SESSION_KEY)
    return redirect("tenant_home", tenant=last if last in mine else mine[0])


@require_GET
@door(permission="view_incidents")
def tenant_home(request: TenantRequest, tenant: str) -> HttpResponse:
    """To where the person's work in this organisation begins: an auditor's is the evidence."""
    return redirect("evidence:list" if request.actor.roles == (Role.AUDITOR,) else "incidents:list", tenant=tenant)


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Set the theme (light, dark, or empty for the system's), the zone of times, or single-key shortcuts; back."""
    back = request.POST.get("next") or "/"
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = redirect(back)
    for name, (cookie, allowed) in _COOKIES.items():
        value = request.POST.get(name)
        if value is not None and value in allowed():
            response.set_cookie(cookie, value, max_age=COOKIE_SECONDS, samesite="Lax", secure=request.is_secure())
    return response


@require_GET
def signin_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Sign in by a one-time link of the demonstration."""
    try:
        user = redeem(token=token, now=now())
    except Refused as refused:
        return refusal(request, refused)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    # allauth's own sign-in would have listed it; without this the session could be neither seen nor ended.
    UserSession.objects.create_from_request(request)
    record_authentication(request, user, method="link")
    return redirect("home")


@require_GET
@door(permission="view_incidents")
def palette(request: TenantRequest, tenant: str) -> HttpResponse:
    """The command palette's results for `q`; a page of its own without JavaScript."""
    query = request.GET.get("q", "").strip()[:100]
    groups = [panel.context for panel in panels_at(place="palette", request=request, subject=query)]
    template = "_palette_results.html" if request.htmx else "palette.html"
    return render(request, template, {"groups": groups, "query": query})


@require_GET
@door(permission="view_runs")
def run_list(request: TenantRequest, tenant: str) -> HttpResponse:
    """Runs, newest first."""
    status = request.GET.get("status", "").upper()
    runs = selectors.runs_with_steps()
    if status in Run.Status.values:
        runs = runs.filter(status=status)
    moment = now()
    context = {
        "runs": runs[:RUNS_SHOWN],
        "figures": selectors.figures(since=moment - timedelta(days=1)),
        "backlogs": backlogs(now=moment),
        "status": status,
        "statuses": Run.Status.choices,
        "now": moment,
    }
    return render(request, "console/runs/list.html", context)


@require_GET
@door(permission="view_runs")
def run_detail(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """A run: waterfall of its steps and items, the chosen one's tries and log, inputs, outputs, receipts, decisions."""
    run = _run(number)
    picture = waterfall.draw(run=run, chosen=request.GET.get("step", ""), now=now())
    step_refs = [ref("conductor.step", step.id) for step in picture.steps]
    run_ref = ref("conductor.run", run.id)
    # A group may have ten thousand items: of those only the receipts of the ones that are drawn.
    found = list(receipts_for(run_ref).filter(~Q(body__has_key="item") | Q(subject__in=step_refs)))
    context = {
        "run": run,
        "picture": picture,
        "trace_page": settings.CONDUCTOR_TRACE_PAGE.replace("{trace_id}", run.id.hex),
        "input": waterfall.pairs(run.input),
        "output": waterfall.pairs(run.output),
        "signals": [accounts.of_signal(signal) for signal in run.signals.select_related("taken_by")],
        "decisions": [accounts.of_decision(decision) for decision in selectors.decisions_of(run)],
        "receipts": [each for each in found if "item" not in each.body],
        "has_items": any(step.step.item is not None for step in picture.steps),
        "step_receipts": {each.subject: each for each in found if each.subject in set(step_refs)},
        "subject_panels": panels_at(place="run.subject", request=request, subject=run.subject),
        "panels": panels_at(place="run.rail", request=request, subject=run_ref),
    }
    return render(request, "console/runs/run.html", context)


@require_POST
@door(permission="operate_runs")
def run_action(request: TenantRequest, tenant: str, number: int, action: str) -> HttpResponse:
    """Cancel, retry, signal or decide a run, then show it again."""
    run, actor, reason = _run(number), request.actor, request.POST.get("reason", "").strip()
    if action == "cancellation":
        cancel_run(run=run, actor=actor, reason=reason, now=now())
    elif action == "retry":
        retry_run(run=run, actor=actor, now=now())
    elif action == "signal":
        name, payload = request.POST.get("name", "").strip(), _payload(request.POST.get("payload", ""))
        send_signal(run=run, name=name, payload=payload, actor=actor, now=now())
    elif not reason:
        raise Invalid("Say why: the reason is kept with the decision.", fields={"reason": ["Say why."]})
    else:
        approve = request.POST.get("approve") == "yes"
        step_id = _uuid(request.POST.get("step", ""))
        decide_wait(run=run, approve=approve, reason=reason, step_id=step_id, actor=actor, now=now())
    return redirect(reverse("console:run", args=[tenant, number]))


def _payload(text: str) -> dict[str, Any]:
    """Return the JSON object that was typed; nothing typed is an empty one."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Invalid("The payload is a JSON object, for example {}.", fields={"payload": ["Not a JSON object."]})
    return value


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise NotFound from error


def _run(number: int) -> Run:
    run = selectors.run_with_steps(number=number, few_items=True)
    if run is None:
        raise NotFound
    return run
