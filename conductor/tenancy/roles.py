"""Roles, permissions and API scopes: who may do what, in three tables."""

from __future__ import annotations

from django.db import models


class Role(models.TextChoices):
    """A member's role in one tenant."""

    RESPONDER = "RESPONDER", "Responder"
    COMMANDER = "COMMANDER", "Commander"
    AUDITOR = "AUDITOR", "Auditor"
    ADMIN = "ADMIN", "Admin"


PERMISSIONS = {
    "view_incidents": "Read incidents, their timelines and the resource graph",
    "respond": "Declare incidents, acknowledge them, post updates and move their status",
    "command": "Assign roles and resolve the most severe incidents",
    "override_guards": "Move an incident past unmet guards, with a reason",
    "configure_response": "Change the response policy and its reporting rules",
    "view_private": "Read private incidents",
    "decide_reporting": "Decide and sign whether an incident is reported to authorities or customers",
    "view_evidence": "Read evidence bundles, packs and receipts",
    "collect_evidence": "Open evidence bundles and attach artifacts",
    "seal_evidence": "Seal evidence bundles",
    "view_controls": "Read the control catalogue and its coverage",
    "run_controls": "Start control workflows",
    "view_runs": "Read workflow runs",
    "operate_runs": "Cancel and retry workflow runs, decide their waits",
    "edit_graph": "Import resources and dependencies",
    "manage_policies": "Upload, simulate and retire rules of the organisation's own",
    "activate_policies": "Put rules in force that somebody else uploaded",
    "manage_adapters": "Configure adapters and their secrets",
    "manage_members": "Invite members and issue API tokens",
}
"""Codename to sentence. django-guardian grants them on the Tenant object."""

_READ = frozenset({"view_incidents", "view_evidence", "view_controls", "view_runs"})
_RESPOND = _READ | {"respond", "collect_evidence"}
_COMMAND = (
    _RESPOND
    | {"command", "seal_evidence", "run_controls", "operate_runs", "edit_graph", "override_guards"}
    | {"decide_reporting", "activate_policies"}
)

ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    Role.RESPONDER.value: _RESPOND,
    Role.COMMANDER.value: _COMMAND,
    Role.AUDITOR.value: _READ,
    Role.ADMIN.value: frozenset(PERMISSIONS),
}

SCOPES: dict[str, frozenset[str]] = {
    "incidents:read": frozenset({"view_incidents"}),
    "incidents:write": frozenset({"view_incidents", "respond", "command", "override_guards", "decide_reporting"}),
    "response:read": frozenset({"view_incidents"}),
    "response:write": frozenset({"view_incidents", "configure_response"}),
    "evidence:read": frozenset({"view_evidence"}),
    "evidence:write": frozenset({"view_evidence", "collect_evidence", "seal_evidence"}),
    "controls:read": frozenset({"view_controls"}),
    "controls:write": frozenset({"view_controls", "run_controls"}),
    "runs:read": frozenset({"view_runs"}),
    "runs:write": frozenset({"view_runs", "operate_runs"}),
    "receipts:read": frozenset({"view_evidence"}),
    "policy:read": frozenset({"view_evidence"}),
    "policy:write": frozenset({"view_evidence", "manage_policies", "activate_policies"}),
    "graph:read": frozenset({"view_incidents"}),
    "graph:write": frozenset({"view_incidents", "edit_graph"}),
    "adapters:write": frozenset({"manage_adapters"}),
}
"""What a token's scope lets through of its member's permissions."""


def holders(permission: str) -> list[str]:
    """Return the names of the roles that hold `permission`, for the sentence that refuses it."""
    return [Role(role).label for role, held in ROLE_PERMISSIONS.items() if permission in held]


def permissions_in(scopes: list[str]) -> frozenset[str]:
    """Return the permissions that `scopes` let through; unknown scopes let nothing through."""
    return frozenset().union(*(SCOPES.get(scope, frozenset()) for scope in scopes))


def scopes_for(permission: str) -> list[str]:
    """Return the scopes that let `permission` through, each enough by itself."""
    return [scope for scope, through in SCOPES.items() if permission in through]
