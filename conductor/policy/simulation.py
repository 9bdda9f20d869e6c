"""Replaying recorded decisions against other rules: what would have been different, and what opens when a part is lost.

The second half is the gate. A rule such as `deny if input.resource.severity == "SEV1"` is silent when the severity is
missing, so that losing an attribute allows. Each attribute is removed in turn, and rules fail that allow then what they
denied with it, or what the rules in force deny without it.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.clock import rfc3339
from conductor.policy.bundle import Bundle, policy_bundle
from conductor.policy.candidate import Candidate, built_in_verdicts, own_reasons, verdicts
from conductor.policy.decision_log import ERASED
from conductor.policy.engine import EngineFailure, Verdict
from conductor.policy.inputs import InvalidInput, check_document
from conductor.policy.models import PolicyDecision
from conductor.policy.tenant_rules import OwnRules, TenantRules

SAME, ALLOW_TO_DENY, DENY_TO_ALLOW, REASON_CHANGED = "same", "allow_to_deny", "deny_to_allow", "reason_changed"
INCOMPARABLE = "incomparable"
"""The recorded input is not what was evaluated (something was erased, or altered), or has an older shape."""
KINDS = (ALLOW_TO_DENY, DENY_TO_ALLOW, REASON_CHANGED, SAME, INCOMPARABLE)
CASES = 500
"""Differences that are kept one by one, as are openings; all are counted."""
MUTATED_OF_A_KIND = 20
"""Decisions of one action and one answer whose attributes are removed; more of them would say the same again."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class Recorded:
    """A decision as it was recorded."""

    id: str
    action: str
    allow: bool
    codes: tuple[str, ...]
    input: Mapping[str, Any]
    input_digest: str
    decided_at: str
    actor: str
    subject: str


@dataclass
class Tally:
    """What a replay found so far."""

    counts: Counter[str] = field(default_factory=Counter)
    """Of KINDS; their sum is what was replayed."""
    cases: list[dict[str, Any]] = field(default_factory=list)
    """The first differences: decision, action, subject, actor, decided_at, kind, before, after."""
    mutated: Counter[str] = field(default_factory=Counter)
    """Decisions whose attributes were removed, by action and answer."""
    mutations: int = 0
    opened: int = 0
    """Removals after which something is allowed that was not."""
    openings: list[dict[str, Any]] = field(default_factory=list)
    """The first of them: decision, action, removed, by."""

    @property
    def gate(self) -> str:
        """`failed` when anything opened, `passed` when something could have, `untried` when nothing was removed."""
        return "failed" if self.opened else "passed" if self.mutations else "untried"

    @property
    def replayed(self) -> int:
        return sum(self.counts.values())

    def as_json(self) -> dict[str, Any]:
        """Return what `tally_from_json` reads."""
        return {**dataclasses.asdict(self), "counts": dict(self.counts), "mutated": dict(self.mutated)}


def tally_from_json(kept: Mapping[str, Any]) -> Tally:
    """Return the tally of `as_json`; of an empty mapping, an empty one."""
    given = {**kept, "counts": Counter(kept.get("counts", {})), "mutated": Counter(kept.get("mutated", {}))}
    return Tally(**given)


def recorded(decision: PolicyDecision) -> Recorded:
    """Return the row as a recorded decision."""
    return Recorded(
        id=str(decision.id),
        action=decision.action,
        allow=decision.allow,
        codes=tuple(sorted(reason["code"] for reason in decision.reasons)),
        input=decision.input,
        input_digest=decision.input_digest,
        decided_at=rfc3339(decision.decided_at),
        actor=decision.actor,
        subject=decision.subject,
    )


def recorded_event(event: Mapping[str, Any]) -> Recorded:
    """Return an event of a decision log (decision_log.event_of); raise KeyError or TypeError on another shape."""
    result = event["result"]
    return Recorded(
        id=str(event["decision_id"]),
        action=str(event["action"]),
        allow=result["allow"] is True,
        codes=tuple(sorted(str(reason["code"]) for reason in result["deny"])),
        input=event["input"],
        input_digest=str(event["input_digest"]),
        decided_at=str(event["timestamp"]),
        actor=str(event.get("requested_by", "")),
        subject=str(event.get("subject", "")),
    )


def replay(candidate: Candidate, batch: Sequence[Recorded], tally: Tally, *, tenant: str) -> None:
    """Add the batch to the tally. Raise EngineFailure when the candidate could not be asked at all."""
    sound = []
    for each in batch:
        if is_comparable(each):
            sound.append(each)
        else:
            tally.counts[INCOMPARABLE] += 1
    answers = verdicts(candidate, [each.input for each in sound], tenant=tenant)
    for each, answer in zip(sound, answers, strict=True):
        _compare(each, answer, tally)
    chosen = [each for each, answer in zip(sound, answers, strict=True) if _is_new_kind(each, answer, tally)]
    _mutate(candidate, chosen, tally, tenant)


def is_comparable(decision: Recorded) -> bool:
    """Whether the recorded input is, to the byte, what was evaluated, and would reach the rules today."""
    if decision.codes and set(decision.codes) <= {"policy_input_invalid", "policy_engine_error"}:
        return False
    if ERASED in str(decision.input) or sha256_hex(canonical_json(dict(decision.input))) != decision.input_digest:
        return False
    try:
        check_document(decision.input)
    except InvalidInput:
        return False
    return True


def attributes(document: Mapping[str, Any], above: Path = ()) -> Iterator[Path]:
    """Yield the path of every attribute, parents before children."""
    for name, value in document.items():
        yield (*above, name)
        if isinstance(value, Mapping):
            yield from attributes(value, (*above, name))


def without(document: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return a copy of the document that lacks the attribute at `path`."""
    changed = copy.deepcopy(dict(document))
    parent = changed
    for name in path[:-1]:
        parent = parent[name]
    del parent[path[-1]]
    return changed


def _codes(answer: Verdict | EngineFailure) -> list[str]:
    return ["policy_engine_error"] if isinstance(answer, EngineFailure) else [each.code for each in answer.reasons]


def _compare(before: Recorded, answer: Verdict | EngineFailure, tally: Tally) -> None:
    codes, allow = _codes(answer), isinstance(answer, Verdict) and answer.allow
    if before.allow != allow:
        kind = ALLOW_TO_DENY if before.allow else DENY_TO_ALLOW
    else:
        kind = SAME if set(before.codes) == set(codes) else REASON_CHANGED
    tally.counts[kind] += 1
    if kind == SAME or len(tally.cases) >= CASES:
        return
    said = str(answer) if isinstance(answer, EngineFailure) else " ".join(reason.message for reason in answer.reasons)
    tally.cases.append(
        {
            "decision": before.id,
            **{name: getattr(before, name) for name in ("action", "subject", "actor", "decided_at")},
            "kind": kind,
            "before": {"allow": before.allow, "codes": list(before.codes)},
            "after": {"allow": allow, "codes": codes, "message": said},
        }
    )


def _is_new_kind(before: Recorded, answer: Verdict | EngineFailure, tally: Tally) -> bool:
    """Count the decision towards its kind (action, answer before, answer now); return whether there is still room."""
    old, new = ",".join(before.codes) or "allow", ",".join(_codes(answer)) or "allow"
    kind = f"{before.action}: {old} > {new}"
    if tally.mutated[kind] >= MUTATED_OF_A_KIND:
        return False
    tally.mutated[kind] += 1
    return True


def _mutate(candidate: Candidate, chosen: Sequence[Recorded], tally: Tally, tenant: str) -> None:
    pairs = [(each, path) for each in chosen for path in attributes(each.input)]
    if not pairs:
        return
    lacking = [without(each.input, path) for each, path in pairs]
    whole = [each.input for each in chosen]
    owners = [number for number, each in enumerate(chosen) for _ in attributes(each.input)]
    tally.mutations += len(pairs)
    if candidate.changes_built_in:
        before, now = (_allowed(candidate.built_in, some, tenant) for some in (whole, lacking))
        was, old = (_allowed(policy_bundle(), some, tenant) for some in (whole, lacking))
        # Opened by the loss itself, or guarded by the rules in force and by the candidate no more.
        opened = [
            opens and (not before[owner] or (was[owner] and not kept))
            for opens, kept, owner in zip(now, old, owners, strict=True)
        ]
        _note(pairs, opened, "built-in rules", tally)
    for policy in candidate.changed_own:
        denied, still = (_denied(policy, some, tenant) for some in (whole, lacking))
        opened = [denied[owner] and not denies for owner, denies in zip(owners, still, strict=True)]
        _note(pairs, opened, policy.name, tally)


def _allowed(bundle: Bundle, documents: Sequence[Mapping[str, Any]], tenant: str) -> list[bool]:
    answers = built_in_verdicts(bundle, documents, tenant=tenant)
    return [isinstance(answer, Verdict) and answer.allow for answer in answers]


def _denied(policy: OwnRules, documents: Sequence[Mapping[str, Any]], tenant: str) -> list[bool]:
    answers = own_reasons(TenantRules((policy,)), documents, tenant=tenant)
    return [isinstance(answer, EngineFailure) or bool(answer) for answer in answers]


def _note(pairs: Sequence[tuple[Recorded, Path]], opened: Sequence[bool], by: str, tally: Tally) -> None:
    for (each, path), opens in zip(pairs, opened, strict=True):
        if not opens:
            continue
        tally.opened += 1
        if len(tally.openings) < CASES:
            removed = "/" + "/".join(path)
            tally.openings.append({"decision": each.id, "action": each.action, "removed": removed, "by": by})
