"""The sections about what followed: cost, what was told to whom, action items."""

from __future__ import annotations

from conductor.console.format.metered import metered, priced_words, totals
from conductor.console.format.values import day
from incidents.models.action_item import ActionItem
from incidents.models.choices import UPDATES, Audience, EventKind
from incidents.postmortem.draft.blocks import Block, block, counted, numbers, stop
from incidents.postmortem.record import Story
from incidents.record.metered import ROLE_SECONDS


def cost(story: Story) -> list[Block]:
    """What was used and has a price, then the sum. What nobody has priced, or costs nothing, is no cost on record."""
    assigned = numbers(story.of(EventKind.ROLE_ASSIGNED)) or story.seqs
    priced = [line for line in story.costs if line.amount]
    blocks = [
        block(
            f"{metered(line)}: {priced_words(line)}.",
            assigned if line.meter == ROLE_SECONDS else story.seqs,
            cells=(metered(line), priced_words(line)),
        )
        for line in priced
    ]
    if len(priced) > 1:
        blocks.append(block(f"Together {totals(priced)}.", story.seqs, cells=("Together", totals(priced))))
    return blocks


def unpriced(story: Story) -> list[str]:
    """Return what was used and has no price, in words."""
    return [metered(line) for line in story.costs if line.amount is None]


def communication(story: Story) -> list[Block]:
    """What was said beyond the response, for whom, and notices. Internal updates are on the timeline."""
    blocks = []
    for event in story.of(*UPDATES, EventKind.NOTICE_SENT):
        if event.kind == EventKind.NOTICE_SENT:
            failed = f", {event.data['failed']} failed" if event.data["failed"] else ""
            text = f"{counted(event.data['sent'], 'notice')} went out{failed}."
            blocks.append(block(text, [event.seq], at=event.occurred_at))
            continue
        audience = Audience(event.data.get("audience", Audience.INTERNAL))
        if not event.body or (event.kind == EventKind.UPDATE_POSTED and audience == Audience.INTERNAL):
            continue
        whom = f"For {str(audience.label).lower()}: " if event.kind == EventKind.UPDATE_POSTED else ""
        text = f"{whom}{stop(event.body)}"
        blocks.append(block(text, [event.seq], at=event.occurred_at, by=event.actor_name))
    return blocks


def actions(story: Story) -> list[Block]:
    """Each action item with its owner, due date and how it ended."""
    told: dict[str, list[int]] = {}
    for event in story.of(EventKind.ACTION_ADDED, EventKind.ACTION_CHANGED, EventKind.ACTION_CLOSED):
        told.setdefault(str(event.data["code"]), []).append(event.seq)
    return [block(_action(item), told[item.code], cells=_cells(item)) for item in story.actions if item.code in told]


def _cells(item: ActionItem) -> tuple[str, ...]:
    """What changes, who owns it, by when, and how it stands."""
    state = {
        ActionItem.Status.OPEN: "Open",
        ActionItem.Status.DONE: f"Done{f' {day(item.closed_at)}' if item.closed_at else ''}",
        ActionItem.Status.DROPPED: "Dropped",
    }[ActionItem.Status(item.status)]
    due = f"{item.due_date:%-d %b %Y}" if item.due_date else "No date"
    return item.code, item.title, item.owner_name or "Nobody", due, item.ticket, state


def _action(item: ActionItem) -> str:
    owner = item.owner_name or "nobody"
    due = f", due {item.due_date:%-d %b %Y}" if item.due_date else ", no due date"
    ended = {
        ActionItem.Status.OPEN: f"open, owned by {owner}{due}",
        ActionItem.Status.DONE: f"done by {item.closed_by}, effect {item.effect.lower()}",
        ActionItem.Status.DROPPED: f"dropped by {item.closed_by}: {item.effect_note}",
    }[ActionItem.Status(item.status)]
    ticket = f" Ticket {item.ticket}." if item.ticket else ""
    return f"{item.code} ({item.get_type_display().lower()}): {stop(item.title)} It is {ended}.{ticket}"
