"""The API itself: version 1, its routers by name, and its OpenAPI document."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from conductor import __version__
from conductor.api import problems
from conductor.api.auth import BearerToken
from conductor.api.bodies import limited
from conductor.api.idempotency import idempotent, marked

TENANT = "/tenants/{tenant}"
ROUTERS = (
    ("/incidents", "incidents.api.router"),
    ("/alerts", "incidents.api.alerts_router"),
    ("/controls", "controls.api.router"),
    ("/bundles", "evidence.api.router"),
    ("/packs", "evidence.api.packs_router"),
    ("/runs", "conductor.api.runs.router"),
    ("/receipts", "conductor.api.receipts.router"),
    ("/graph", "conductor.api.graph.router"),
    ("/policy", "conductor.api.policy.router"),
)
"""Path below the tenant, and the router's dotted name: this package imports no app."""

_PROBLEMS = {
    "400": "The body is not JSON.",
    "401": "No valid token.",
    "403": "The member or the token may not do this, or policy denies it.",
    "404": "Nothing here, or nothing that you may see.",
    "409": "Somebody was first.",
    "422": "Some input is not valid; `fields` names it.",
}


class ConductorAPI(NinjaAPI):
    """Adds to the generated document what every operation has in common."""

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**kwargs)
        document["servers"] = [{"url": "/", "description": "Where this document came from"}]
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = problems.Problem.model_json_schema()
        for path, operations in document["paths"].items():
            if "{tenant}" in path:
                operations["parameters"] = [_path_tenant()]
            for method, operation in operations.items():
                if method != "parameters":
                    _complete(operation, is_post=method == "post")
        return document

    def wrapped_urls(self) -> tuple[list[URLPattern], str, str]:
        """Return the URLs with bodies limited, and repeated answers marked."""
        patterns, app_name, namespace = self.urls
        return [_wrapped(each) for each in patterns], app_name, namespace


def _wrapped(url: Any) -> URLPattern:
    return URLPattern(url.pattern, limited(marked(url.callback)), url.default_args, url.name)


def _path_tenant() -> dict[str, Any]:
    description = "The tenant's short name, as in the console's addresses."
    return {"name": "tenant", "in": "path", "required": True, "description": description, "schema": {"type": "string"}}


def _complete(operation: dict[str, Any], *, is_post: bool) -> None:
    for status, description in _PROBLEMS.items():
        content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        operation["responses"].setdefault(int(status), {"description": description, "content": content})
    if is_post:
        operation.setdefault("parameters", []).append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "The same key again within 24 hours does nothing twice and reads the result anew.",
                "schema": {"type": "string", "maxLength": 200},
            }
        )


api = ConductorAPI(
    title="Maestro Conductor",
    version=__version__,
    description="Incidents that run themselves, evidence that collects itself, proof that anyone can check.",
    urls_namespace="api",
    auth=BearerToken(),
    docs_url=None,
)
problems.install(api)
# Inside of ninja's own checks, so that nobody is answered who is not authenticated (docs/decisions/0085).
api.add_decorator(idempotent, mode="operation")
for _path, _name in ROUTERS:
    api.add_router(TENANT + _path, _name)
