"""What is said about a page: whom it calls, how each is told, and who could not be."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.conf import settings

from chatops.commands.answers import Answer, Block, actions, answer, context, moment, mrkdwn, quoted, section
from chatops.commands.buttons import link_button
from chatops.commands.page_recipients import Missed, Whom
from chatops.commands.replies import named
from conductor.tenancy.actors import display_name
from incidents.models.incident import Incident

NAMES = 15
INVITE = "/t/{slug}/members/invitations/new/"
CONFIRM = "Members confirm their Slack account themselves: any Conductor command of theirs in Slack brings the link."


def called(
    incident: Incident,
    whom: Whom,
    *,
    ways: Sequence[str],
    linked: Collection[int],
    reason: str,
    may_invite: bool,
) -> Answer:
    """Return whom the page calls and how, for the person who asked for it.

    `ways` are the notification adapters, `linked` who is told in Slack too; who may invite gets the button for it.
    """
    names = [display_name(each) for each in whom.people]
    who = f"{whom.name}: {_listed(names)}" if whom.name and names else whom.name or _listed(names)
    blocks = [section(f"*{named(incident)}* calls {mrkdwn(who, 1500)}")]
    blocks += [section(quoted(reason))] if reason else []
    blocks += [context(*_how(whom, ways, linked))]
    blocks += _missed(whom.missed, slug=incident.tenant.slug, may_invite=may_invite)
    blocks += [context(*notes)] if (notes := _notes(incident, whom)) else []
    missed = (
        f" Not called: {'; '.join(f'{each.name or each.slack_user_id}, {each.why}' for each in whom.missed[:NAMES])}."
    )
    return answer(f"{incident.code} calls {who}.{missed if whom.missed else ''}", blocks)


def _how(whom: Whom, ways: Sequence[str], linked: Collection[int]) -> list[str]:
    """Return by which ways the page goes out, and who is not reached in Slack."""
    by = f"Sent by {_listed(list(ways))}" if ways else "No notification adapter is switched on"
    if not whom.people:
        return [mrkdwn(f"{by}, which the name is for", 1000)]
    told = [display_name(each) for each in whom.people if each.pk in linked]
    untold = [display_name(each) for each in whom.people if each.pk not in linked]
    in_slack = f"In Slack too: {_listed(told)}" if ways else f"In Slack: {_listed(told)}"
    not_there = (
        f"Not linked in Slack: {_listed(untold)}" if ways else f"Not reached, not linked in Slack: {_listed(untold)}"
    )
    return [mrkdwn(each, 1000) for each in [by, in_slack if told else "", not_there if untold else ""] if each]


def _missed(missed: Sequence[Missed], *, slug: str, may_invite: bool) -> list[Block]:
    """Return who could not be called, each with why, and for strangers in Slack how they become known."""
    if not missed:
        return []
    shown = [f"{_name(each)} ({each.why})" for each in missed[:NAMES]]
    more = f" and {len(missed) - NAMES} more" if len(missed) > NAMES else ""
    line = section(f"*Not called:* {', '.join(shown)}{more}")
    if not any(each.slack_user_id for each in missed):
        return [line]
    if not may_invite:
        return [line, context(CONFIRM)]
    url = f"{settings.CONDUCTOR_BASE_URL.rstrip('/')}{INVITE.format(slug=slug)}"
    return [line, context(CONFIRM), actions(link_button(label="Invite people", url=url, place="invite"))]


def _name(missed: Missed) -> str:
    """Return the name; of a stranger the mention, which shows a name and, in an answer to one person, pings nobody."""
    return mrkdwn(missed.name, 100) if missed.name else f"<@{missed.slack_user_id}>"


def _notes(incident: Incident, whom: Whom) -> list[str]:
    stale = f"Slack does not answer: these are the people as of {moment(whom.stale_since)}" if whom.stale_since else ""
    private = "It is private: who holds no role in it cannot read it" if incident.is_private else ""
    return [each for each in (stale, private) if each]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return f"{', '.join(names[:NAMES])}{more}"
