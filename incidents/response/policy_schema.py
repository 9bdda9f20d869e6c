"""The JSON Schema of a response policy, for programs and editors that write one."""

from __future__ import annotations

from typing import Any

from conductor.tenancy.roles import PERMISSIONS
from incidents.models.choices import Role
from incidents.record.moves import names_of_moves
from incidents.response.guards import GUARDS
from incidents.response.policy import EVERYBODY, Content, built_in_content


def policy_schema() -> dict[str, Any]:
    """Return the schema of a policy's content, naming the moves, guards, permissions and roles that there are."""
    schema = Content.model_json_schema()
    parts, whole = schema["$defs"], schema["properties"]
    whole["transitions"]["propertyNames"] = {"enum": names_of_moves()}
    whole["severity_matrix"]["default"] = built_in_content()["severity_matrix"]
    parts["TransitionRule"]["properties"]["permission"]["enum"] = list(PERMISSIONS)
    parts["GuardRule"]["properties"]["guard"]["enum"] = list(GUARDS)
    parts["Cadence"]["properties"]["escalate_to"]["items"]["enum"] = [*Role.values, EVERYBODY]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
