"""The section about controls: those of the response that operated or failed, then those that evidence speaks of."""

from __future__ import annotations

from collections.abc import Callable

from incidents.models.choices import UPDATES, EventKind, Role
from incidents.models.history import StatusTransition
from incidents.postmortem.draft.blocks import Block, block, counted, numbers
from incidents.postmortem.draft.evidence import proven
from incidents.postmortem.record import Story
from incidents.record.wording import name_list, status_word
from incidents.response.policy_text import GUARD_WORDS


def controls(story: Story) -> list[Block]:
    """What of the response operated or failed: guards, cadence, acceptance, deadlines; then controls with evidence."""
    checks: tuple[Callable[[Story], list[Block]], ...] = (
        _guards,
        _cadence,
        _acceptance,
        _deadlines,
        proven,
        _evidence,
        _linked,
    )
    return [made for check in checks for made in check(story)]


def _guards(story: Story) -> list[Block]:
    """What the response policy asked at each move, and what was passed although it was not so."""
    asked = [each for each in story.transitions if each.guards]
    blocks = []
    for transition in asked:
        unmet = [guard for guard in transition.guards if not guard["met"]]
        empty = [guard["empty"] for guard in transition.guards if guard.get("empty")]
        met = [
            GUARD_WORDS.get(guard["guard"], guard["guard"])
            for guard in transition.guards
            if guard["met"] and not guard.get("empty")
        ]
        where = f"at the move to {status_word(transition.to_status)}"
        if empty:
            blocks.append(block(f"Not tested: {where}. {' '.join(empty)}", _move(story, transition)))
        if met:
            blocks.append(block(f"Operated: {where}, {name_list(met)}.", _move(story, transition)))
        if unmet:
            override = transition.override or {}
            why = " ".join(guard["why"] for guard in unmet)
            who = f"Overridden by {override.get('by_name', 'somebody')}: {override.get('reason', '')}"
            blocks.append(block(f"Failed: {where}. {why} {who}".rstrip(), _move(story, transition)))
    return blocks


def _cadence(story: Story) -> list[Block]:
    missed = story.of(EventKind.UPDATE_MISSED)
    if missed:
        said = f"Failed: {counted(len(missed), 'update')} did not come in time, and each was escalated."
        return [block(said, numbers(missed))]
    posted = story.of(*UPDATES)
    if not posted:
        return [block("Not tested: no update was posted, and none is recorded as missed.", story.seqs)]
    return [block(f"Operated: {counted(len(posted), 'update')} posted, none missed.", numbers(posted))]


def _acceptance(story: Story) -> list[Block]:
    late = story.of(EventKind.ROLE_UNANSWERED)
    if late:
        roles = name_list(
            [f"{event.data['to']['name']}, {str(Role(event.data['role']).label).lower()}" for event in late]
        )
        return [block(f"Failed: not accepted in time: {roles}.", numbers(late))]
    given = story.of(EventKind.ROLE_ASSIGNED)
    waiting = [f"{each.user_name}, {Role(each.role).label.lower()}" for each in story.roles if each.accepted_at is None]
    if waiting and given:
        return [block(f"Not known: nobody has accepted yet for {name_list(waiting)}.", numbers(given))]
    return [block("Operated: every role was accepted in time.", numbers(given))] if given else []


def _deadlines(story: Story) -> list[Block]:
    missed = story.of(EventKind.OBLIGATION_MISSED)
    if missed:
        titles = name_list([f"“{event.data['title']}” ({event.data['regime']})" for event in missed])
        return [block(f"Failed: the deadline passed without a filing of {titles}.", numbers(missed))]
    filed = story.of(EventKind.OBLIGATION_FILED)
    late = [event for event in filed if event.data.get("late")]
    if late:
        return [block(f"Failed: {counted(len(late), 'report')} filed late.", numbers(late))]
    return [block(f"Operated: {counted(len(filed), 'report')} filed in time.", numbers(filed))] if filed else []


def _evidence(story: Story) -> list[Block]:
    """Bundles that the graph knows near the incident, beyond those whose findings were told already."""
    told = {finding["bundle"] for finding in story.findings}
    attached = numbers(story.of(EventKind.EVIDENCE_ATTACHED)) or story.seqs
    return [
        block(f"{bundle} is evidence for {counted(len(names), 'control')}: {name_list(names)}.", attached)
        for bundle, names in story.proofs.items()
        if bundle.partition(" ")[0] not in told
    ]


def _linked(story: Story) -> list[Block]:
    """Controls that the graph links in another way than by evidence."""
    shown = {name for names in story.proofs.values() for name in names}
    names = [name for node in story.controls if (name := node.name.partition(" ")[0]) not in shown]
    if names:
        said = f"The graph links {counted(len(names), 'control')} without evidence"
        return [block(f"{said}: {name_list(names)}.", story.seqs)]
    return [] if shown or story.findings else [block("The graph links no control to this incident.", story.seqs)]


def _move(story: Story, transition: StatusTransition) -> list[int]:
    """The entries that tell of the move."""
    kinds = (EventKind.STATUS_CHANGED, EventKind.REOPENED, EventKind.GUARD_OVERRIDDEN)
    told = [event for event in story.of(*kinds) if event.data.get("to") == transition.to_status]
    return [event.seq for event in told if event.recorded_at == transition.recorded_at] or numbers(told) or story.seqs
