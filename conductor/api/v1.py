"""The API itself: version 1, its routers by name, and its OpenAPI document."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.router import BoundRouter

from conductor import __version__
from conductor.api import problems
from conductor.api.document import document
from conductor.api.document.locations import located, named
from conductor.api.requests.auth import BearerToken
from conductor.api.requests.bodies import limited
from conductor.api.requests.idempotency import idempotent, marked
from conductor.api.requests.methods import only_get, with_methods
from conductor.api.requests.parsing import CleanParser
from conductor.api.requests.strictness import strict
from conductor.api.scopes import permission_of

TENANT = "/tenants/{tenant}"
ROUTERS = (
    ("/incidents", "incidents.api.router"),
    ("/alerts", "incidents.api.alerts_router"),
    ("/controls", "controls.api.router"),
    ("/bundles", "evidence.api.router"),
    ("/packs", "evidence.api.packs_router"),
    ("/me", "conductor.api.me.router"),
    ("/me", "conductor.api.inbox.router"),
    ("/environments", "conductor.api.environments.router"),
    ("/runs", "conductor.api.runs.router"),
    ("/receipts", "conductor.api.receipts.router"),
    ("/graph", "conductor.api.graph.router"),
    ("/policy", "conductor.api.policy.router"),
)
"""Path below the tenant, and the router's dotted name: this package imports no app."""


class ConductorAPI(NinjaAPI):
    """Paths without a slash at their end, a document that knows what all operations have in common."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._documents: dict[str, OpenAPISchema] = {}

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Return the document, built once for each prefix: no operation is mounted while requests are served."""
        prefix = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        if prefix not in self._documents:
            self._documents[prefix] = document.build(self, path_prefix=prefix)
        return self._documents[prefix]

    def wrapped_urls(self) -> tuple[list[URLPattern], str, str]:
        """Return the URLs: bodies limited, repeated answers marked, what was made located, every method answered."""
        patterns, app_name, namespace = self.urls
        return [_wrapped(each) for each in patterns], app_name, namespace

    def _get_bound_routers(self) -> list[BoundRouter]:
        if self._bound_routers_cache is not None:
            return self._bound_routers_cache
        bound = super()._get_bound_routers()
        for each in bound:
            # A router inside another one is mounted at "", which ninja joins with a slash.
            each.prefix = each.prefix.rstrip("/")
            for view in each.path_operations.values():
                for operation in view.operations:
                    asked = BearerToken(permission=permission_of(operation, prefix=each.prefix))
                    operation.auth_callbacks = [
                        asked if isinstance(known, BearerToken) else known for known in operation.auth_callbacks
                    ]
        return bound


def _wrapped(url: Any) -> URLPattern:
    is_operation = url.name not in {"api-root", "openapi-json"}
    view = limited(marked(located(url.callback))) if is_operation else only_get(url.callback)
    return URLPattern(url.pattern, with_methods(view), url.default_args, url.name)


api = ConductorAPI(
    title="Maestro Conductor",
    version=__version__,
    description="Incidents that run themselves, evidence that collects itself, proof that anyone can check.",
    urls_namespace="api",
    auth=BearerToken(),
    docs_url=None,
    parser=CleanParser(),
)
problems.install(api)
# Inside of ninja's own checks, so that nobody is answered who is not authenticated (docs/decisions/0085).
api.add_decorator(idempotent, mode="operation")
api.add_decorator(strict, mode="operation")
api.add_decorator(named, mode="operation")
for _path, _name in ROUTERS:
    api.add_router(TENANT + _path, _name)
