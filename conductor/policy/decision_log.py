"""Decisions in the shape of OPA's decision log, and the mask that keeps secrets out of the record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from conductor.lib.clock import rfc3339
from conductor.policy.models import PolicyDecision

ERASED = "[erased]"

_SECRET_NAME = re.compile(
    r"password|passphrase|secret|token|authorization|cookie|api_?key|private_?key|credential", re.IGNORECASE
)


def masked(value: Any) -> Any:
    """Return a copy of a JSON value in which every member whose name speaks of a secret reads `[erased]`."""
    if isinstance(value, Mapping):
        return {name: ERASED if _SECRET_NAME.search(name) else masked(item) for name, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value


def event_of(decision: PolicyDecision) -> dict[str, Any]:
    """Return the decision as an event of OPA's decision log (docs/reference/policies.md says which names are ours).

    `input_digest` is over the document before masking: it proves what was evaluated without telling the secrets.
    """
    return {
        "decision_id": str(decision.id),
        "timestamp": rfc3339(decision.decided_at),
        "path": decision.path.removeprefix("data.").replace(".", "/"),
        "input": decision.input,
        "result": {"allow": decision.allow, "deny": decision.reasons},
        "bundles": _bundles(decision),
        "labels": {"engine": decision.engine, "engine_version": decision.engine_version},
        "requested_by": decision.actor,
        "metrics": {"timer_rego_query_eval_ns": decision.duration_us * 1000},
        "erased": list(_erased_pointers(decision.input, "")),
        "action": decision.action,
        "tenant": str(decision.tenant_id),
        "subject": decision.subject,
        "input_digest": decision.input_digest,
        "data_digest": decision.data_digest,
        "tenant_policies": decision.tenant_policies,
    }


def _bundles(decision: PolicyDecision) -> dict[str, Any]:
    own = {"tenant": {"revision": decision.tenant_digest}} if decision.tenant_digest else {}
    return {"built-in": {"revision": decision.bundle_digest}, **own}


def _erased_pointers(value: Any, pointer: str) -> Iterator[str]:
    """Yield the JSON pointers (RFC 6901) of what the mask took, in the order of the document."""
    members = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for name, item in members:
        here = f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"
        if item == ERASED:
            yield f"/input{here}"
        else:
            yield from _erased_pointers(item, here)
