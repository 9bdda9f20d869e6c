"""The control panel and the open work: what the command alone shows, and App Home."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from chatops.commands import answers, lookup, my_work, replies
from chatops.commands.answers import Answer, Block, actions, code, context, divider, header, mrkdwn, section
from chatops.commands.buttons import FORM, Press, button
from chatops.commands.phrases import VERBS
from chatops.slack.workspace.slack_user import Speaker
from conductor.tenancy.models import Tenant
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment

MINE_SHOWN, ACTIVE_SHOWN = 8, 12
"""So many that a Home tab stays within Slack's hundred blocks."""
WAITING_SHOWN = 30
"""Blocks of what waits for a person, in a message, which has at most fifty."""


def at_hand(speaker: Speaker) -> Answer:
    """Return the control panel of the channel's incident; elsewhere what the person works on, and how to go on."""
    incident = lookup.incident_of_channel(team_id=speaker.receipt.team_id, channel_id=speaker.channel_id)
    if incident is not None:
        return control_panel(incident, speaker=speaker)
    if speaker.member is None:
        return answers.help_overview(command=speaker.command)
    mine = lookup.my_incidents(user=speaker.member.user)
    waiting = my_work.work_of(user=speaker.member.user)
    verbs = ", ".join(code(verb.name) for verb in VERBS)
    blocks = [
        *_work(mine[:MINE_SHOWN]),
        *my_work.blocks_of(waiting, now=speaker.now)[:WAITING_SHOWN],
        actions(_declare(speaker.tenant)),
        context(f"{code(speaker.command)} and one of {verbs}", code(f"{speaker.command} help declare")),
    ]
    text = f"You hold a role in {len(mine)} active incidents." if mine else "You hold no role in an active incident."
    return answers.answer(text, [section(f"*{text}*"), *blocks])


def control_panel(incident: Incident, *, speaker: Speaker) -> Answer:
    """Return where the incident stands, who has it, and a button for each thing that can be done."""
    roles = RoleAssignment.objects.filter(incident=incident, ended_at=None).order_by("role")
    entries = TimelineEvent.objects.filter(incident=incident).order_by("-seq")[:5]
    shown = replies.standing(incident, roles=list(roles), entries=list(entries), now=speaker.now)
    return answers.answer(shown["text"], [*shown["blocks"], actions(*replies.handles(incident))])


def home_view(*, tenant: Tenant, user: User | None, command: str, now: datetime) -> dict[str, Any]:
    """Return App Home: my open work first, then what else is active. `user` None: nobody knows who this is."""
    if user is None:
        explained = "Conductor does not know which member you are. Ask an admin to link your Slack user."
        return {"type": "home", "blocks": [header("Maestro Conductor"), section(explained)]}
    mine = lookup.my_incidents(user=user)
    held = {each.id for each in mine}
    others = [each for each in Incident.objects.active().order_by("severity", "-declared_at") if each.id not in held]
    blocks = [
        header("My open work"),
        *(_work(mine[:MINE_SHOWN]) or [section("You hold no role in an active incident.")]),
        *my_work.blocks_of(my_work.work_of(user=user), now=now),
        actions(_declare(tenant)),
        divider(),
        header("Active in " + tenant.name),
        *([_line(each) for each in others[:ACTIVE_SHOWN]] or [section("Nothing else is active.")]),
        context(_rest(len(mine), len(others)), f"As of {answers.moment(now)}", code(f"{command} help")),
    ]
    return {"type": "home", "blocks": blocks}


def _work(incidents: Sequence[Incident]) -> list[Block]:
    blocks: list[Block] = []
    for incident in incidents:
        blocks += [_line(incident), actions(*replies.handles(incident))]
    return blocks


def _line(incident: Incident) -> Block:
    return section(replies.line(incident))


def _declare(tenant: Tenant) -> Block:
    return button(tenant_id=tenant.id, label="Declare an incident…", press=Press("declare"), how=FORM, style="danger")


def _rest(mine: int, others: int) -> str:
    hidden = max(mine - MINE_SHOWN, 0) + max(others - ACTIVE_SHOWN, 0)
    return mrkdwn(f"and {hidden} more, in the console") if hidden else ""
