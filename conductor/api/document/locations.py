"""Where what was made can be read: the `Location` of every 201 (RFC 9110, 15.3.2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

LOCATIONS: Mapping[str, str] = {
    "add_action_item": "/incidents/action-items/{made[number]}",
    "add_action_item_ticket": "/incidents/action-items/{path[item]}/tickets",
    "add_alert_source": "/alerts/sources",
    "add_incident_ticket": "/incidents/{path[number]}/tickets",
    "add_note": "/incidents/{path[number]}/timeline/{made[seq]}",
    "add_task": "/incidents/{path[number]}/tasks",
    "attach_artifact": "/bundles/{path[bundle]}/artifacts/{made[id]}/content",
    "bind_workflow": "/controls/{path[control_id]}",
    "change_reporting_rule": "/incidents/reporting-rules",
    "change_response_policy": "/incidents/response-policy/versions/{made[version]}",
    "correct_entry": "/incidents/{path[number]}/timeline/{made[seq]}",
    "declare_incident": "/incidents/{made[number]}",
    "link_record": "/incidents/{path[number]}/links",
    "open_bundle": "/bundles/{made[code]}",
    "post_update": "/incidents/{path[number]}/timeline/{made[seq]}",
    "record_decision": "/incidents/{path[number]}/timeline/{made[seq]}",
    "request_redaction": "/incidents/{path[number]}/timeline/{path[seq]}",
    "seal_bundle": "/bundles/{made[code]}",
    "set_milestone": "/incidents/{path[number]}/milestones",
    "start_restore_verification": "/runs/{made[number]}",
    "start_simulation": "/policy/simulations/{made[number]}",
    "upload_policy": "/policy/rules/{made[id]}",
}
"""By operation, below the tenant: the thing's own address, or that of the list that shows it if it has none.

`made` is the answer, `path` the parameters of the request's own path.
"""
HEADER = {
    "Location": {
        "description": "Where it can be read: its own address, or that of the list that shows it.",
        "schema": {"type": "string", "format": "uri-reference"},
    }
}
"""As the document describes it."""


def named(view: Callable[..., Any]) -> Callable[..., Any]:
    """Note which operation it is that answers."""
    operation_id = view._ninja_operation.operation_id  # type: ignore[attr-defined]

    @wraps(view)
    def noted(request: HttpRequest, *args: Any, **arguments: Any) -> Any:
        request.operation_id = operation_id  # type: ignore[attr-defined]
        return view(request, *args, **arguments)

    return noted


def located(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give every 201 its `Location`."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **path: Any) -> HttpResponse:
        response = view(request, *args, **path)
        if response.status_code == HTTPStatus.CREATED:
            below = LOCATIONS[request.operation_id]  # type: ignore[attr-defined]
            base, _, _ = request.path.partition("/tenants/")
            made = json.loads(response.content)
            response["Location"] = f"{base}/tenants/{path['tenant']}{below.format(made=made, path=path)}"
        return response

    return answered
