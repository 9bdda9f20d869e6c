"""The HTTP API of incidents. `conductor.api.v1` mounts `router` and `alerts_router`."""

from __future__ import annotations

from ninja import Router

from incidents.alerts.api import router as alerts_router
from incidents.followups.api import router as action_items_router
from incidents.followups.ticket_api import router as tickets_router
from incidents.page.api import router as incidents_router
from incidents.page.response_api import router as response_router
from incidents.postmortem.api import router as postmortems_router
from incidents.reporting.api import router as deadlines_router
from incidents.response.role_api import router as roles_router
from incidents.rules.api import router as rules_router
from incidents.timeline.api import router as timeline_router
from incidents.timeline.entry_api import router as entries_router

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
