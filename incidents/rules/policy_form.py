"""The form for the parts of the response policy that are numbers and choices; guards are written as JSON."""

from __future__ import annotations

import math
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.lib.numbers import whole_number
from conductor.tenancy.requests import TenantRequest
from incidents.access.form_views import Outcome, attempt
from incidents.models.choices import Impact, Role, Severity, Urgency
from incidents.reporting.rule_selectors import policy_versions
from incidents.response import policy_text
from incidents.response.policy import EVERYBODY, Content, built_in_content
from incidents.response.policy_versions import change_response_policy, check_policy
from incidents.rules.views import CONFIGURE

STEPS = 4
"""So many places in the line of those who hear of missed updates."""


@require_http_methods(["GET", "POST"])
@door(permission=CONFIGURE)
def policy_form(request: TenantRequest, tenant: str) -> HttpResponse:
    """Change cadence, roles, alerts and the severity matrix: `compare` shows what, else it is put in force.

    What the form does not ask stays as it is. 422 and 409 show what was typed.
    """
    newest = policy_versions()[0]
    wanted, outcome, changes = newest.content, Outcome(), None
    if request.method == "POST":
        wanted = _written(request.POST, newest.content)
        outcome = attempt(lambda: check_policy(wanted))
        if outcome.is_done and "compare" in request.POST:
            changes = policy_text.changes_between(newest.content, wanted)
        elif outcome.is_done:
            outcome = attempt(lambda: _put_in_force(request, wanted))
            if outcome.is_done:
                return redirect("incidents:rules", tenant)
    context = {
        "seen": request.POST.get("seen", newest.version),
        "reason": request.POST.get("reason", ""),
        "changes": changes,
        "errors": outcome.errors,
        **_fields(wanted),
    }
    return render(request, "incidents/rules/form.html", context, status=outcome.status)


def _put_in_force(request: TenantRequest, content: dict[str, Any]) -> None:
    change_response_policy(
        tenant_id=request.tenant.id,
        content=content,
        reason=request.POST.get("reason", ""),
        seen_version=-1 if (seen := whole_number(request.POST.get("seen", ""))) is None else seen,
        actor=request.actor,
        now=now(),
    )


def _written(given: QueryDict, before: dict[str, Any]) -> dict[str, Any]:
    """Return the content that the form asks for. What is no number stays text, for the policy to complain of."""
    line = [each for step in range(STEPS) if (each := given.get(f"hears-{step}", ""))]
    return {
        **before,
        "title": given.get("title", ""),
        "cadence": {
            "every_minutes": {each.value: _number(given.get(f"every-{each}", "")) for each in Severity},
            "monitoring_factor": _number(given.get("factor", "")),
            "escalate_to": line,
        },
        "required_roles": {each.value: given.getlist(f"roles-{each}") for each in Severity},
        "hold_alerts_of": given.getlist("hold"),
        "accept_within_minutes": _number(given.get("accept", "")),
        "severity_matrix": {
            impact.value: {urgency.value: given.get(f"cell-{impact}-{urgency}", "") for urgency in Urgency}
            for impact in Impact
        },
    }


def _number(text: str) -> int | float | str:
    try:
        value = float(text)
    except ValueError:
        return text
    if not math.isfinite(value):
        return "no number"
    return int(value) if value.is_integer() else value


def _fields(content: dict[str, Any]) -> dict[str, Any]:
    """Return what the form shows of a content, which need not be a valid one; what it lacks is as it comes."""
    defaults = Content.model_validate(built_in_content()).model_dump(mode="json")
    cadence = {**defaults["cadence"], **content.get("cadence", {})}
    matrix = content.get("severity_matrix", defaults["severity_matrix"])
    roles, held = content.get("required_roles", {}), content.get("hold_alerts_of", [])
    line = [*cadence["escalate_to"], *[""] * STEPS][:STEPS]
    return {
        "title": content.get("title", ""),
        "factor": cadence["monitoring_factor"],
        "accept": content.get("accept_within_minutes", defaults["accept_within_minutes"]),
        "severities": Severity.values,
        "roles": Role.choices,
        "rows": [
            (each.value, cadence["every_minutes"].get(each.value, ""), roles.get(each.value, []), each.value in held)
            for each in Severity
        ],
        "line": list(enumerate(line)),
        "hearers": [("", "–"), *Role.choices, (EVERYBODY, "Everyone who is notified of incidents")],
        "urgencies": Urgency.choices,
        "matrix": [
            (impact.value, str(impact.label), [(each.value, matrix[impact.value][each.value]) for each in Urgency])
            for impact in Impact
        ],
    }
