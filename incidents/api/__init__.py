"""The HTTP API of incidents. `conductor.api.v1` mounts `router` and `alerts_router`."""

from __future__ import annotations

from ninja import Router

from incidents.api.action_items import router as action_items_router
from incidents.api.alerts import router as alerts_router
from incidents.api.deadlines import router as deadlines_router
from incidents.api.entries import router as entries_router
from incidents.api.incidents import router as incidents_router
from incidents.api.postmortems import router as postmortems_router
from incidents.api.response import router as response_router
from incidents.api.roles import router as roles_router
from incidents.api.rules import router as rules_router
from incidents.api.tickets import router as tickets_router
from incidents.api.timeline import router as timeline_router

router = Router(tags=["incidents"])
# First: their /action-items, /deadlines, /tickets and so on would otherwise be taken for an incident's number.
for _part in (
    tickets_router,
    action_items_router,
    deadlines_router,
    rules_router,
    incidents_router,
    roles_router,
    response_router,
    timeline_router,
    entries_router,
    postmortems_router,
):
    router.add_router("", _part)

__all__ = ["alerts_router", "router"]
