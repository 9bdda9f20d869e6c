"""The OpenAPI document: what ninja derives from the operations, and what every operation has in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from conductor.api.document import graph
from conductor.api.document.codes import all_codes
from conductor.api.document.locations import HEADER
from conductor.api.document.names import check_names
from conductor.api.document.operations import operations_of
from conductor.api.problems import Problem
from conductor.api.requests.auth import BearerToken
from conductor.lib.problems import MEDIA_TYPE
from conductor.tenancy.roles import scopes_for

_PROBLEMS = {
    "400": "The request cannot be read: the body is not JSON, or not a form.",
    "401": "No valid token.",
    "403": "The member or the token may not do this, or policy denies it.",
    "404": "Nothing here, or nothing that you may see.",
    "409": "Somebody was first, or the record is not in the state that this needs.",
    "413": "The body is too large.",
    "415": "The body is of another media type than those listed.",
    "422": "Some input is not valid; `fields` names it.",
    "429": "The limit named in `RateLimit` is full; `Retry-After` says in how many seconds to send this again.",
    "500": "A fault of ours, written down under the answer's `X-Request-Id`. Nothing was changed.",
    "503": "The database does not answer for the moment; `Retry-After` says when to ask again.",
}
_WITH_BODY = frozenset({"400", "413", "415"})
"""Answers to what an operation takes; those that take nothing never give them."""
_HEADERS = {
    "RateLimit": {
        "description": "For each limit, `r` requests are left until it resets in `t` seconds "
        "(draft-ietf-httpapi-ratelimit-headers-10).",
        "schema": {"type": "string", "examples": ['"token";r=1187;t=31, "tenant";r=5901;t=31']},
    },
    "RateLimit-Policy": {
        "description": "For each limit, `q` requests in every `w` seconds.",
        "schema": {"type": "string", "examples": ['"token";q=1200;w=60, "tenant";q=6000;w=60']},
    },
    "Retry-After": {"description": "In how many seconds to send this again.", "schema": {"type": "integer"}},
}
_LIMITS = {name: {"$ref": f"#/components/headers/{name}"} for name in ("RateLimit", "RateLimit-Policy")}
_WAITS = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
_REFERENCE = {"$ref": "#/components/schemas/Problem"}


def build(api: NinjaAPI, *, path_prefix: str) -> OpenAPISchema:
    """Return the document. Raise NameShared if it could not describe every class."""
    check_names(operations_of(api))
    document = OpenAPISchema(api, path_prefix)
    document["servers"] = [{"url": "/", "description": "Where this document came from"}]
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = _problem()
    schemas.update(graph.SCHEMAS)
    bound = {each.operation_id: each for each in operations_of(api)}
    document["components"]["headers"] = _HEADERS
    for path, operations in document["paths"].items():
        if "{tenant}" in path:
            operations["parameters"] = [_path_tenant()]
        for method, operation in operations.items():
            if method != "parameters":
                _complete(operation, is_post=method == "post")
                _secure(operation, bound[operation["operationId"]].auth_callbacks)
    return document


def _problem() -> dict[str, Any]:
    """Zalando's extension for a list that may grow: a client must take a code that it does not know."""
    schema = Problem.model_json_schema()
    schema["properties"]["code"]["x-extensible-enum"] = [each.code for each in all_codes()]
    return schema


def _path_tenant() -> dict[str, Any]:
    description = "The tenant's short name, as in the console's addresses."
    return {"name": "tenant", "in": "path", "required": True, "description": description, "schema": {"type": "string"}}


def _complete(operation: dict[str, Any], *, is_post: bool) -> None:
    operation["tags"] = list(dict.fromkeys(operation["tags"]))
    for status, description in _PROBLEMS.items():
        if status not in _WITH_BODY or is_post or "requestBody" in operation:
            content = {MEDIA_TYPE: {"schema": _REFERENCE}}
            operation["responses"].setdefault(int(status), {"description": description, "content": content})
    if made := operation["responses"].get(201):
        made["headers"] = dict(HEADER)
    for status, response in operation["responses"].items():
        headers = (_LIMITS if int(status) < 300 or int(status) == 429 else {}) | (
            _WAITS if int(status) in {429, 503} else {}
        )
        if headers:
            response["headers"] = {**response.get("headers", {}), **headers}
    if is_post:
        operation.setdefault("parameters", []).append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "The same key again within 24 hours does nothing twice and reads the result again.",
                "schema": {"type": "string", "maxLength": 200},
            }
        )


def _secure(operation: dict[str, Any], callbacks: Sequence[Any]) -> None:
    """Name the scopes, each enough by itself, and say so in words too, as few tools show the roles of a bearer.

    No scope is not no token: an operation that asks for none of them still names the bearer.
    """
    permission = next((each.permission for each in callbacks if isinstance(each, BearerToken)), "")
    scopes = scopes_for(permission)
    operation["security"] = [{"BearerToken": [each]} for each in scopes] or [{"BearerToken": []}]
    if any(not isinstance(each, BearerToken) for each in callbacks):
        # A secret in the body, for which OpenAPI has no word.
        operation["security"].append({})
    said = " or ".join(f"`{each}`" for each in scopes) or "none, a valid token is enough"
    operation["description"] = f"{operation.get('description', '')}\n\nScope: {said}.".strip()
