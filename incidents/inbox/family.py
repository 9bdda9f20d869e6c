"""What of incidents waits for people: its kinds, and all of it as one set of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from conductor.console.inbox.registry import Asker, Family, Kind
from incidents.inbox import alarms, learning, people, reporting
from incidents.response.policy import policy_in_force

KINDS = {
    "role_given": Kind("Roles", "siren", people.told_given),
    "role_offered": Kind("Roles", "siren", people.told_offered),
    "update_overdue": Kind("Updates", "megaphone", alarms.told_silent),
    "alert_still_firing": Kind("Alerts", "bell-ring", alarms.told_firing),
    "alerts_undecided": Kind("Alerts", "bell-ring", alarms.told_undecided),
    "task": Kind("Tasks", "list-checks", people.told_tasks),
    "obligation": Kind("Deadlines", "calendar-clock", reporting.told_obligations),
    "postmortem_draft": Kind("Postmortems", "notebook-pen", learning.told_drafts),
    "postmortem_changes": Kind("Postmortems", "notebook-pen", learning.told_sent_back),
    "postmortem_review": Kind("Postmortems", "notebook-pen", learning.told_reviews),
    "postmortem_unpublished": Kind("Postmortems", "notebook-pen", learning.told_unpublished),
    "action_item": Kind("Action items", "list-checks", learning.told_items),
    "redaction": Kind("Approvals", "eye-off", learning.told_redactions),
}


def find(asker: Asker) -> Iterator[tuple[str, QuerySet[Any]]]:
    """What waits for them and they may act on. Asks for the response policy, of responders alone."""
    if not asker.user_id or not asker.may("view_incidents"):
        return
    if asker.may("respond"):
        policy = policy_in_force().content
        yield "role_given", people.given(asker, policy)
        yield "role_offered", people.offered(asker)
        yield "task", people.tasks(asker)
        yield "update_overdue", alarms.silent(asker, policy)
        yield "alert_still_firing", alarms.firing(asker)
        yield "alerts_undecided", alarms.undecided(asker)
        yield "obligation", reporting.obligations(asker)
        yield "postmortem_draft", learning.drafts(asker)
        yield "postmortem_changes", learning.sent_back(asker)
        yield "action_item", learning.items(asker)
    if asker.may("command"):
        yield "postmortem_review", learning.reviews(asker)
        yield "postmortem_unpublished", learning.unpublished(asker)
        yield "redaction", learning.redactions(asker)


FAMILY = Family(KINDS, find, order=1)
