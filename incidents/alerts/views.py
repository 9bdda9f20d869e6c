"""Pages of alert sources: the list, one with its forms, and the page that shows a secret once."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.lib.errors import Conflict, Invalid
from conductor.tenancy.requests import TenantRequest
from incidents.alerts.receiving import try_out
from incidents.alerts.selectors import alert_source, alert_sources, path_of_source
from incidents.alerts.sources import NewSource, add_alert_source, end_alert_source, map_severities, rotate_alert_source
from incidents.models.alert import AlertSource

MANAGE = "manage_adapters"
PAGE = "incidents:alert_source"


@require_GET
@door(permission="view_incidents")
def source_list(request: TenantRequest, tenant: str) -> HttpResponse:
    """Every alert source, live ones first."""
    return render(request, "incidents/alerts/source_list.html", {"sources": alert_sources()})


@never_cache
@require_http_methods(["GET", "POST"])
@door(permission=MANAGE)
def source_new(request: TenantRequest, tenant: str) -> HttpResponse:
    """Add a source. The answer to the form is the only page that shows its secret."""
    given = {"name": request.POST.get("name", ""), "shape": request.POST.get("shape", "")}
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            made = add_alert_source(
                tenant_id=request.tenant.id, name=given["name"], shape=given["shape"], actor=request.actor, now=now()
            )
        except Invalid as invalid:
            errors = invalid.fields
        except Conflict as taken:
            errors = {"name": [taken.detail]}
        else:
            return _secret(request, made)
    context = {"given": given, "errors": errors, "shapes": AlertSource.Shape.choices}
    return render(request, "incidents/alerts/source_new.html", context, status=422 if errors else 200)


@require_GET
@door(permission="view_incidents")
def source(request: TenantRequest, tenant: str, name: str) -> HttpResponse:
    """One source: where it posts to, what its words mean, and what can be done with it."""
    return _page(request, alert_source(name=name))


@require_POST
@door(permission=MANAGE)
def source_test(request: TenantRequest, tenant: str, name: str) -> HttpResponse:
    """Send the source a signed test, and say what became of it."""
    for each in try_out(source=alert_source(name=name), now=now())["dispositions"]:
        messages.success(request, each["reason"])
    return redirect(PAGE, tenant, name)


@require_POST
@door(permission=MANAGE)
def source_severities(request: TenantRequest, tenant: str, name: str) -> HttpResponse:
    """Say what the sender's severity words mean: one on each line, `page = SEV1`."""
    found = alert_source(name=name)
    written = request.POST.get("severity_words", "")
    pairs = [each.rpartition("=") for each in written.splitlines() if each.strip()]
    words = {word.strip(): meaning.strip() for word, _sign, meaning in pairs}
    try:
        map_severities(source=found, words=words, actor=request.actor, now=now())
    except Invalid as invalid:
        return _page(request, found, written=written, errors=invalid.fields)
    return redirect(PAGE, tenant, name)


@never_cache
@require_POST
@door(permission=MANAGE)
def source_rotate(request: TenantRequest, tenant: str, name: str) -> HttpResponse:
    """Give the source another secret, and show it once."""
    found, secret = alert_source(name=name), request.POST.get("secret", "")
    try:
        made = rotate_alert_source(source=found, secret=secret, actor=request.actor, now=now())
    except Invalid as invalid:
        return _page(request, found, errors=invalid.fields)
    return _secret(request, made)


@require_POST
@door(permission=MANAGE)
def source_end(request: TenantRequest, tenant: str, name: str) -> HttpResponse:
    """Take nothing from the source any more."""
    end_alert_source(source=alert_source(name=name), actor=request.actor, now=now())
    return redirect("incidents:alert_sources", tenant)


def _page(
    request: TenantRequest,
    source: AlertSource,
    *,
    written: str | None = None,
    errors: dict[str, list[str]] | None = None,
) -> HttpResponse:
    lines = [f"{word} = {meaning}" for word, meaning in sorted(source.severity_words.items())]
    context = {
        "source": source,
        "address": _address(request, source),
        "written": "\n".join(lines) if written is None else written,
        "errors": errors or {},
    }
    return render(request, "incidents/alerts/source.html", context, status=422 if errors else 200)


def _secret(request: TenantRequest, made: NewSource) -> HttpResponse:
    context = {"source": made.source, "secret": made.secret, "address": _address(request, made.source)}
    return render(request, "incidents/alerts/source_secret.html", context)


def _address(request: TenantRequest, source: AlertSource) -> str:
    return request.build_absolute_uri(path_of_source(source))
