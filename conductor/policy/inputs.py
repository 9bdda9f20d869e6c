"""What policy is asked: the input document of each action, checked before any rule sees it.

    {"action": "incidents.declare",
     "subject":  {"ref", "tenant", "roles": [], "permissions": [], "channel", "authentication"},
     "resource": {"ref", "kind", "tenant", "environment", "severity", "visibility", "owner", and what the action needs},
     "context":  {"time", "channel", "four_eyes": {"required", "requested_by", "approved_by"}, and what the door adds}}

`resource` and `context` may carry attributes that no built-in rule reads: they reach the rules and the record.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

from conductor.lib.clock import parse_rfc3339, rfc3339
from conductor.tenancy.actors import Actor

_EXACT_INTEGER = 2**53 - 1


class InvalidInput(Exception):
    """The input document is incomplete or of the wrong shape. `problems` names each attribute."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


class Subject(BaseModel):
    """Who asks."""

    model_config = ConfigDict(extra="forbid")

    ref: StrictStr = Field(min_length=1)
    tenant: UUID
    roles: list[StrictStr]
    permissions: list[StrictStr]
    channel: StrictStr = Field(min_length=1)
    authentication: StrictStr = Field(min_length=1)
    """How surely they are who they say (conductor.tenancy.sessions.authentication)."""


class Resource(BaseModel):
    """What is to be acted on."""

    model_config = ConfigDict(extra="allow")

    ref: StrictStr = Field(min_length=1)
    kind: StrictStr = Field(min_length=1)
    tenant: UUID
    environment: StrictStr
    """Slug of the environment; empty where it concerns every one or none."""
    severity: StrictStr
    """SEV1 to SEV4; empty where it has none."""
    visibility: StrictStr = Field(min_length=1)
    """NORMAL: everyone who may read such things in the tenant may read it. PRIVATE: only those with access."""
    owner: StrictStr = Field(min_length=1)
    """Ref of the one who made it."""


class DeclaredIncident(Resource):
    """incidents.declare"""


class ResolvedIncident(Resource):
    """incidents.resolve"""

    status: StrictStr
    acknowledged: StrictBool
    commander: StrictStr = ""
    """Ref of the incident's commander; empty when nobody commands."""


class RedactedEntry(Resource):
    """incidents.redact"""

    state: StrictStr
    approve: StrictBool
    """Whether the words are to be dropped, or stay."""


class ReviewedPostmortem(Resource):
    """incidents.review"""

    status: StrictStr
    approve: StrictBool
    """Whether it is approved, or sent back."""
    authors: list[StrictStr]
    """Refs of the people whose words are in it."""
    blank: list[StrictStr]
    """The sections that the response policy asks for and nobody has written."""
    waived: list[StrictStr]
    """Those of them that the approver names."""
    explained: StrictBool
    """Whether a reason or a comment was given; its words stay with the incident."""


class SealedBundle(Resource):
    """evidence.seal"""

    status: StrictStr
    artifacts_count: StrictInt = Field(ge=0)
    unverified_count: StrictInt = Field(ge=0)
    receipts_unsequenced: StrictInt = Field(ge=0)


class DecidedRun(Resource):
    """runs.decide"""

    status: StrictStr
    approve: StrictBool
    permission: StrictStr = Field(min_length=1)
    """What the wait demands of the person who decides."""
    demands_four_eyes: StrictBool


class ActivatedPolicy(Resource):
    """policy.activate"""

    state: StrictStr
    digest: StrictStr = Field(min_length=1)
    reviewed_digest: StrictStr
    """The digest that the approver read; empty when they named none."""


class RetiredPolicy(Resource):
    """policy.retire"""

    state: StrictStr


class FourEyes(BaseModel):
    """Whether a second person is needed, and who the two are."""

    model_config = ConfigDict(extra="forbid")

    required: StrictBool
    requested_by: StrictStr
    """Ref of whoever asked for it; empty when nobody else is needed."""
    approved_by: StrictStr


class Context(BaseModel):
    """When and how."""

    model_config = ConfigDict(extra="allow")

    time: StrictStr
    channel: StrictStr = Field(min_length=1)
    four_eyes: FourEyes


class ReasonedContext(Context):
    """policy.retire"""

    reason: StrictStr = Field(min_length=1)


RUN_DECISION = "runs.decide"
"""Answering what a run waits for."""

RESOURCES: dict[str, type[Resource]] = {
    "incidents.declare": DeclaredIncident,
    "incidents.resolve": ResolvedIncident,
    "incidents.redact": RedactedEntry,
    "incidents.review": ReviewedPostmortem,
    "evidence.seal": SealedBundle,
    RUN_DECISION: DecidedRun,
    "policy.activate": ActivatedPolicy,
    "policy.retire": RetiredPolicy,
}
"""The actions that policy answers for, each with the shape of what it acts on."""

CONTEXTS: dict[str, type[Context]] = {"policy.retire": ReasonedContext}
"""The actions whose context must hold more than every context."""

NO_SECOND_PERSON: dict[str, Any] = {"required": False, "requested_by": "", "approved_by": ""}
"""The four eyes of an action that one person may do alone."""


def build_document(
    *,
    action: str,
    actor: Actor,
    tenant: UUID | None,
    resource: Mapping[str, Any],
    context: Mapping[str, Any],
    now: datetime,
) -> tuple[dict[str, Any], list[str]]:
    """Return the document as plain JSON values and the problems met on the way; never raises.

    `tenant` is the subject's. UUIDs, datetimes and enumeration members become strings. `resource["kind"]` may be
    left out: the reference says it. The moment is `now` and the channel is the actor's, whatever `context` says;
    without `context["four_eyes"]` no second person is required.
    """
    problems: list[str] = []
    given = {"kind": str(resource.get("ref", "")).partition(":")[0], **resource}
    document = {
        "action": _plain(action, "action", problems),
        "subject": {
            "ref": _plain(actor.ref, "subject.ref", problems),
            "tenant": str(tenant or ""),
            "roles": sorted(actor.roles),
            "permissions": sorted(actor.permissions),
            "channel": _plain(actor.channel, "subject.channel", problems),
            "authentication": _plain(actor.authentication, "subject.authentication", problems),
        },
        "resource": _plain(given, "resource", problems),
        "context": _plain(
            {"four_eyes": NO_SECOND_PERSON, **context, "time": now, "channel": actor.channel}, "context", problems
        ),
    }
    return document, problems


def check_document(document: Mapping[str, Any]) -> None:
    """Raise InvalidInput unless `document` has every attribute that its action's rules read, in the right type."""
    action = document.get("action")
    shape = RESOURCES.get(action) if isinstance(action, str) else None
    problems = [] if shape else ["action: no policy answers for it"]
    parts: dict[str, type[BaseModel]] = {
        "subject": Subject,
        "resource": shape or Resource,
        "context": CONTEXTS.get(action, Context) if isinstance(action, str) else Context,
    }
    for name, model in parts.items():
        try:
            model.model_validate(document.get(name))
        except ValidationError as error:
            problems += [f"{'.'.join([name, *map(str, item['loc'])])}: {item['msg']}" for item in error.errors()]
    problems += _time_problems(document.get("context"))
    if extra := sorted(set(document) - {"action", "subject", "resource", "context"}):
        problems.append(f"{', '.join(extra)}: not part of an input document")
    if problems:
        raise InvalidInput(problems)


def _time_problems(context: object) -> list[str]:
    moment = context.get("time") if isinstance(context, dict) else None
    if not isinstance(moment, str):
        return []
    try:
        parse_rfc3339(moment)
    except ValueError:
        return ["context.time: not an RFC 3339 time with a zone"]
    return []


def _plain(value: object, where: str, problems: list[str]) -> Any:
    """Return `value` as JSON can hold it exactly; what it cannot hold becomes its type's name and a problem."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return _plain(value.value, where, problems)
    if isinstance(value, str):
        return _plain_text(value, where, problems)
    if isinstance(value, int) and abs(value) <= _EXACT_INTEGER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return rfc3339(value)
    if isinstance(value, Mapping):
        named = {_plain_text(str(key), where, problems): item for key, item in value.items()}
        return {key: _plain(item, f"{where}.{key}", problems) for key, item in named.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{where}.{index}", problems) for index, item in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        return sorted(str(item) for item in value)
    problems.append(f"{where}: a {type(value).__name__} of this value cannot be passed to policy")
    return f"<{type(value).__name__}>"


def _plain_text(value: str, where: str, problems: list[str]) -> str:
    # Neither RFC 8785 nor PostgreSQL holds a lone surrogate, and PostgreSQL holds no NUL.
    clean = str(value).encode("utf-8", "replace").decode().replace("\x00", "?")
    if clean != value:
        problems.append(f"{where}: not valid text")
    return clean
