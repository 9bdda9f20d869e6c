"""What is shown about an incident on request: people, clocks, cost, action items, and the matrix of severities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from chatops.commands.answers import Answer, answer, code, context, moment, mrkdwn, note, paragraphs, section
from chatops.commands.buttons import FORM, Press, button
from chatops.commands.replies import named
from chatops.commands.vocabulary import IMPACTS, URGENCIES
from conductor.console.format.metered import metered, priced_words, totals
from conductor.console.format.values import duration
from conductor.metering.selectors import CostLine
from incidents.models.action_item import ActionItem
from incidents.models.choices import Impact, Urgency
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.models.people import RoleAssignment, RoleOffer

ROWS = 15


def people(
    incident: Incident, roles: Sequence[RoleAssignment], offers: Sequence[RoleOffer], *, gaps: Sequence[str]
) -> Answer:
    """Return who holds which role. `gaps` are the roles that its severity asks for and nobody holds."""
    lines = [
        f"*{mrkdwn(each.get_role_display(), 40)}*  {mrkdwn(each.user_name, 100)}"
        + ("" if each.accepted_at else ", has not accepted")
        for each in roles
    ]
    lines += [f"*{_role(each)}*  offered to {mrkdwn(each.user_name, 100)}, who has not answered" for each in offers]
    blocks = [section(f"*{named(incident)}* has"), *paragraphs(lines[:ROWS] or ["Nobody holds a role."])]
    if gaps:
        blocks.append(context(f"Vacant, and asked for at {incident.severity}: {mrkdwn(', '.join(gaps), 300)}"))
    said = "; ".join(f"{each.get_role_display()} {each.user_name}" for each in roles)
    return answer(f"{incident.code}: {said or 'nobody holds a role'}", blocks)


def _role(offer: RoleOffer) -> str:
    return mrkdwn(str(RoleAssignment(role=offer.role).get_role_display()), 40)


def matrix(cells: Mapping[Impact, Mapping[Urgency, Any]], *, version: int, command: str) -> Answer:
    """Return the matrix, a line for each impact."""
    urgencies = {value: word for word, value in URGENCIES.items()}
    impacts = {value: word for word, value in IMPACTS.items()}
    lines = [
        f"*{mrkdwn(str(impact.label), 60)}* {code(impacts[impact.value])}\n"
        + "  ".join(f"{urgencies[urgency.value]} {cells[impact][urgency]!s}" for urgency in Urgency)
        for impact in Impact
    ]
    by = f"by version {version} of your response policy" if version else "by the built-in response policy"
    said = code(f"{command} impact most stopped".strip())
    return answer(
        "Severity by impact and urgency",
        [section("*Severity by impact and urgency*"), section("\n".join(lines)), context(mrkdwn(by, 200), said)],
    )


def clocks(
    incident: Incident,
    duties: Sequence[Obligation],
    *,
    next_update: datetime | None,
    owner: str,
    now: datetime,
) -> Answer:
    """Return each reporting obligation with the time that is left; `owner` holds the role of legal and privacy."""
    blocks = [section(f"*{named(incident)}* {len(duties)} reporting obligation{'' if len(duties) == 1 else 's'}")]
    blocks += [section(_duty(each, now)) for each in duties[:ROWS]]
    if len(duties) > ROWS:
        blocks.append(context(f"and {len(duties) - ROWS} more, in the console"))
    update = f"Next update {_left(next_update, now)}" if next_update else ""
    blocks.append(context(f"Owned by {mrkdwn(owner, 100)}" if owner else "Nobody holds legal and privacy", update))
    said = "; ".join(f"{each.rule['title']}: {each.get_state_display()}" for each in duties[:ROWS])
    return answer(f"{incident.code}: {said or 'no reporting obligation is known'}", blocks)


def _duty(duty: Obligation, now: datetime) -> str:
    title = f"*{mrkdwn(duty.regime, 40)}*  {mrkdwn(str(duty.rule['title']), 200)}"
    state = str(duty.get_state_display())
    if duty.state == Obligation.State.APPLICABLE and duty.due_at:
        return f"{title}\n{state}, due {_left(duty.due_at, now)}"
    if duty.state == Obligation.State.ASSESSING and duty.due_at:
        return f"{title}\n{state}; it would be due {_left(duty.due_at, now)}"
    if duty.state == Obligation.State.APPLICABLE:
        return f"{title}\n{state}; what starts its clock is not asserted yet"
    return f"{title}\n{state}"


def _left(at: datetime, now: datetime) -> str:
    span = duration(abs((at - now).total_seconds()), coarse=True)
    return f"{moment(at)}, {f'in {span}' if at > now else f'{span} ago'}"


def costs(incident: Incident, lines: Sequence[CostLine]) -> Answer:
    """Return what was used and what it cost; what has no price says so and is in no sum."""
    if not lines:
        return note(f"{incident.code}: nothing was metered so far.")
    shown = [f"{mrkdwn(metered(each), 200)}: {priced_words(each)}" for each in lines[:ROWS]]
    unpriced = sum(each.amount is None for each in lines)
    total = totals(lines) or "no price"
    counted = f"{len(lines) - unpriced} of {len(lines)} have a price"
    blocks = [section(f"*{named(incident)}* has cost {total} so far"), *paragraphs(shown), context(counted)]
    return answer(f"{incident.code} has cost {total} so far; {counted}", blocks)


def action_items(incident: Incident, found: Sequence[ActionItem], *, today: date) -> Answer:
    """Return the incident's action items, and a button to add one."""
    add = button(tenant_id=incident.tenant_id, label="Add…", how=FORM, press=Press("followup", incident.number))
    head = section(f"*{named(incident)}* {len(found)} action item{'' if len(found) == 1 else 's'}")
    lines = [_item(each, today) for each in found[:ROWS]]
    rest = [context(f"and {len(found) - ROWS} more, in the console")] if len(found) > ROWS else []
    said = "; ".join(f"{each.code} {each.status} {each.title}" for each in found[:ROWS])
    blocks = [{**head, "accessory": add}, *paragraphs(lines), *rest]
    return answer(f"{incident.code}: {said or 'no action items'}", blocks)


def _item(item: ActionItem, today: date) -> str:
    late = item.is_open and item.due_date is not None and item.due_date < today
    due = f", due {item.due_date:%Y-%m-%d}{' (late)' if late else ''}" if item.due_date else ""
    owner = mrkdwn(item.owner_name, 60) or "nobody"
    return f"*{item.code}*  {mrkdwn(item.title, 100)}\n{item.get_status_display()}, {owner}{due}"
