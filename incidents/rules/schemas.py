"""What the API of the response rules takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Field, Schema

from conductor.api.inputs import Input, Text
from incidents.reporting.rule_selectors import PolicyVersion, RuleFound
from incidents.reporting.rules import as_json


class PolicyVersionOut(Schema):
    """A version of the response policy, without its content."""

    version: int = Field(description="0 is the one that comes with Conductor.")
    digest: str
    title: str
    reason: str
    changed_by_name: str = Field(description="Empty for version 0.")
    changed_at: datetime | None

    @staticmethod
    def resolve_title(found: PolicyVersion) -> str:
        return str(found.content["title"])

    @staticmethod
    def resolve_reason(found: PolicyVersion) -> str:
        return found.row.reason if found.row else ""

    @staticmethod
    def resolve_changed_by_name(found: PolicyVersion) -> str:
        return found.row.changed_by_name if found.row else ""

    @staticmethod
    def resolve_changed_at(found: PolicyVersion) -> datetime | None:
        return found.row.changed_at if found.row else None


class ResponsePolicyOut(PolicyVersionOut):
    """A version of the response policy."""

    content: dict[str, Any] = Field(description="As /incidents/response-policy/schema describes it.")


class PolicyTrialIn(Input):
    content: dict[str, Any]


class PolicyIn(PolicyTrialIn):
    """The whole content of the next version."""

    reason: Text
    seen_version: int = Field(ge=0, le=2**31 - 1, description="The version that was read; another in force is a 409.")


class ChangeOut(Schema):
    """One place at which the content differs."""

    path: str = Field(description="Dotted.")
    before: str = Field(description="Empty where it is new.")
    after: str = Field(description="Empty where it is gone.")


class ReportingRuleOut(Schema):
    """A reporting obligation, as a rule."""

    key: str
    is_active: bool
    is_built_in: bool = Field(description="Whether Conductor came with a rule of this key.")
    version: int = Field(description="0 where the built-in one counts.")
    content: dict[str, Any]

    @staticmethod
    def resolve_key(found: RuleFound) -> str:
        return found.rule.key

    @staticmethod
    def resolve_version(found: RuleFound) -> int:
        return found.versions[0].version if found.versions else 0

    @staticmethod
    def resolve_content(found: RuleFound) -> dict[str, Any]:
        return as_json(found.rule)


class ReportingRuleIn(Input):
    content: dict[str, Any] = Field(description="The whole rule, as the list gives it.")
    reason: Text
    active: bool = Field(True, description="False retires it for incidents from now on.")
