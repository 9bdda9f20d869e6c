"""A message of their own in Slack to each member who was called into an incident, at whatever door they were."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from chatops.commands import replies
from chatops.commands.answers import Block, actions, answer, context, moment, mrkdwn, quoted, section
from chatops.commands.buttons import DO, FORM, Press, button
from chatops.models.outbox import Lane
from chatops.models.workspace import SlackInstallation
from chatops.slack import selectors
from chatops.slack.outbound.lifecycle import Say, enqueue
from conductor.lib.refs import parse_ref
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident

TOLD_WITHIN = timedelta(hours=1)
"""A page that is older is not told any more: whoever was linked since need not be woken by it."""


def called(*, incident: Incident, now: datetime) -> list[TimelineEvent]:
    """Return the incident's pages that are still to be told, oldest first. One query."""
    recent = TimelineEvent.objects.filter(incident=incident, kind=EventKind.PAGED, recorded_at__gte=now - TOLD_WITHIN)
    return list(recent.order_by("seq"))


def users_of(page: TimelineEvent) -> Iterator[int]:
    """Yield the members whom the page calls, by their keys."""
    to = page.data["to"]
    for reference in [to.get("ref", ""), *(each["ref"] for each in to.get("people", ()))]:
        if reference:
            yield int(parse_ref(reference)[1])


def tell(*, incident: Incident, workspace: SlackInstallation, pages: list[TimelineEvent], now: datetime) -> None:
    """Queue one message for each page and each member it calls who is linked there. Told already: nothing."""
    for page in pages:
        for user_id in users_of(page):
            person = selectors.slack_user_of(team_id=workspace.team_id, user_id=user_id)
            if not person:
                continue
            say = Say(
                "chat.postMessage",
                {"channel": person, **_message(incident, page)},
                lane=Lane.PAGE,
                channel_id=person,
                subject=incident.ref,
                dedupe_key=f"paged:{page.id}:{person}",
            )
            enqueue(tenant_id=incident.tenant_id, team_id=workspace.team_id, say=say, now=now)


def _message(incident: Incident, page: TimelineEvent) -> dict[str, object]:
    """Return what is said to who is called. Of a private incident: that there is one."""
    who = f"{mrkdwn(page.actor_name, 100)} calls you to {replies.named(incident)}  {incident.severity}"
    if incident.is_private:
        blocks: list[Block] = [section(f"*{who}*")]
        told = f"{page.actor_name} calls you to {incident.code} {incident.severity}"
    else:
        status = incident.get_status_display()
        blocks = [section(f"*{who}*  {status}\n{mrkdwn(' '.join(incident.title.split()), 150)}")]
        blocks += [section(quoted(page.body))] if page.body else []
        told = f"{page.actor_name} calls you to {incident.code} {incident.severity}: {incident.title}"
    shown = answer(told, [*blocks, actions(*_buttons(incident)), context(moment(page.recorded_at))])
    return {"text": shown["text"], "blocks": shown["blocks"]}


def _buttons(incident: Incident) -> list[Block]:
    def press(verb: str, label: str, how: str, style: str = "") -> Block:
        return button(
            tenant_id=incident.tenant_id, label=label, press=Press(verb, incident.number), how=how, style=style
        )

    unseen = [press("ack", "I am on it", DO, "primary")] if incident.acknowledged_at is None else []
    return [*unseen, press("status", "Status", DO), press("assign", "Take a role…", FORM)]
