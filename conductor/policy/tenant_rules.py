"""A tenant's own rules beside the built-in ones: they are asked after those allowed, and can only add reasons.

Each is the package `tenant.<name>` with a set `deny` of {"code", "message"}. It may read the input document, its own
data as `data.tenant_data.<name>`, and the built-in package `data.conductor.basis`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.policy.bundle import bundle_of, policy_bundle
from conductor.policy.engine import EngineFailure, Reason
from conductor.policy.models import TenantPolicy
from conductor.policy.sandbox import SANDBOX

PACKAGE = "tenant"
SECONDS = 1.0
"""How long a tenant's rules may take over one request; then the answer is no."""
UNASKED = "policy."
"""Actions that no tenant's rules are asked about: whoever locked everybody out must be able to undo it."""
SHARED_FILE = "basis.rego"


@dataclass(frozen=True)
class OwnRules:
    """One policy of a tenant, as it is evaluated."""

    name: str
    version: int
    digest: str
    rego: str
    data: Mapping[str, Any]

    @property
    def stamp(self) -> dict[str, Any]:
        """What a decision says of it."""
        return {"name": self.name, "version": self.version, "digest": self.digest}


@dataclass(frozen=True)
class TenantRules:
    """All of a tenant's policies that decide together."""

    policies: tuple[OwnRules, ...] = ()
    """Sorted by name."""
    files: Mapping[str, str] = field(init=False)
    data: Mapping[str, Any] = field(init=False)
    digest: str = field(init=False)
    """SHA-256 over the RFC 8785 bytes of the files, as of every bundle; empty where there are none."""
    data_digest: str = field(init=False)
    """SHA-256 over the RFC 8785 bytes of everything the rules could read as data."""

    def __post_init__(self) -> None:
        files = {f"{PACKAGE}/{each.name}.rego": each.rego for each in self.policies}
        data = {"tenant_data": {each.name: each.data for each in self.policies}} if self.policies else {}
        object.__setattr__(self, "files", files)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "digest", bundle_of(files).digest if files else "")
        object.__setattr__(self, "data_digest", sha256_hex(canonical_json(data)))


def digest_of(rego: str, data: Mapping[str, Any]) -> str:
    """Return the digest that names one policy: over the RFC 8785 bytes of {"data", "rego"}."""
    return sha256_hex(canonical_json({"data": dict(data), "rego": rego}))


def own(policy: TenantPolicy) -> OwnRules:
    """Return the row as rules."""
    return OwnRules(policy.name, policy.version, policy.digest, policy.rego, policy.data)


def rules_in_force(*, action: str = "") -> TenantRules:
    """Return the active policies of the tenant whose scope is open that are asked about `action`. One query or none."""
    if action.startswith(UNASKED):
        return TenantRules()
    return TenantRules(tuple(own(each) for each in TenantPolicy.objects.filter(state="ACTIVE").order_by("name")))


def reasons_of(
    rules: TenantRules, documents: Sequence[Mapping[str, Any]], *, tenant: str, seconds: float = SECONDS
) -> list[tuple[Reason, ...] | EngineFailure]:
    """Return for each document why the rules deny it, sorted, or how they failed at it.

    Raise EngineFailure when they could not be asked at all: they do not compile, or took longer than `seconds`.
    Codes come back as `<policy>.<code>`, so that no tenant's rule can speak in the name of a built-in one.
    """
    names = [each.name for each in rules.policies]
    query = "; ".join(f"d{number} := data.{PACKAGE}.{name}.deny" for number, name in enumerate(names))
    request = {
        "op": "query",
        "key": f"{policy_bundle().digest}/{rules.digest}/{rules.data_digest}",
        "files": {**rules.files, SHARED_FILE: policy_bundle().files[SHARED_FILE]},
        "data": rules.data,
        "query": query,
        "documents": list(documents),
    }
    answers = SANDBOX.ask(request, seconds=seconds, tenant=tenant)["answers"]
    return [_reasons(answer, names) for answer in answers]


def _reasons(answer: Mapping[str, Any], names: Sequence[str]) -> tuple[Reason, ...] | EngineFailure:
    if "error" in answer:
        return EngineFailure(answer["error"])
    if answer["bindings"] is None:
        return EngineFailure("a policy of the organisation's own has no set named deny")
    found: list[Reason] = []
    for number, name in enumerate(names):
        said = answer["bindings"][f"d{number}"]
        if not isinstance(said, list):
            return EngineFailure(f"deny of {name} is not a set")
        for item in said:
            if not (reason := _reason(name, item)):
                return EngineFailure(f"{name} gave a reason without a code or a message")
            found.append(reason)
    return tuple(sorted(found))


def _reason(name: str, item: object) -> Reason | None:
    code = item.get("code") if isinstance(item, dict) else None
    message = item.get("message") if isinstance(item, dict) else None
    if not isinstance(code, str) or not isinstance(message, str) or not code or not message:
        return None
    return Reason(f"{name}.{code[:60]}", message[:500])
