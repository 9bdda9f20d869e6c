"""The response policy's shape, the built-in one, and which version is in force."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.tenancy.roles import PERMISSIONS
from incidents.models.choices import Impact, Recorded, Role, Severity, Status, Urgency, Written
from incidents.models.policy import ResponsePolicy
from incidents.record.moves import UPDATE_EVERY, names_of_moves

EVERYBODY = "EVERYBODY"
"""Stands for all who are told of incidents at all, in place of one role's holder."""
BUILT_IN = Path(__file__).parent.parent / "data/response-policy.json"


class GuardRule(BaseModel):
    """One guard of a move, and for which severities it is asked."""

    model_config = ConfigDict(extra="forbid")

    guard: str
    """A name in incidents.response.guards.GUARDS."""
    severities: list[Severity] = Field(default_factory=lambda: list(Severity))
    overridable: bool = True
    """Whether a holder of "override_guards" may pass it with a reason."""
    days: int | None = Field(default=None, ge=1, le=3650)
    minutes: int | None = Field(default=None, ge=1, le=60 * 24 * 30)


class TransitionRule(BaseModel):
    """Who may make a move, and what must be true."""

    model_config = ConfigDict(extra="forbid")

    permission: str = "respond"
    guards: list[GuardRule] = Field(default_factory=list)

    @field_validator("permission")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in PERMISSIONS:
            raise ValueError(f"There is no permission {value}.")
        return value


class Cadence(BaseModel):
    """How often somebody says where an unresolved incident stands, and who hears of a silence."""

    model_config = ConfigDict(extra="forbid")

    every_minutes: dict[Severity, int] = Field(
        default_factory=lambda: {each: int(gap.total_seconds() // 60) for each, gap in UPDATE_EVERY.items()}
    )
    monitoring_factor: float = Field(default=2, ge=1, le=10)
    """While it is only watched, the gaps may be this many times as long."""
    escalate_to: list[str] = Field(
        default_factory=lambda: [Role.COMMUNICATIONS, Role.COMMANDER, EVERYBODY], min_length=1
    )
    """Who hears of the first miss, the second, and so on; the last one hears of all that follow."""

    @field_validator("every_minutes")
    @classmethod
    def _whole(cls, value: dict[Severity, int]) -> dict[Severity, int]:
        if missing := [each.value for each in Severity if each not in value]:
            raise ValueError(f"Say how often for {', '.join(missing)}.")
        if any(minutes < 1 for minutes in value.values()):
            raise ValueError("Use one minute or more.")
        return value

    @field_validator("escalate_to")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        if unknown := [each for each in value if each not in (*Role.values, EVERYBODY)]:
            raise ValueError(f"There is no role {', '.join(unknown)}.")
        return value

    def gap(self, *, severity: str, status: str) -> timedelta:
        """Return the longest silence that is on time."""
        minutes: float = self.every_minutes[Severity(severity)]
        return timedelta(minutes=minutes * self.monitoring_factor if status == Status.MONITORING else minutes)


def _matrix() -> dict[Impact, dict[Urgency, Severity]]:
    found: dict[Impact, dict[Urgency, Severity]] = built_in_content()["severity_matrix"]
    return found


class Content(BaseModel):
    """A response policy."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=200)
    transitions: dict[str, TransitionRule] = Field(default_factory=dict)
    """Keyed `OPEN>MITIGATED`. A move that is not named here has no guards and needs "respond"."""
    severity_matrix: dict[Impact, dict[Urgency, Severity]] = Field(default_factory=_matrix)
    """The severity by impact and urgency; every cell is filled."""
    required_roles: dict[Severity, list[Role]] = Field(default_factory=dict)
    """The roles that an incident of this severity should have filled; the page shows the gaps."""
    cadence: Cadence = Field(default_factory=Cadence)
    hold_alerts_of: list[Severity] = Field(default_factory=list)
    """Alerts of these severities wait for a person to decide, in place of declaring an incident."""
    accept_within_minutes: int = Field(default=10, ge=1, le=1440)
    """Who was given a role and has not accepted it by then is reported."""
    acknowledge_within_minutes: dict[Severity, Annotated[int, Field(ge=1, le=10_080)]] = Field(default_factory=dict)
    """How soon after its declaration somebody takes an incident; a severity that is not named has no limit."""
    must_record: dict[Recorded, list[Severity]] = Field(default_factory=dict)
    """What evidence looks for in an incident's record, by severity; what is not named is looked for in all of them."""

    written_sections: dict[Severity, list[Written]] = Field(default_factory=dict)
    """The sections of a postmortem that people have to write before it is approved, unless the approver names what is
    blank and says why; a severity that is not named needs all of them."""

    @field_validator("severity_matrix")
    @classmethod
    def _full(cls, value: dict[Impact, dict[Urgency, Severity]]) -> dict[Impact, dict[Urgency, Severity]]:
        if any(urgency not in value.get(impact, {}) for impact in Impact for urgency in Urgency):
            raise ValueError("Give a severity for every impact and urgency.")
        return value

    @field_validator("transitions")
    @classmethod
    def _exist(cls, value: dict[str, TransitionRule]) -> dict[str, TransitionRule]:
        if unknown := sorted(set(value) - set(names_of_moves())):
            raise ValueError(f"There is no move {', '.join(unknown)}.")
        return value

    def asks_for(self, what: Recorded, *, severity: str) -> bool:
        """Return whether an incident of this severity has to record it. What the policy leaves open is asked for."""
        return Severity(severity) in self.must_record.get(what, list(Severity))

    def sections_for(self, *, severity: str) -> list[Written]:
        """Return the sections that the postmortem of an incident of this severity needs."""
        return self.written_sections.get(Severity(severity), list(Written))

    def rule(self, *, before: str, to: str) -> TransitionRule:
        """Return the rule of the move."""
        return self.transitions.get(f"{before}>{to}", TransitionRule())


@dataclass(frozen=True)
class InForce:
    """A policy with its version."""

    version: int
    """0 for the built-in one."""
    digest: str
    content: Content


def policy_in_force() -> InForce:
    """Return the tenant's newest policy, or the built-in one. One query; needs the tenant's scope."""
    row = ResponsePolicy.objects.order_by("-version").first()
    if row is None:
        return _built_in()
    return InForce(row.version, row.digest, Content.model_validate(row.content))


def policy_at(moment: datetime) -> InForce:
    """Return the policy that was in force then: later versions do not change what it was. One query."""
    row = ResponsePolicy.objects.filter(changed_at__lte=moment).order_by("-version").first()
    return InForce(row.version, row.digest, Content.model_validate(row.content)) if row is not None else _built_in()


def built_in_content() -> dict[str, Any]:
    """Return the built-in policy as JSON, for a tenant to start from."""
    content: dict[str, Any] = json.loads(BUILT_IN.read_text())
    return content


def complaints_about(content: Any) -> dict[str, list[str]]:
    """Return what is wrong with a policy's content, by dotted path; empty for a good one."""
    try:
        Content.model_validate(content)
    except ValidationError as invalid:
        found: dict[str, list[str]] = {}
        for each in invalid.errors():
            found.setdefault(".".join(str(part) for part in each["loc"]) or "content", []).append(
                each["msg"].removeprefix("Value error, ")
            )
        return found
    return {}


def digest_of(content: Any) -> str:
    """Return the SHA-256 of the content as canonical JSON."""
    return sha256_hex(canonical_json(content))


@cache
def _built_in() -> InForce:
    content = built_in_content()
    return InForce(0, digest_of(content), Content.model_validate(content))
