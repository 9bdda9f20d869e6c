"""Whether a move may be made: its own needs, the policy's guards, and the rules in Rego. All reasons come at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conductor.lib.refs import Ref, ref
from conductor.policy.decisions import Decision, PolicyDenied, foresee
from conductor.policy.decisions import require as require_policy
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.roles import PERMISSIONS, holders
from incidents.models.choices import SIDE_EXITS, Closure, Role, Status
from incidents.models.incident import Incident
from incidents.record.input_cleaning import Complaints
from incidents.record.moves import REASON_CHARACTERS, Move
from incidents.record.refusals import GuardsNotMet, OverrideNotAllowed, ReasonTooShort
from incidents.response.guards import Answer, Asked, ask
from incidents.response.policy import InForce, policy_in_force
from incidents.response.roles import holder_of

OVERRIDE = "override_guards"


@dataclass(frozen=True)
class Wish:
    """What the caller said about the move, cleaned."""

    reason: str
    closure: str
    original: Incident | None
    override: str


@dataclass(frozen=True)
class Passed:
    """A move that may be made, and why."""

    wish: Wish
    policy: InForce
    answers: list[Answer]
    override: dict[str, str] | None
    """Who passed unmet guards and why; None where none was unmet."""
    decision: Decision | None
    """The decision of the rules in Rego, where they were asked."""

    @property
    def links(self) -> list[Ref]:
        """What the receipt links: that decision."""
        return [self.decision.record.ref] if self.decision and self.decision.record else []

    @property
    def facts_of_entry(self) -> Mapping[str, Any]:
        """What the timeline entry says besides the two statuses."""
        facts: dict[str, Any] = {}
        if self.wish.closure:
            facts["closure"] = self.wish.closure
        if self.wish.original is not None:
            facts["original"] = {"ref": self.wish.original.ref, "name": self.wish.original.code}
        return facts

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the receipt says besides the two statuses."""
        facts = {"reason": self.wish.reason, **self.facts_of_entry}
        if self.answers:
            facts["guards"] = [each.as_json() for each in self.answers]
            facts["policy_version"], facts["policy_digest"] = self.policy.version, self.policy.digest
        if self.decision is not None:
            facts["decision"] = self.decision.citation
        return {**facts, "override": self.override} if self.override else facts


def clean_wish(*, reason: str, closure: str, original: Incident | None, override: str) -> Wish:
    """Clean what was said. Raise Invalid for a closure that does not exist, or an override without its reason."""
    complaints = Complaints()
    if closure:
        complaints.choice("closure", closure, Closure)
    wish = Wish(complaints.text("reason", reason), closure, original, complaints.text("override", override))
    if override and len(wish.override) < REASON_CHARACTERS:
        complaints.add("override", f"Say why, in at least {REASON_CHARACTERS} characters.")
    complaints.refuse()
    return wish


def check(*, incident: Incident, move: Move, wish: Wish, actor: Actor, now: datetime) -> Passed:
    """Return what lets the move pass; raise with every reason against it.

    One kind of reason alone is raised as itself: ReasonTooShort, PermissionMissing, PolicyDenied.
    """
    policy = policy_in_force()
    rule = policy.content.rule(before=incident.status, to=move.to)
    own = _needs(incident, move, wish)
    answers = ask(Asked(incident, move.to, now), rule.guards)
    unmet = [each for each in answers if not each.met]
    if wish.override and unmet and OVERRIDE not in actor.permissions:
        raise OverrideNotAllowed(f"Only {' or '.join(holders(OVERRIDE))} may override guards.")
    stopping = [each for each in unmet if not (wish.override and each.overridable)]
    may = rule.permission in actor.permissions
    decision, denied = _ask_rules(incident, wish.reason, actor, now) if move.to == Status.RESOLVED else (None, None)
    if own or stopping or not may or denied is not None:
        _refuse(incident, move, wish, own, stopping, None if may else rule.permission, denied, actor)
    override = {"by": actor.ref, "by_name": actor.name, "reason": wish.override} if unmet else None
    return Passed(wish, policy, answers, override, decision)


def conditions(*, incident: Incident, to: Status, actor: Actor, now: datetime) -> list[str]:
    """Return, in sentences, what stands against a plain move to `to` now: guards, permission and the rules in Rego.

    Nothing is recorded: it is what a page prints beside the button, before anybody presses it.
    """
    rule = policy_in_force().content.rule(before=incident.status, to=to)
    answers = ask(Asked(incident, to, now), rule.guards)
    found = [f"{each.why} {each.how}".strip() for each in answers if not each.met]
    if rule.permission not in actor.permissions:
        may_not = _who_may(rule.permission)
        found.append(f"{may_not['why']} {may_not['how']}")
    if to == Status.RESOLVED:
        reasons = foresee(
            action="incidents.resolve",
            actor=actor,
            resource=described_for_policy(incident),
            context={"reason": ""},
            now=now,
        )
        found += [each for each in reasons if each not in " ".join(found)]
    return found


def _needs(incident: Incident, move: Move, wish: Wish) -> list[dict[str, str]]:
    """What the move itself needs and was not given. No policy lifts these and nobody overrides them."""
    lacking = []
    if move.needs_reason and len(wish.reason) < REASON_CHARACTERS:
        before, after = incident.get_status_display(), move.to.label
        why = f"It goes from {before} to {after}."
        lacking.append({"guard": "reason", "why": why, "how": f"Say why, in at least {REASON_CHARACTERS} characters."})
    if move.needs_closure and not wish.closure:
        words = ", ".join(Closure.values)
        lacking.append({"guard": "closure", "why": "It does not say what it was.", "how": f"Choose one of {words}."})
    if move.needs_original:
        lacking += _merge_needs(incident, wish.original)
    return lacking


def _merge_needs(incident: Incident, original: Incident | None) -> list[dict[str, str]]:
    """What stands against merging the incident into `original`."""
    if original is None:
        how = "Merge it into the incident that it repeats."
        return [{"guard": "original", "why": "It names no incident that it is a duplicate of.", "how": how}]
    lacking = []
    if original.id == incident.id or original.duplicate_of_id == incident.id:
        why, how = "It would be a duplicate of itself.", "Merge the other way round, or choose another incident."
        lacking.append({"guard": "merge_cycle", "why": why, "how": how})
    elif original.status in SIDE_EXITS:
        why = f"{original.code} is {original.get_status_display().lower()} itself."
        lacking.append({"guard": "merge_original_over", "why": why, "how": "Choose an incident that is or was one."})
    if original.visibility != incident.visibility:
        why = "One of the two is private, and merging would carry its content to others."
        lacking.append({"guard": "merge_private", "why": why, "how": "Make both private, or open both, then merge."})
    if original.is_history:
        why, how = f"{original.code} was imported.", "Choose an incident that happened here."
        lacking.append({"guard": "merge_history", "why": why, "how": how})
    return lacking


def _refuse(
    incident: Incident,
    move: Move,
    wish: Wish,
    own: list[dict[str, str]],
    stopping: list[Answer],
    permission: str | None,
    denied: PolicyDenied | None,
    actor: Actor,
) -> None:
    kinds = bool(own) + bool(stopping) + (permission is not None) + (denied is not None)
    if kinds == 1 and denied is not None:
        raise denied
    if kinds == 1 and permission is not None:
        require(actor=actor, permission=permission)
    if kinds == 1 and [each["guard"] for each in own] == ["reason"]:
        before, after = incident.get_status_display(), move.to.label
        raise ReasonTooShort(
            f"Say why {incident.code} goes back from {before} to {after}, in at least {REASON_CHARACTERS} characters.",
            fields={"reason": [f"{len(wish.reason)} of {REASON_CHARACTERS} characters."]},
        )
    unmet = [*own, *({"guard": each.guard, "why": each.why, "how": each.how} for each in stopping)]
    if permission is not None:
        unmet.append({"guard": "permission", **_who_may(permission)})
    if denied is not None:
        pairs = zip(denied.decision.codes, denied.decision.reasons, strict=True)
        unmet += [{"guard": code, "why": reason, "how": ""} for code, reason in pairs]
    only_guards = bool(stopping) and kinds == 1 and all(each.overridable for each in stopping)
    raise GuardsNotMet(incident, move.to, unmet, overridable=only_guards)


def _who_may(permission: str) -> dict[str, str]:
    what = PERMISSIONS[permission]
    return {
        "why": f"You may not do this: {what[0].lower()}{what[1:]}.",
        "how": f"Ask a {' or '.join(holders(permission))}.",
    }


def described_for_policy(incident: Incident) -> dict[str, Any]:
    """Return what policy is told of an incident that somebody would resolve."""
    commander = holder_of(incident=incident, role=Role.COMMANDER)
    return {
        "ref": incident.ref,
        "tenant": incident.tenant_id,
        "environment": incident.environment.slug if incident.environment else "",
        "severity": incident.severity,
        "visibility": incident.visibility,
        "owner": incident.declared_by,
        "status": incident.status,
        "acknowledged": incident.acknowledged_at is not None,
        "commander": ref("tenancy.user", commander.user_id) if commander else "",
        "incident_kind": incident.kind,
    }


def _ask_rules(
    incident: Incident, reason: str, actor: Actor, now: datetime
) -> tuple[Decision | None, PolicyDenied | None]:
    try:
        decision = require_policy(
            action="incidents.resolve",
            actor=actor,
            resource=described_for_policy(incident),
            context={"reason": "" if incident.is_private else reason},
            tenant_id=incident.tenant_id,
            now=now,
        )
    except PolicyDenied as denied:
        return None, denied
    return decision, None
