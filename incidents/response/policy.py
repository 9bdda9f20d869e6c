"""The response policy's shape, the built-in one, and which version is in force."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.tenancy.roles import PERMISSIONS
from incidents.models import ResponsePolicy, Severity
from incidents.moves import names_of_moves

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


class Content(BaseModel):
    """A response policy."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=200)
    transitions: dict[str, TransitionRule] = Field(default_factory=dict)
    """Keyed `OPEN>MITIGATED`. A move that is not named here has no guards and needs "respond"."""

    @field_validator("transitions")
    @classmethod
    def _exist(cls, value: dict[str, TransitionRule]) -> dict[str, TransitionRule]:
        if unknown := sorted(set(value) - set(names_of_moves())):
            raise ValueError(f"There is no move {', '.join(unknown)}.")
        return value

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
            found.setdefault(".".join(str(part) for part in each["loc"]) or "content", []).append(each["msg"])
        return found
    return {}


def digest_of(content: Any) -> str:
    """Return the SHA-256 of the content as canonical JSON."""
    return sha256_hex(canonical_json(content))


@cache
def _built_in() -> InForce:
    content = built_in_content()
    return InForce(0, digest_of(content), Content.model_validate(content))
