"""The pages of a tenant's rules: versions of its response policy, and the reporting obligations that it is under."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from conductor.console.doors import door
from conductor.lib.clock import now
from conductor.lib.errors import Invalid, NotFound
from conductor.lib.numbers import whole_number
from conductor.tenancy.requests import TenantRequest
from incidents.access.form_views import Outcome, attempt
from incidents.models.choices import Urgency
from incidents.reporting.rule_selectors import PolicyVersion, policy_versions
from incidents.response import policy_text
from incidents.response.policy import Content
from incidents.response.policy_versions import change_response_policy, check_policy

CONFIGURE = "configure_response"
MOST_BYTES = 200_000


@require_GET
@door(permission="view_incidents")
def policy(request: TenantRequest, tenant: str) -> HttpResponse:
    """The response policy in force, in words, and every version before it."""
    versions = policy_versions()
    return render(request, "incidents/rules/policy.html", {"versions": versions, **_in_words(versions[0])})


@require_GET
@door(permission="view_incidents")
def policy_version(request: TenantRequest, tenant: str, version: int) -> HttpResponse:
    """One version, in words, with what it changed about the one before."""
    versions = policy_versions()
    shown = _version(versions, version)
    before = next((each for each in versions if each.version == version - 1), None)
    context = {
        "before": before,
        "changes": policy_text.changes_between(before.content, shown.content) if before else [],
        "is_in_force": shown == versions[0],
        **_in_words(shown),
    }
    return render(request, "incidents/rules/version.html", context)


@require_GET
@door(permission="view_incidents")
def policy_file(request: TenantRequest, tenant: str, version: int) -> HttpResponse:
    """One version as JSON, to edit and to upload again."""
    shown = _version(policy_versions(), version)
    response = HttpResponse(_as_text(shown.content), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="response-policy-{version}.json"'
    return response


@require_http_methods(["GET", "POST"])
@door(permission=CONFIGURE)
def policy_new(request: TenantRequest, tenant: str) -> HttpResponse:
    """Write the next version: `compare` shows what it would change, else it is put in force. 422 names every fault."""
    newest = policy_versions()[0]
    given = request.POST
    seen = given.get("seen", "") if request.method == "POST" else str(newest.version)
    text, outcome, changes = _as_text(newest.content), Outcome(), None
    if request.method == "POST":
        text, outcome = _uploaded(request, given.get("content", ""))
        if outcome.is_done and "compare" in given:
            changes, outcome = _compared(newest.content, text)
        elif outcome.is_done:
            outcome = attempt(lambda: _put_in_force(request, text, seen))
            if outcome.is_done:
                return redirect("incidents:rules", tenant)
    context = {
        "newest": newest,
        "seen": seen,
        "text": text,
        "reason": given.get("reason", ""),
        "changes": changes,
        "errors": outcome.errors,
    }
    return render(request, "incidents/rules/new.html", context, status=outcome.status)


def read_json(text: str, name: str) -> dict[str, Any]:
    """Read a JSON object that somebody wrote; raise Invalid that says where it goes wrong."""
    try:
        found = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}."
        raise Invalid(fields={name: [f"This is not JSON: {where}"]}) from None
    except (ValueError, RecursionError):
        raise Invalid(fields={name: ["This is not JSON: it nests too deeply, or has a number that is none."]}) from None
    if not isinstance(found, dict):
        raise Invalid(fields={name: ["Use a JSON object, in curly brackets."]})
    return found


def _no_number(word: str) -> None:
    raise ValueError(word)


def _uploaded(request: TenantRequest, typed: str) -> tuple[str, Outcome]:
    """Return the uploaded file's text if there is one, else what was typed, and what is wrong with it."""
    upload = request.FILES.get("file")
    if upload is None:
        return typed, Outcome()
    if (upload.size or 0) > MOST_BYTES:
        return typed, Outcome({"file": ["Use a file of at most 200 kB."]}, 422)
    try:
        return upload.read().decode("utf-8-sig"), Outcome()
    except UnicodeDecodeError:
        return typed, Outcome({"file": ["Use a text file in UTF-8."]}, 422)


def _compared(before: dict[str, Any], text: str) -> tuple[list[policy_text.Change], Outcome]:
    changes: list[policy_text.Change] = []

    def compare() -> None:
        checked = check_policy(read_json(text, "content"))
        changes.extend(policy_text.changes_between(before, checked))

    outcome = attempt(compare)
    return changes, outcome


def _put_in_force(request: TenantRequest, text: str, seen: str) -> None:
    change_response_policy(
        tenant_id=request.tenant.id,
        content=read_json(text, "content"),
        reason=request.POST.get("reason", ""),
        seen_version=-1 if (number := whole_number(seen)) is None else number,
        actor=request.actor,
        now=now(),
    )


def _version(versions: list[PolicyVersion], version: int) -> PolicyVersion:
    found = next((each for each in versions if each.version == version), None)
    if found is None:
        raise NotFound(f"There is no version {version} of the response policy.")
    return found


def _as_text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)


def _in_words(shown: PolicyVersion) -> dict[str, Any]:
    content = Content.model_validate(shown.content)
    return {
        "shown": shown,
        "content": content,
        "moves": policy_text.moves_in_words(content),
        "urgencies": [str(each.label) for each in Urgency],
        "matrix": policy_text.matrix_rows(content),
        "severities": policy_text.severity_rows(content),
        "escalation": policy_text.escalation_in_words(content),
    }
