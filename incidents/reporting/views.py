"""The pages of reporting obligations: deadlines, rules in force, one rule with its versions, a form for own rules."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.tenancy.actors import require
from conductor.tenancy.requests import TenantRequest
from incidents.access.form_views import Outcome, attempt
from incidents.models.choices import Question, Severity
from incidents.reporting import selectors as reporting_selectors
from incidents.reporting.calendars import HOLIDAYS
from incidents.reporting.own_rules import change_own_rule
from incidents.reporting.rule_selectors import content_before, reporting_rule, reporting_rules
from incidents.reporting.rules import FILED, Anchor, as_json
from incidents.response import policy_text

CONFIGURE = "configure_response"
LIMITS = 2
"""How many limits the form asks for."""
UNITS = (
    ("hours", "hours"),
    ("calendar_days", "days"),
    ("working_days", "working days"),
    ("months", "months"),
)


@require_GET
@door(permission="view_incidents")
def rules(request: TenantRequest, tenant: str) -> HttpResponse:
    """Every reporting obligation that incidents of this tenant can be under."""
    return render(request, "incidents/reporting/rules.html", {"rules": reporting_rules()})


@require_GET
@door(permission="view_incidents")
def deadlines(request: TenantRequest, tenant: str) -> HttpResponse:
    """Every reporting obligation, the soonest due first, with how its due date is derived."""
    view = "done" if request.GET.get("view") == "done" else "open"
    context = {"view": view, "deadlines": reporting_selectors.deadlines(view=view, now=now())}
    return render(request, "incidents/reporting/deadlines.html", context)


@require_http_methods(["GET", "POST"])
@door(permission="view_incidents")
def rule(request: TenantRequest, tenant: str, key: str) -> HttpResponse:
    """One rule with its versions; POST retires it, or puts it in force again (`act`, `reason`)."""
    found = reporting_rule(key=key)
    outcome = Outcome()
    if request.method == "POST":
        require(actor=request.actor, permission=CONFIGURE)
        outcome = attempt(
            lambda: change_own_rule(
                tenant_id=request.tenant.id,
                content=as_json(found.rule),
                reason=request.POST.get("reason", ""),
                is_active=request.POST.get("act") == "restore",
                actor=request.actor,
                now=now(),
            )
        )
        if outcome.is_done:
            return redirect("incidents:rules_reporting_one", tenant, key)
    versions = [
        (row, policy_text.changes_between(content_before(found, row.version), row.content)) for row in found.versions
    ]
    context = {"found": found, "rule": found.rule, "versions": versions, "errors": outcome.errors}
    return render(request, "incidents/reporting/rule.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
@door(permission=CONFIGURE)
def rule_new(request: TenantRequest, tenant: str) -> HttpResponse:
    """Write a rule, or the next version of one (`?key=`). 422 shows the form again with every fault."""
    outcome = Outcome()
    if request.method == "POST":
        content = _content(request.POST)
        outcome = attempt(
            lambda: change_own_rule(
                tenant_id=request.tenant.id,
                content=content,
                reason=request.POST.get("reason", ""),
                actor=request.actor,
                now=now(),
            )
        )
        if outcome.is_done:
            return redirect("incidents:rules_reporting_one", tenant, content["key"])
    elif key := request.GET.get("key", ""):
        content = as_json(reporting_rule(key=key).rule)
    else:
        content = {"limits": [{"after": Anchor.AWARENESS, "unit": "hours"}], "zone": "UTC", "calendar": "none"}
    context = {
        "given": content,
        "limits": [*content["limits"], *[{"unit": "hours"}] * (LIMITS - len(content["limits"]))],
        "reason": request.POST.get("reason", ""),
        "anchors": _anchors(),
        "units": UNITS,
        "calendars": list(HOLIDAYS),
        "questions": [(each.value, each.label) for each in Question],
        "severities": Severity.values,
        "errors": outcome.errors,
    }
    return render(request, "incidents/reporting/rule_new.html", context, status=outcome.status)


def _anchors() -> list[tuple[str, str]]:
    """Return what can start a clock: a moment that people assert, or the filing of another stage."""
    asserted = [(each.value, each.value.replace("_", " ")) for each in Anchor]
    filed = [(f"{FILED}{each.rule.key}", f"the filing of {each.rule.key}") for each in reporting_rules()]
    return [*asserted, *filed]


def _content(given: QueryDict) -> dict[str, Any]:
    """Return the form as a rule's content; the verb says what is wrong with it.

    What the form does not ask keeps the value that the rule of this key has now.
    """
    columns = [given.getlist(name) for name in ("after", "count", "unit", "unless_past")]
    limits = [
        {"after": after, "count": count.strip(), "unit": unit, "unless_past": unless_past}
        for after, count, unit, unless_past in zip(*columns, strict=False)
        if count.strip()
    ]
    known = next((each.rule for each in reporting_rules() if each.rule.key == given.get("key")), None)
    lines = ("key", "regime", "title", "recipient", "source", "note")
    return {
        **(as_json(known) if known else {}),
        **{name: " ".join(given.get(name, "").split()) for name in lines},
        "limits": limits,
        "zone": given.get("zone", "").strip(),
        "calendar": given.get("calendar", ""),
        "rolls_to_noon": given.get("rolls_to_noon") == "on",
        "armed_by": given.getlist("armed_by"),
        "armed_at_severity": given.getlist("armed_at_severity"),
    }
