"""The sections about what followed: cost, what was told to whom, action items."""

from __future__ import annotations

from conductor.console.metered import metered, priced_words, totals
from incidents.metered import ROLE_SECONDS
from incidents.models import ActionItem, EventKind
from incidents.postmortem.blocks import Block, block, counted, numbers
from incidents.story import UPDATES, Story


def cost(story: Story) -> list[Block]:
    """People's time in roles, then what was metered; what has no price is said to have none."""
    assigned = numbers(story.of(EventKind.ROLE_ASSIGNED)) or story.seqs
    blocks = [
        block(f"{metered(line)}: {priced_words(line)}.", assigned if line.meter == ROLE_SECONDS else story.seqs)
        for line in story.costs
    ]
    unpriced = sum(line.amount is None for line in story.costs)
    if len(story.costs) > 1:
        priced = len(story.costs) - unpriced
        in_all = f"In all {totals(story.costs)}; " if priced else ""
        blocks.append(block(f"{in_all}{priced} of {counted(len(story.costs), 'meter')} have a price.", story.seqs))
    return blocks or [block("Nothing was metered for this incident.", story.seqs)]


def communication(story: Story) -> list[Block]:
    """Updates and notices in their order."""
    blocks = []
    for event in story.of(*UPDATES, EventKind.NOTICE_SENT):
        if event.kind == EventKind.NOTICE_SENT:
            failed = f", {event.data['failed']} failed" if event.data["failed"] else ""
            text = f"{counted(event.data['sent'], 'notice')} of {event.data['event']} went out{failed}."
            blocks.append(block(text, [event.seq], at=event.occurred_at))
        else:
            blocks.append(block(event.body, [event.seq], at=event.occurred_at, by=event.actor_name))
    return blocks or [block("No update was posted and no notice was sent.", story.seqs)]


def actions(story: Story) -> list[Block]:
    """Each action item with its owner, due date and how it ended."""
    told: dict[str, list[int]] = {}
    for event in story.of(EventKind.ACTION_ADDED, EventKind.ACTION_CHANGED, EventKind.ACTION_CLOSED):
        told.setdefault(str(event.data["code"]), []).append(event.seq)
    blocks = [block(_action(item), told[item.code]) for item in story.actions if item.code in told]
    return blocks or [block("There are no action items.", story.seqs)]


def _action(item: ActionItem) -> str:
    owner = item.owner_name or "nobody"
    due = f", due {item.due_date:%-d %b %Y}" if item.due_date else ", no due date"
    ended = {
        ActionItem.Status.OPEN: f"open, owned by {owner}{due}",
        ActionItem.Status.DONE: f"done by {item.closed_by}, effect {item.effect.lower()}",
        ActionItem.Status.DROPPED: f"dropped by {item.closed_by}: {item.effect_note}",
    }[ActionItem.Status(item.status)]
    ticket = f" Ticket {item.ticket}." if item.ticket else ""
    return f"{item.code} ({item.get_type_display().lower()}): {item.title}. It is {ended}.{ticket}"
