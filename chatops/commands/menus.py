"""The menus of forms whose choices are rows: environments, trackers, action items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from adapters.models.adapter import AdapterConfig
from adapters.ports.protocols import Port
from chatops.commands.forms import Field, Form
from conductor.lib.errors import Conflict
from conductor.tenancy.models import Environment
from incidents.followups.ticket_selectors import trackers_for
from incidents.models.action_item import ActionItem
from incidents.models.incident import Incident

Options = Sequence[tuple[str, str]]
"""Value and label."""
Menus = Mapping[str, Options]
"""Kind of field to its choices."""
MOST = 100
"""So many choices does a menu of Slack's have."""


class NoTracker(Conflict):
    """No tracker is connected for this incident, so no ticket can be opened. An admin connects one under Adapters."""

    code = "no_tracker"


def menus_of(form: Form, *, incident: Incident | None) -> Menus:
    """Return the choices of the form's menus; one query for each that it has. Needs the tenant's scope.

    `incident` None: it is not chosen yet, so that what belongs to any is offered. Raise NoTracker where a tracker is
    to be chosen and there is none.
    """
    return {field.kind: READ[field.kind](incident) for field in form.fields if field.kind in READ}


def only_one(field: Field, menus: Menus) -> str:
    """Return the choice of a menu that must be made and leaves none; else an empty text."""
    options = menus.get(field.kind, ())
    return options[0][0] if len(options) == 1 and not field.optional else ""


def _environments(incident: Incident | None) -> Options:
    return list(Environment.objects.order_by("id").values_list("slug", "name")[:MOST])


def _trackers(incident: Incident | None) -> Options:
    if incident is not None:
        found = trackers_for(incident=incident)
    else:
        found = list(AdapterConfig.objects.filter(port=Port.TICKETING.value, enabled=True).order_by("name"))
    if not found:
        raise NoTracker
    return [(str(each.id), each.name) for each in found[:MOST]]


def _items(incident: Incident | None) -> Options:
    still = ActionItem.objects.filter(status=ActionItem.Status.OPEN).select_related("incident")
    of = still.filter(incident__in=Incident.objects.active()) if incident is None else still.filter(incident=incident)
    found = of.order_by("-number")[:MOST]
    return [(str(each.number), f"{each.code} {_whose(each, incident)}{each.title}") for each in found]


def _whose(item: ActionItem, incident: Incident | None) -> str:
    return "" if incident is not None else f"({item.incident.code}) "


READ: dict[str, Callable[[Incident | None], Options]] = {
    "environment": _environments,
    "tracker": _trackers,
    "item": _items,
}
"""Kind of a form's field to what reads its choices."""
