"""Pages of policy: what was decided and why, rules of the organisation's own, and simulations of rules."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from conductor.console.doors import door
from conductor.console.shell.names import names_of
from conductor.console.shell.panels import register_panel
from conductor.engine.models import Run
from conductor.engine.operate.simulations import Selection, start_simulation
from conductor.ledger.selectors import receipts_for
from conductor.lib.clock import now
from conductor.lib.errors import Invalid
from conductor.lib.refs import Ref, parse_ref
from conductor.policy import selectors
from conductor.policy.bundle import policy_bundle
from conductor.policy.candidate import Candidate, candidate_of_files, candidate_with
from conductor.policy.inputs import RESOURCES
from conductor.policy.lifecycle import activate_policy, retire_policy, upload_policy
from conductor.policy.models import PolicySimulation, TenantPolicy
from conductor.policy.simulation import KINDS, tally_from_json
from conductor.policy.tenant_rules import own, rules_in_force
from conductor.policy.uploads import REGO_BYTES
from conductor.tenancy.requests import TenantRequest

SHOWN = 50
IN_RAIL = 5
_ANSWERS = {"allowed": True, "denied": False}
_KIND_WORDS = {
    "allow_to_deny": "Allowed before, denied now",
    "deny_to_allow": "Denied before, allowed now",
    "reason_changed": "Denied for other reasons",
    "same": "The same",
    "incomparable": "Not comparable",
}


def register() -> None:
    """Show decisions beside incidents and runs. Called in AppConfig.ready()."""
    for place in ("incident.rail", "run.rail"):
        register_panel(
            place=place, name="decisions", order=60, template="console/policy/_panel.html", context=decisions_panel
        )


def decisions_panel(request: HttpRequest, subject: Ref) -> dict[str, Any] | None:
    """The newest decisions about a thing; None for somebody who may not read evidence, or where there is none.

    Beside a run: those about what the run is about; those about the run itself are on its page already.
    """
    actor = getattr(request, "actor", None)
    if actor is None or "view_evidence" not in actor.permissions:
        return None
    about: Ref | QuerySet[Any, Any] = subject
    if subject.startswith("conductor.run:"):
        about = Run.objects.filter(id=parse_ref(subject)[1]).exclude(subject="").values("subject")
    found = selectors.decisions_about(about, most=IN_RAIL)
    return {"decisions": found, "subject": found[0].subject} if found else None


@require_GET
@door(permission="view_evidence")
def decision_list(request: TenantRequest, tenant: str) -> HttpResponse:
    """Decisions, newest first, of one action, answer, reason, person or thing if asked; `before` is the cursor."""
    asked = ("action", "answer", "code", "actor", "about", "before")
    given = {name: request.GET.get(name, "").strip()[:120] for name in asked}
    found = selectors.decisions(
        action=given["action"],
        allow=_ANSWERS.get(given["answer"]),
        code=given["code"],
        actor=given["actor"],
        subject=given["about"],
    )
    if before := _uuid(given["before"]):
        found = found.filter(id__lt=before)
    shown = list(found.order_by("-id")[: SHOWN + 1])
    kept = {name: value for name, value in given.items() if value and name != "before"}
    names = names_of([each.actor for each in shown] + [each.subject for each in shown])
    context = {
        "decisions": [(each, names.get(each.actor, ""), names.get(each.subject, "")) for each in shown[:SHOWN]],
        "older": shown[SHOWN - 1].id if len(shown) > SHOWN else None,
        "given": given,
        "kept": kept,
        "actions": list(RESOURCES),
    }
    return render(request, "console/policy/decisions.html", context)


@require_GET
@door(permission="view_evidence")
def decision_detail(request: TenantRequest, tenant: str, decision_id: UUID) -> HttpResponse:
    """One decision: the question as it was asked, the answer, the rules that gave it."""
    decision = selectors.decision_by_id(decision_id)
    names = names_of([decision.actor, decision.subject])
    context = {
        "decision": decision,
        "actor_name": names.get(decision.actor, ""),
        "subject_name": names.get(decision.subject, ""),
        "asked": json.dumps(decision.input, indent=2, ensure_ascii=False, sort_keys=True),
        "is_in_force": decision.bundle_digest == policy_bundle().digest,
    }
    return render(request, "console/policy/decision.html", context)


@require_GET
@door(permission="view_evidence")
def rules(request: TenantRequest, tenant: str) -> HttpResponse:
    """The organisation's own rules, every version, and the built-in ones in force."""
    found = list(selectors.policies())
    context = {"policies": found, "built_in": policy_bundle(), "states": Counter(each.state for each in found)}
    return render(request, "console/policy/rules.html", context)


@require_http_methods(["GET", "POST"])
@door(permission="manage_policies")
def upload(request: TenantRequest, tenant: str) -> HttpResponseBase:
    """Upload a version of rules as text or as a file; it comes back with the engine's words beside what is wrong."""
    given = {name: request.POST.get(name, "") for name in ("name", "purpose", "rego", "data")}
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            if (file := request.FILES.get("file")) is not None:
                given["rego"] = file.read(REGO_BYTES + 1).decode("utf-8", "replace")
            policy = upload_policy(
                tenant_id=request.tenant.id,
                name=given["name"].strip(),
                purpose=given["purpose"],
                rego=given["rego"].replace("\r\n", "\n"),
                data=_json(given["data"]),
                actor=request.actor,
                now=now(),
            )
        except Invalid as invalid:
            errors = invalid.fields
        else:
            messages.success(request, f"{policy.code} is a draft. Simulate it, then ask somebody else to activate it.")
            return redirect("console:policy_version", tenant, policy.id)
    context = {"given": given, "errors": errors}
    return render(request, "console/policy/upload.html", context, status=422 if errors else 200)


@require_GET
@door(permission="view_evidence")
def version(request: TenantRequest, tenant: str, policy_id: UUID) -> HttpResponse:
    """One version of own rules: text, data, who did what, and the two acts."""
    policy = selectors.policy_by_id(policy_id)
    context = {
        "policy": policy,
        "data": json.dumps(policy.data, indent=2, ensure_ascii=False, sort_keys=True),
        "receipts": receipts_for(policy.ref),
        "is_mine": policy.uploaded_by == request.actor.ref,
    }
    return render(request, "console/policy/version.html", context)


@require_POST
@door(permission="view_evidence")
def activation(request: TenantRequest, tenant: str, policy_id: UUID) -> HttpResponse:
    """Put a draft in force; the form carries the digest that its reader saw."""
    policy = selectors.policy_by_id(policy_id)
    reviewed = request.POST.get("reviewed_digest", "")
    activate_policy(policy=policy, reviewed_digest=reviewed, actor=request.actor, now=now())
    messages.success(request, f"{policy.code} is in force.")
    return redirect("console:policy_version", tenant, policy_id)


@require_POST
@door(permission="view_evidence")
def retirement(request: TenantRequest, tenant: str, policy_id: UUID) -> HttpResponse:
    """Take rules out of force, or give up a draft."""
    policy = selectors.policy_by_id(policy_id)
    retire_policy(policy=policy, reason=request.POST.get("reason", ""), actor=request.actor, now=now())
    messages.success(request, f"{policy.code} is retired.")
    return redirect("console:policy_version", tenant, policy_id)


@require_GET
@door(permission="view_evidence")
def simulations(request: TenantRequest, tenant: str) -> HttpResponse:
    """Simulations, newest first."""
    found = PolicySimulation.objects.order_by("-number")[:SHOWN]
    rows = [(each, tally_from_json(each.result)) for each in found]
    return render(request, "console/policy/simulations.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
@door(permission="manage_policies")
def simulate(request: TenantRequest, tenant: str) -> HttpResponseBase:
    """Choose rules and decisions, and start the replay."""
    given: dict[str, Any] = {name: request.POST.get(name, "") for name in ("policy", "since", "until", "data")}
    given["policy"] = given["policy"] or request.GET.get("policy", "")
    given["actions"] = request.POST.getlist("actions")
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            title, candidate = _candidate(request, given)
            selection = Selection(_day(given, "since"), _day(given, "until", after=1), given["actions"])
            simulation = start_simulation(
                tenant_id=request.tenant.id,
                title=title,
                candidate=candidate,
                selection=selection,
                actor=request.actor,
                now=now(),
            )
        except Invalid as invalid:
            errors = invalid.fields
        else:
            return redirect("console:policy_simulation", tenant, simulation.number)
    choices = TenantPolicy.objects.exclude(state="RETIRED").order_by("name", "-version")
    context = {"given": given, "errors": errors, "actions": list(RESOURCES), "policies": choices}
    return render(request, "console/policy/simulate.html", context, status=422 if errors else 200)


@require_GET
@door(permission="view_evidence")
def simulation(request: TenantRequest, tenant: str, number: int) -> HttpResponse:
    """A simulation as far as it went: progress, table of differences, gate."""
    found = selectors.simulation(number)
    tally = tally_from_json(found.result)
    openings = Counter((each["removed"], each["by"]) for each in tally.openings)
    context = {
        "simulation": found,
        "run": Run.objects.filter(id=parse_ref(found.run)[1]).first() if found.run else None,
        "tally": tally,
        "percent": 100 * found.done // found.total if found.total else 100,
        "counts": [(kind, _KIND_WORDS[kind], tally.counts[kind]) for kind in KINDS],
        "cases": [{**case, "words": _KIND_WORDS[case["kind"]]} for case in tally.cases],
        "differing": sum(tally.counts[kind] for kind in KINDS[:3]),
        "mutated": sum(tally.mutated.values()),
        "openings": sorted((*key, count) for key, count in openings.items()),
    }
    return render(request, "console/policy/simulation.html", context)


def _candidate(request: TenantRequest, given: dict[str, Any]) -> tuple[str, Candidate]:
    in_force, files = rules_in_force(), request.FILES.getlist("files")
    if files:
        texts = {each.name or "rules.rego": each.read(REGO_BYTES * 4).decode("utf-8", "replace") for each in files}
        data = _json(given["data"])
        if not isinstance(data, dict) or not all(isinstance(each, dict) for each in data.values()):
            raise Invalid(fields={"data": ['The data of each policy by its name: {"change_freeze": {"frozen": []}}.']})
        made = candidate_of_files(texts, data=data, in_force=in_force, tenant=str(request.tenant.id))
        return ", ".join(sorted(texts)), made
    if (policy_id := _uuid(given["policy"])) is None:
        raise Invalid(fields={"policy": ["Choose a version of your own rules, or bring files."]})
    policy = selectors.policy_by_id(policy_id)
    return policy.code, candidate_with(own(policy), in_force=in_force)


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise Invalid(fields={"data": [f"This is not JSON: {error}."]}) from error


def _day(given: dict[str, Any], name: str, *, after: int = 0) -> datetime | None:
    """Return the start of the day, or of the day `after` it; None where no day is given."""
    try:
        day = date.fromisoformat(given[name]) if given[name] else None
    except ValueError as error:
        raise Invalid(fields={name: ["Write the day as 2026-11-30."]}) from error
    return datetime.combine(day, time(), UTC) + timedelta(days=after) if day else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
