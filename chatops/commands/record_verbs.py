"""Verbs that add to an incident's record: updates, notes, action items, links."""

from __future__ import annotations

from django.contrib.auth.models import User

from chatops.commands import answers, lookup, replies, shown
from chatops.commands.arguments import FollowUp, Link, Note, Person, Update
from chatops.commands.call import Said
from chatops.commands.moments import due_of, moment_of, span_of
from chatops.commands.tokens import number_of
from conductor.graph.models import Node
from conductor.lib.clock import rfc3339
from conductor.lib.errors import Invalid, NotFound
from conductor.tenancy.actors import require
from incidents.followups.action_items import add_action_item
from incidents.followups.selectors import action_items
from incidents.links.lifecycle import affect_resource, link_incidents, link_ticket
from incidents.models.choices import Audience, EventKind
from incidents.models.incident import Incident
from incidents.timeline.chat import record_chat
from incidents.timeline.lifecycle import add_note, post_update

SERVICE = "service:"


def update(said: Said) -> answers.Answer:
    """Post a status update."""
    args: Update = said.args
    incident = said.incident()
    promised = span_of(args.next, field="next")
    audience = args.audience or Audience.INTERNAL.value
    post_update(
        incident=incident,
        text=args.text,
        audience=audience,
        next_update_in=promised,
        actor=said.actor,
        now=said.now,
    )
    mark_reconstructed(said, incident, args.text)
    for_whom = f" for {Audience(audience).label.lower()}" if args.audience else ""
    when = f" The next one is promised in {args.next}." if promised else ""
    return replies.done(incident, f"has your update{for_whom} on its timeline.{when}", text=args.text)


def note(said: Said) -> answers.Answer:
    """Put an observation on the timeline, at the time at which it happened."""
    args: Note = said.args
    incident = said.incident()
    at = moment_of(args.at, field="at", now=said.now)
    add_note(incident=incident, text=args.text, occurred_at=at or said.spooled_at, actor=said.actor, now=said.now)
    mark_reconstructed(said, incident, args.text)
    when = f", at {at:%Y-%m-%d %H:%M} UTC" if at else ""
    return replies.done(incident, f"has your note on its timeline{when}.", text=args.text)


def follow_up(said: Said) -> answers.Answer:
    """Add an action item."""
    args: FollowUp = said.args
    incident = said.incident()
    due = due_of(args.due, field="due", now=said.now)
    item = add_action_item(
        incident=incident,
        title=args.text,
        type=args.type,
        owner=person_meant(args.person, said),
        due_date=due.date() if due else None,
        actor=said.actor,
        now=said.now,
    )
    owner = item.owner_name or "nobody yet"
    until = f", due {item.due_date:%Y-%m-%d}" if item.due_date else ""
    what = f"has action item {item.code} ({item.get_type_display().lower()}), owned by {owner}{until}: {item.title}"
    return replies.done(incident, what)


def follow_ups(said: Said) -> answers.Answer:
    """Return the incident's action items."""
    require(actor=said.actor, permission="view_incidents")
    incident = said.incident()
    return shown.action_items(incident, list(action_items(incident=incident)), today=said.now.date())


def link(said: Said) -> answers.Answer:
    """Tie the incident to another one, to a ticket's page, or to a resource that it affects."""
    args: Link = said.args
    incident = said.incident()
    number = number_of(args.target)
    if number is not None:
        return _link_incident(said, incident, number)
    if args.target.lower().startswith(SERVICE):
        node = _resource(args.target[len(SERVICE) :])
        affect_resource(incident=incident, resource=node, actor=said.actor, now=said.now)
        return replies.done(incident, f"now affects {node.name}.")
    name = args.target.rstrip("/").rpartition("/")[2] or args.target
    link_ticket(incident=incident, url=args.target, name=name[:200], actor=said.actor, now=said.now)
    return replies.done(incident, f"is tracked in {name[:200]}: {args.target}")


def _link_incident(said: Said, incident: Incident, number: int) -> answers.Answer:
    other = Incident.objects.filter(number=number).first()
    if other is None:
        raise NotFound(f"There is no INC-{number} here.", fields={"target": ["There is no such incident."]})
    kind = said.args.kind or "RELATED_TO"
    edge = link_incidents(incident=incident, other=other, kind=kind, actor=said.actor, now=said.now)
    return replies.done(incident, f"{edge.get_kind_display()} {other.code} {other.title}.")


def _resource(name: str) -> Node:
    """Return the resource of that name; raise Invalid where there is none, or more than one."""
    found = list(Node.objects.filter(ref="", name__iexact=name.strip())[:2])
    if len(found) != 1:
        why = "There is none of that name." if not found else "More than one has that name: link it in the console."
        raise Invalid(fields={"target": [why]})
    return found[0]


def person_meant(person: Person | None, said: Said) -> User | None:
    """Return the member who was named; None where nobody was."""
    return lookup.member_meant(person=person, team_id=said.team_id) if person else None


def mark_reconstructed(said: Said, incident: Incident, text: str) -> None:
    """Put on the timeline that this is recorded late, with when it was said."""
    if said.spooled_at is None:
        return
    record_chat(
        incident=incident,
        kind=EventKind.RECONSTRUCTED,
        key=f"{said.team_id}:{said.verb}:{rfc3339(said.spooled_at)}",
        text=text,
        data={"provenance": "reconstructed", "away": "database", "verb": said.verb},
        occurred_at=said.spooled_at,
        actor=said.actor,
        now=said.now,
    )
