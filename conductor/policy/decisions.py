"""Asking policy: every key action passes here, and every answer is a row, above all the refusals.

Call `decide` or `require` before the verb opens its own transaction, so that a refusal's row survives the refusal.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import Error as DatabaseFailure
from django.db import transaction

from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.errors import NotAllowed
from conductor.observability.metrics import DECISIONS
from conductor.policy.backends import active_engine
from conductor.policy.bundle import Bundle, policy_bundle
from conductor.policy.decision_log import masked
from conductor.policy.engine import EngineFailure, PolicyEngine, Reason, Verdict, path_of
from conductor.policy.inputs import RESOURCES, InvalidInput, build_document, check_document
from conductor.policy.locking import hold_rules
from conductor.policy.models import PolicyBundle, PolicyDecision
from conductor.policy.noting import note
from conductor.policy.tenant_rules import UNASKED, TenantRules, reasons_of, rules_in_force
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import current_tenant_id, tenant_scope

log = structlog.get_logger(__name__)

INPUT_INVALID = "policy_input_invalid"
ENGINE_ERROR = "policy_engine_error"
TENANT_RULES_FAILED = "policy_tenant_rules_failed"
RECORD_FAILED = "policy_record_failed"


@dataclass(frozen=True)
class Decision:
    """Policy's answer to one request."""

    allow: bool
    reasons: list[str]
    """Sentences for the person who asked; empty when allowed."""
    codes: list[str]
    """The reasons' stable codes, in the same order."""
    record: PolicyDecision | None
    """The row; None only where it could not be written, which is a denial."""

    @property
    def citation(self) -> dict[str, str]:
        """What a receipt says of it: by which rules, data and input the act was allowed when it was checked."""
        return citation_of(self.record) if self.record else {}


STATE_CODES = frozenset(
    {
        "artifact_unverified",
        "bundle_empty",
        "bundle_not_collecting",
        "incident_already_resolved",
        "incident_not_acknowledged",
        "incident_not_mitigated",
        "policy_not_draft",
        "policy_retired",
        "receipt_unsequenced",
        "redaction_not_waiting",
        "review_outdated",
        "run_not_waiting",
        "severity_unknown",
    }
)
"""Reasons of the built-in rules that lie in the record's state, whoever asks: somebody can mend them, and ask again."""


class PolicyDenied(NotAllowed):
    """The rules of your organisation do not allow this.

    Where every reason lies in the record's state it is a conflict (409, `state_conflict`), not a lack of right.
    """

    code = "policy_denied"

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        if type(self) is PolicyDenied and decision.codes and set(decision.codes) <= STATE_CODES:
            self.code, self.status = "state_conflict", 409
        super().__init__(" ".join(decision.reasons))


def require(
    *,
    action: str,
    actor: Actor,
    resource: Mapping[str, Any],
    context: Mapping[str, Any],
    tenant_id: UUID,
    now: datetime,
) -> Decision:
    """Return the decision that allows the action; raise PolicyDenied, which carries the one that does not."""
    decision = decide(action=action, actor=actor, resource=resource, context=context, tenant_id=tenant_id, now=now)
    if not decision.allow:
        raise PolicyDenied(decision)
    return decision


def decide(
    *,
    action: str,
    actor: Actor,
    resource: Mapping[str, Any],
    context: Mapping[str, Any],
    tenant_id: UUID,
    now: datetime,
) -> Decision:
    """Ask the rules for `action` and write the answer as a PolicyDecision row, whatever it is.

    The built-in rules decide first; where they allow, the tenant's own may still deny. Denies when the document is
    incomplete, when an engine fails and when the row cannot be written. Until the transaction ends nobody exchanges
    the tenant's rules, so that the act, in the same transaction, is done under those that allowed it. Needs the
    tenant's scope: the subject's tenant is the one whose scope is open, the resource's is `resource["tenant"]`.
    docs/reference/policies.md lists what `resource` must hold.
    """
    document, problems = build_document(
        action=action, actor=actor, tenant=current_tenant_id(), resource=resource, context=context, now=now
    )
    if not action.startswith(UNASKED):
        hold_rules(tenant_id)
    bundle, engine, own = policy_bundle(), active_engine(), rules_in_force(action=document["action"])
    begun = time.perf_counter_ns()
    verdict = judge(document=document, problems=problems, bundle=bundle, own=own, engine=engine, tenant_id=tenant_id)
    record = _row(document=document, verdict=verdict, bundle=bundle, own=own, engine=engine)
    record.tenant_id, record.decided_at = tenant_id, now
    record.duration_us = (time.perf_counter_ns() - begun) // 1000
    decision = _recorded(record=record, verdict=verdict, bundle=bundle)
    _count(action=record.action, decision=decision)
    if decision.record is not None:
        note(decision.record.id)
    return decision


def foresee(
    *, action: str, actor: Actor, resource: Mapping[str, Any], context: Mapping[str, Any], now: datetime
) -> list[str]:
    """Return why the rules would deny `action` now, in sentences; empty where they would allow it.

    Nothing is recorded and nothing is held: for pages that say beforehand what an act needs, never in place of
    `require`.
    """
    tenant_id: UUID = resource["tenant"]
    document, problems = build_document(
        action=action, actor=actor, tenant=current_tenant_id(), resource=resource, context=context, now=now
    )
    own = TenantRules() if action.startswith(UNASKED) else rules_in_force(action=action)
    verdict = judge(
        document=document,
        problems=problems,
        bundle=policy_bundle(),
        own=own,
        engine=active_engine(),
        tenant_id=tenant_id,
    )
    return [] if verdict.allow else [reason.message for reason in verdict.reasons]


def keep_refusal(denied: PolicyDenied) -> None:
    """Write the refusal's row again where the transaction that held it was rolled back; else do nothing.

    For doors whose tenant scope the exception has left, such as a workflow's step.
    """
    record = denied.decision.record
    if record is None:
        return
    with tenant_scope(record.tenant_id):
        if not PolicyDecision.objects.filter(id=record.id).exists():
            _keep_bundle(policy_bundle(), record.decided_at)
            record.save(force_insert=True)


def citation_of(record: PolicyDecision) -> dict[str, str]:
    """Return what a receipt or a manifest says of a decision. `tenant_policy_digest` is empty without own rules."""
    return {
        "ref": record.ref,
        "policy_digest": record.bundle_digest,
        "tenant_policy_digest": record.tenant_digest,
        "data_digest": record.data_digest,
        "input_digest": record.input_digest,
    }


def judge(
    *,
    document: dict[str, Any],
    problems: list[str],
    bundle: Bundle,
    own: TenantRules,
    engine: PolicyEngine,
    tenant_id: UUID,
) -> Verdict:
    """Return what the built-in rules say, restricted by the tenant's own. Every failure is a denial with its reason."""
    verdict = _verdict(document=document, problems=problems, bundle=bundle, engine=engine)
    if verdict.allow and own.policies:
        return _restricted(document=document, own=own, tenant_id=tenant_id)
    return verdict


def _verdict(*, document: dict[str, Any], problems: list[str], bundle: Bundle, engine: PolicyEngine) -> Verdict:
    try:
        if problems:
            raise InvalidInput(problems)
        check_document(document)
        return engine.evaluate(bundle=bundle, path=path_of(document["action"]), document=canonical_json(document))
    except InvalidInput as invalid:
        return Verdict(allow=False, reasons=(_input_reason(invalid),))
    except EngineFailure as failure:
        log.error("policy_engine_failed", action=document["action"], error=str(failure))
        return Verdict(allow=False, reasons=(_engine_reason(failure),))


def _restricted(*, document: dict[str, Any], own: TenantRules, tenant_id: UUID) -> Verdict:
    """Return the verdict of a tenant's own rules on what the built-in ones allow: yes only without any reason."""
    try:
        (said,) = reasons_of(own, [document], tenant=str(tenant_id))
        if isinstance(said, EngineFailure):
            raise said
    except EngineFailure as failure:
        log.error("policy_tenant_rules_failed", action=document["action"], error=str(failure))
        said = (_tenant_rules_reason(failure),)
    return Verdict(allow=not said, reasons=said)


def _tenant_rules_reason(failure: EngineFailure) -> Reason:
    sentence = "Your organisation's own rules failed, so the answer is no. An admin can correct or retire them."
    return Reason(TENANT_RULES_FAILED, sentence, error=str(failure))


def _input_reason(invalid: InvalidInput) -> Reason:
    sentence = "Conductor asked its rules an incomplete question, so the answer is no. Report this to an administrator"
    return Reason(INPUT_INVALID, f"{sentence}: {invalid}.", error=str(invalid))


def _engine_reason(failure: EngineFailure) -> Reason:
    sentence = "The policy engine failed, so the answer is no. Try again, and tell an administrator if it stays so."
    return Reason(ENGINE_ERROR, sentence, error=str(failure))


def _as_json(reason: Reason) -> dict[str, str]:
    named = {"code": reason.code, "message": reason.message}
    return {**named, "error": reason.error} if reason.error else named


def _row(
    *, document: dict[str, Any], verdict: Verdict, bundle: Bundle, own: TenantRules, engine: PolicyEngine
) -> PolicyDecision:
    """Return the unsaved row, but for tenant, time and duration. The digest is of the document before masking."""
    return PolicyDecision(
        action=document["action"],
        allow=verdict.allow,
        reasons=[_as_json(reason) for reason in verdict.reasons],
        input=masked(document),
        input_digest=sha256_hex(canonical_json(document)),
        bundle_digest=bundle.digest,
        tenant_digest=own.digest,
        tenant_policies=[each.stamp for each in own.policies],
        data_digest=own.data_digest,
        path=f"data.conductor.{document['action']}",
        engine=engine.name,
        engine_version=engine.version,
        actor=document["subject"]["ref"],
        subject=document["resource"].get("ref") or "",
    )


def _recorded(*, record: PolicyDecision, verdict: Verdict, bundle: Bundle) -> Decision:
    """Write the row in a savepoint of its own; what is not on record is not allowed."""
    try:
        with transaction.atomic():
            _keep_bundle(bundle, record.decided_at)
            record.save(force_insert=True)
    except DatabaseFailure as failure:
        log.error("policy_record_failed", action=record.action, error=str(failure).partition("\n")[0])
        sentence = "The decision could not be recorded, so the answer is no. Try again in a moment."
        return Decision(allow=False, reasons=[sentence], codes=[RECORD_FAILED], record=None)
    return Decision(
        allow=verdict.allow,
        reasons=[reason.message for reason in verdict.reasons],
        codes=[reason.code for reason in verdict.reasons],
        record=record,
    )


def _count(*, action: str, decision: Decision) -> None:
    failed = {INPUT_INVALID, ENGINE_ERROR, TENANT_RULES_FAILED, RECORD_FAILED}.intersection(decision.codes)
    result = "allow" if decision.allow else "error" if failed else "deny"
    # Only known names become labels: a label's values must stay few.
    DECISIONS.labels(action=action if action in RESOURCES else "unknown", result=result).inc()


def _keep_bundle(bundle: Bundle, now: datetime) -> None:
    """Store the rules' text once, so that the decision can be read with them later."""
    if not PolicyBundle.objects.filter(digest=bundle.digest).exists():
        row = PolicyBundle(digest=bundle.digest, files=dict(bundle.files), loaded_at=now)
        PolicyBundle.objects.bulk_create([row], ignore_conflicts=True)
