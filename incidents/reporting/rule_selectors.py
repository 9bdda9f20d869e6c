"""The rules of a tenant's response as their pages show them: versions of the policy, and reporting obligations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conductor.lib.errors import NotFound
from incidents.models.obligation import OwnRule
from incidents.models.policy import ResponsePolicy
from incidents.reporting.rules import Rule, as_json, built_in_rules
from incidents.response.policy import built_in_content, digest_of


@dataclass(frozen=True)
class PolicyVersion:
    """A version of the response policy."""

    version: int
    """0 is the built-in one, which nobody changed."""
    content: dict[str, Any]
    digest: str
    row: ResponsePolicy | None
    """Who put it in force, when and why; None for the built-in one."""


@dataclass(frozen=True)
class RuleFound:
    """A rule of a reporting obligation, as it stands in this tenant."""

    rule: Rule
    is_active: bool
    is_built_in: bool
    """Whether Conductor came with a rule of this key."""
    versions: list[OwnRule]
    """The tenant's own, newest first; empty where the built-in one counts."""


def policy_versions() -> list[PolicyVersion]:
    """Return every version of the response policy, newest first: the first one is in force. One query."""
    own = [
        PolicyVersion(row.version, row.content, row.digest, row) for row in ResponsePolicy.objects.order_by("-version")
    ]
    content = built_in_content()
    return [*own, PolicyVersion(0, content, digest_of(content), None)]


def reporting_rules() -> list[RuleFound]:
    """Return the built-in rules and the tenant's own, by regime; retired ones last. One query."""
    own: dict[str, list[OwnRule]] = {}
    for row in OwnRule.objects.order_by("key", "-version"):
        own.setdefault(row.key, []).append(row)
    built_in = {rule.key: rule for rule in built_in_rules()}
    found = [RuleFound(rule, True, True, []) for key, rule in built_in.items() if key not in own]
    for key, rows in own.items():
        rule = Rule.model_validate(rows[0].content)
        found.append(RuleFound(rule, rows[0].is_active, key in built_in, rows))
    return sorted(found, key=lambda each: (not each.is_active, each.rule.regime.casefold(), each.rule.key))


def reporting_rule(*, key: str) -> RuleFound:
    """Return one rule by its key; raise NotFound. One query."""
    found = next((each for each in reporting_rules() if each.rule.key == key), None)
    if found is None:
        raise NotFound(f"There is no rule {key}.")
    return found


def content_before(found: RuleFound, version: int) -> dict[str, Any]:
    """Return what counted before that version of the tenant's own rule: its last version, the built-in one, nothing."""
    older = next((each for each in found.versions if each.version == version - 1), None)
    if older is not None:
        return dict(older.content)
    built_in = next((each for each in built_in_rules() if each.key == found.rule.key), None)
    return as_json(built_in) if built_in is not None else {}
