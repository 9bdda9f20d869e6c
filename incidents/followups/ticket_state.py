"""What a ticket says of one of our records, and who moves when the two differ (docs/decisions/0048)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from django.conf import settings

from adapters.models.ticket import Ticket
from adapters.ports.ticketing import TicketState
from conductor.lib.errors import NotFound
from conductor.lib.refs import Ref, parse_ref
from incidents.models.action_item import ActionItem
from incidents.models.choices import Status
from incidents.models.incident import Incident

TITLE_CHARACTERS = 200


class Side(Enum):
    """Who follows the other."""

    NOBODY = "nobody"
    RECORD = "record"
    """Our record follows the ticket."""
    TICKET = "ticket"
    """The ticket follows our record."""


@dataclass(frozen=True)
class Subject:
    """What a ticket is about: an incident, or one of its action items."""

    incident: Incident
    item: ActionItem | None = None

    @property
    def ref(self) -> Ref:
        return self.item.ref if self.item else self.incident.ref

    @property
    def code(self) -> str:
        """`A-3` or `INC-12`, as people say it."""
        return self.item.code if self.item else self.incident.code

    @property
    def state(self) -> TicketState:
        """How the record stands, in a ticket's words."""
        if self.item:
            return TicketState(self.item.status)
        if self.incident.is_active:
            return TicketState.OPEN
        return TicketState.DONE if self.incident.status == Status.RESOLVED else TicketState.DROPPED

    @property
    def revision(self) -> int:
        """Counts up whenever the record's state may have changed. One query for an incident."""
        return self.item.version if self.item else self.incident.transitions.count()


def subject_of(reference: Ref) -> Subject:
    """Return the record that a ticket is about, as it is now; raise NotFound. For programs: private ones too."""
    kind, identifier = parse_ref(reference)
    if kind == "incidents.action_item":
        item = ActionItem.objects.filter(id=identifier).first()
        if item is not None:
            incident = Incident.everything.select_related("environment").get(id=item.incident_id)
            item.incident = incident
            return Subject(incident, item)
    if kind == "incidents.incident":
        found = Incident.everything.select_related("environment").filter(id=identifier).first()
        if found is not None:
            return Subject(found)
    raise NotFound(f"There is no {reference}.")


def content_of(*, subject: Subject, tenant_slug: str) -> dict[str, str]:
    """Return what the ticket is opened with. Of a private incident: that there is one."""
    incident, item = subject.incident, subject.item
    home = f"{settings.CONDUCTOR_BASE_URL}/t/{tenant_slug}/incidents"
    url = f"{home}/actions/{item.code}/" if item else f"{home}/{incident.code}/"
    if incident.is_private:
        return {"title": f"{subject.code}: private", "text": "", "url": url}
    if item is None:
        title, text = f"{incident.code} {incident.severity}: {incident.title}", incident.summary
    else:
        title = f"{item.code}: {item.title}"
        due = f"Due {item.due_date.isoformat()}." if item.due_date else ""
        origin = f"Action item of {incident.code}, {incident.title}."
        text = "\n\n".join(part for part in (item.detail, f"{origin} {due}".strip()) if part)
    return {"title": title[:TITLE_CHARACTERS], "text": text, "url": url}


def who_follows(*, ours: str, ours_before: str, theirs: str, theirs_before: str) -> Side:
    """Return who follows whom, from how both stand and stood at the last comparison.

    Whoever has moved is followed. If both have, and still differ in whether the work is over, open wins: nothing is
    called finished against somebody's word. Done and dropped do not differ in that.
    """
    if _is_open(ours) == _is_open(theirs):
        return Side.NOBODY
    we_moved, they_moved = _is_open(ours) != _is_open(ours_before), _is_open(theirs) != _is_open(theirs_before)
    if we_moved and they_moved:
        return Side.TICKET if _is_open(ours) else Side.RECORD
    if we_moved:
        return Side.TICKET
    return Side.RECORD if they_moved else Side.NOBODY


def side_of(*, ticket: Ticket, subject: Subject, theirs: str) -> Side:
    """Return who follows whom. An incident never follows: its status is moved by people, past its guards.

    A ticket that somebody linked to an incident does not follow either: it was there before, and is about more.
    """
    side = who_follows(ours=subject.state, ours_before=ticket.subject_state, theirs=theirs, theirs_before=ticket.state)
    if subject.item is None and (side is Side.RECORD or ticket.origin == Ticket.Origin.LINKED):
        return Side.NOBODY
    return side


def follows(*, ticket: Ticket, subject: Subject) -> bool:
    """Whether the ticket, as it was last seen, has to be moved after the record."""
    return side_of(ticket=ticket, subject=subject, theirs=ticket.state) is Side.TICKET


def _is_open(state: str) -> bool:
    return state == TicketState.OPEN
