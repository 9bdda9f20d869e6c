"""What is said about tickets: that one is asked for, where it is, how each stands."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.models.ticket import Ticket
from chatops.commands.answers import Answer, Block, actions, answer, context, link, moment, mrkdwn, section
from chatops.commands.buttons import FORM, Press, button
from chatops.commands.replies import done, named
from incidents.followups.ticket_selectors import TicketShown
from incidents.followups.ticket_state import Subject
from incidents.models.incident import Incident

ROWS = 15
Phase = Ticket.Phase


def opened(subject: Subject, ticket: Ticket, *, tracker: str) -> Answer:
    """Return that the ticket is asked for, or where it is already."""
    incident, about = subject.incident, f"{subject.code}: " if subject.item else ""
    if ticket.phase == Phase.TRACKED:
        said = done(incident, f"{about}there is a ticket already, nothing was changed.")
        return {**said, "blocks": [*said["blocks"], section(_line(TicketShown(ticket, "")))]}
    said = done(incident, f"{about}a ticket is being opened in {tracker}. It takes a few seconds.")
    look = button(tenant_id=incident.tenant_id, label="Tickets", press=Press("tickets", incident.number))
    return {**said, "blocks": [*said["blocks"], actions(look)]}


def listing(incident: Incident, found: Sequence[TicketShown]) -> Answer:
    """Return each ticket with its state in the tracker's word, with buttons to open one and to try again."""
    add = button(tenant_id=incident.tenant_id, label="Open one…", how=FORM, press=Press("ticket", incident.number))
    head = section(f"*{named(incident)}* {len(found)} ticket{'' if len(found) == 1 else 's'}")
    rest = [context(f"and {len(found) - ROWS} more, in the console")] if len(found) > ROWS else []
    lines = [_row(incident, each) for each in found[:ROWS]]
    said = "; ".join(f"{_name(each.ticket)} {_state(each.ticket)}" for each in found[:ROWS])
    return answer(f"{incident.code}: {said or 'no tickets'}", [{**head, "accessory": add}, *lines, *rest])


def _row(incident: Incident, shown: TicketShown) -> Block:
    line, ticket = section(_line(shown)), shown.ticket
    if ticket.phase == Phase.FAILED and ticket.origin == Ticket.Origin.OPENED:
        about = {"item": shown.about.removeprefix("A-"), "tracker": str(ticket.adapter_id)}
        press = Press("ticket", incident.number, about)
        line["accessory"] = button(tenant_id=incident.tenant_id, label="Try again", press=press)
    return line


def _line(shown: TicketShown) -> str:
    ticket = shown.ticket
    name = _linked(ticket)
    about = f", for {shown.about}" if shown.about else ""
    seen = f", as of {moment(ticket.synced_at)}" if ticket.synced_at else ""
    title = mrkdwn(" ".join((ticket.title or str(ticket.content.get("title", ""))).split()), 200)
    where = f"{mrkdwn(ticket.adapter.name, 100)}{about}{seen}"
    return f"*{name}*  {mrkdwn(_state(ticket), 600)}\n{f'{title}{chr(10)}' if title else ''}{where}"


def _linked(ticket: Ticket) -> str:
    """Return the ticket's name, as a link to the tracker unless the address would break out of Slack's markup."""
    name, url = ticket.name or "Ticket", ticket.url.replace("&", "&amp;")
    is_safe = url.startswith(("https://", "http://")) and not set(url) & set("<>| \n")
    return link(url, name) if is_safe else mrkdwn(name, 200)


def _name(ticket: Ticket) -> str:
    return ticket.name or "Ticket"


def _state(ticket: Ticket) -> str:
    """Return how it stands: in the tracker's word, with ours where the word leaves it open."""
    if ticket.phase == Phase.REQUESTED:
        return "is being opened"
    if ticket.phase == Phase.FAILED:
        return f"was not opened: {ticket.error or ticket.code or 'the tracker refused'}"
    means = str(ticket.get_state_display()).lower()
    return ticket.remote_status if ticket.remote_status.lower() == means else f"{ticket.remote_status} ({means})"
