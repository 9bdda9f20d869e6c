"""Verbs on tickets: one is opened in the organisation's tracker, and those that there are are listed."""

from __future__ import annotations

from adapters.models.adapter import AdapterConfig
from chatops.commands import answers, ticket_replies
from chatops.commands.arguments import OpenTicket
from chatops.commands.call import Said
from chatops.commands.menus import NoTracker
from conductor.lib.errors import Invalid
from conductor.tenancy.actors import require
from incidents.followups.selectors import action_item_by_number
from incidents.followups.ticket_selectors import tickets_of, tracker_named, trackers_for
from incidents.followups.ticket_state import Subject
from incidents.followups.tickets import open_ticket


def open_one(said: Said) -> answers.Answer:
    """Have a ticket opened for the incident or its action item, once; one that there is is shown."""
    require(actor=said.actor, permission="respond")
    args: OpenTicket = said.args
    subject = _subject(said)
    tracker = _tracker(subject, args.tracker)
    ticket = open_ticket(subject=subject, adapter=tracker, actor=said.actor, now=said.now)
    return ticket_replies.opened(subject, ticket, tracker=tracker.name)


def listing(said: Said) -> answers.Answer:
    """Return the tickets of the incident and of its action items, and how each stands."""
    require(actor=said.actor, permission="view_incidents")
    incident = said.incident()
    return ticket_replies.listing(incident, tickets_of(incident=incident))


def _subject(said: Said) -> Subject:
    args: OpenTicket = said.args
    if args.item is None:
        return Subject(said.incident())
    item = action_item_by_number(number=args.item)
    if args.incident is not None and item.incident.number != args.incident:
        raise Invalid(fields={"item": [f"{item.code} is an action item of {item.incident.code}."]})
    return Subject(item.incident, item)


def _tracker(subject: Subject, name: str) -> AdapterConfig:
    """Return the tracker, its name in whatever case; raise NoTracker, or Invalid with those that there are."""
    found = trackers_for(incident=subject.incident)
    if not found:
        raise NoTracker
    alike = [each for each in found if each.name.casefold() == name.casefold()]
    return tracker_named(incident=subject.incident, name=str(alike[0].id) if len(alike) == 1 else name)
