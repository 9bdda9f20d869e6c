"""The example of a simulation: some hundred decisions of the built-in rules, and three candidates to replay them on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.policy.bundle import policy_bundle
from conductor.policy.engine import RegorusEngine, path_of
from conductor.policy.samples import sample
from conductor.policy.simulation import Recorded

FOLDER = Path(__file__).parent / "examples"
CANDIDATES = (
    ("second_step.rego", "a rule of the organisation's own, written so that a missing attribute denies"),
    ("second_step_open.rego", "the same intention, written so that a missing attribute is silent"),
    ("resolve_looser.rego", "other built-in rules: anybody who responds may resolve a SEV2"),
)
DATA = {"second_step": {"spared": ["staging", "development"]}}

_SEVERITIES, _ENVIRONMENTS = ("SEV1", "SEV2", "SEV3", "SEV4"), ("production", "staging")
_PEOPLE: tuple[tuple[str, str, list[str], str], ...] = (
    ("tenancy.user:1", "RESPONDER", ["respond"], "password"),
    ("tenancy.user:2", "COMMANDER", ["command", "respond", "seal_evidence"], "mfa"),
    ("tenancy.user:3", "COMMANDER", ["command", "respond", "seal_evidence"], "password"),
    ("tenancy.user:4", "AUDITOR", [], "oidc"),
)
_STATUSES = ("OPEN", "MITIGATED", "MONITORING")


def example_decisions() -> Iterator[Recorded]:
    """Yield what the built-in rules say today of each combination, in a fixed order."""
    for number, document in enumerate(_documents()):
        yield _decided(number, document)


def _documents() -> Iterator[dict[str, Any]]:
    for person, severity, environment in product(_PEOPLE, _SEVERITIES, _ENVIRONMENTS):
        yield _asked("incidents.declare", person, severity=severity, environment=environment)
        for status in _STATUSES:
            about = {"severity": severity, "environment": environment, "status": status}
            yield _asked("incidents.resolve", person, **about, acknowledged=status != "OPEN")
    for person, artifacts, unverified in product(_PEOPLE, (0, 4), (0, 1)):
        yield _asked("evidence.seal", person, artifacts_count=artifacts, unverified_count=unverified)


def _asked(action: str, person: tuple[str, str, list[str], str], **about: Any) -> dict[str, Any]:
    who, role, permissions, authentication = person
    document = sample(action)
    document["subject"].update(ref=who, roles=[role], permissions=permissions, authentication=authentication)
    document["resource"].update(about)
    return document


def _decided(number: int, document: dict[str, Any]) -> Recorded:
    body, action = canonical_json(document), document["action"]
    verdict = RegorusEngine().evaluate(bundle=policy_bundle(), path=path_of(action), document=body)
    return Recorded(
        id=f"example-{number:03d}",
        action=action,
        allow=verdict.allow,
        codes=tuple(reason.code for reason in verdict.reasons),
        input=document,
        input_digest=sha256_hex(body),
        decided_at=document["context"]["time"],
        actor=document["subject"]["ref"],
        subject=document["resource"]["ref"],
    )
