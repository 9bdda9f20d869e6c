"""The section about reporting obligations: what was assessed, decided and filed, by whom, when, and what was missed."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby

from conductor.console.format.values import duration
from conductor.lib.clock import elapsed, parse_rfc3339
from incidents.models.choices import EventKind, Question, Reply
from incidents.models.history import TimelineEvent
from incidents.models.obligation import Obligation
from incidents.postmortem.draft.blocks import Block, block, counted, numbers, stop, when
from incidents.postmortem.record import Story
from incidents.record.wording import name_list, sentence

_DUTY = (
    EventKind.OBLIGATION_ARMED,
    EventKind.OBLIGATION_DUE_SOON,
    EventKind.OBLIGATION_MISSED,
    EventKind.OBLIGATION_REOPENED,
    EventKind.OBLIGATION_FILED,
)
"""Entries that name the rule that they are about."""


def regulatory(story: Story) -> list[Block]:
    """The answers to the questions, the moments that start clocks, then each regime: decision, deadline, filing."""
    blocks = _questions(story)
    for event in story.of(EventKind.REPORTING_MOMENT):
        said = f"{sentence(event)}: {stop(event.body)}" if event.body else f"{sentence(event)}."
        blocks.append(block(said, [event.seq], at=event.occurred_at, by=event.actor_name))
    for regime, duties in groupby(story.duties, key=lambda duty: duty.regime):
        blocks += _regime(story, regime, list(duties))
    if not story.duties:
        blocks.append(block("No reporting obligation was armed.", story.seqs))
    else:
        blocks.append(block(_balance(story), _all(story)))
    return blocks


def _questions(story: Story) -> list[Block]:
    answers = story.incident.answers
    said = [f"{question.label} {Reply(answers[question]).label}." for question in Question if answers.get(question)]
    asked = numbers(story.of(EventKind.QUESTION_ANSWERED)) or numbers(story.of(EventKind.DECLARED)) or story.seqs
    return [block(" ".join(said), asked)] if said else []


def unanswered(story: Story) -> list[str]:
    """Return the questions that nobody has answered."""
    return [str(question.label) for question in Question if not story.incident.answers.get(question)]


def _regime(story: Story, regime: str, duties: list[Obligation]) -> list[Block]:
    """The decisions about the regime in their order, then each of its duties."""
    blocks = []
    for event in story.of(EventKind.OBLIGATION_DECIDED):
        if event.data["regime"] == regime:
            text = f"{sentence(event)}, {when(event.occurred_at)}. {stop(event.body)}"
            blocks.append(block(text, [event.seq], at=event.occurred_at, by=event.actor_name))
    for event in story.of(EventKind.OBLIGATION_REOPENED):
        if event.data["rule"] in {duty.rule_key for duty in duties}:
            blocks.append(block(f"{sentence(event)}.", [event.seq], at=event.occurred_at))
    return [*blocks, *(_duty(story, duty) for duty in duties)]


def _duty(story: Story, duty: Obligation) -> Block:
    name = f"{duty.regime}, “{duty.rule['title']}” to {duty.rule['recipient']}"
    told = _of(story, duty)
    sources = numbers(told) or story.seqs
    if duty.state == Obligation.State.FILED and duty.filed_at is not None:
        late = f" It was late: {duty.late_reason}" if duty.late_reason else ""
        filed = f"filed {when(duty.filed_at)} by {duty.filed_by_name}, number {duty.filing_reference}"
        return block(f"{name}: {filed}; {_margin(duty, duty.filed_at)}.{late}", sources)
    if duty.state == Obligation.State.NOT_APPLICABLE:
        decided = f"not reportable, signed by {duty.decided_by_name}"
        at = f" {when(duty.decided_at)}" if duty.decided_at is not None else ""
        return block(f"{name}: {decided}{at}.", _decisions(story, duty) or sources)
    undecided = "nobody has decided whether it applies" if duty.state == Obligation.State.ASSESSING else "it applies"
    due = (
        f"due {when(duty.due_at)}" if duty.due_at is not None else "the event that starts its deadline is not recorded"
    )
    missed = [event for event in told if event.kind == EventKind.OBLIGATION_MISSED and _is_about(event, duty)]
    passed = "; the deadline was missed and nothing is filed" if missed else "; nothing is filed yet"
    return block(f"{name}: {undecided}, {due}{passed}.", [*sources, *_decisions(story, duty)])


def _margin(duty: Obligation, filed_at: datetime) -> str:
    if duty.due_at is None:
        return "it had no due date"
    distance = duration(abs(elapsed(filed_at, duty.due_at)))
    ended = "met" if filed_at <= duty.due_at else "missed"
    return f"its deadline, {when(duty.due_at)}, was {ended} by {distance}"


def _balance(story: Story) -> str:
    filed = [duty for duty in story.duties if duty.state == Obligation.State.FILED]
    late = [
        duty for duty in filed if duty.due_at is not None and duty.filed_at is not None and duty.filed_at > duty.due_at
    ]
    counts = {
        "filed in time": len(filed) - len(late),
        "filed late": len(late),
        "not reportable": sum(duty.state == Obligation.State.NOT_APPLICABLE for duty in story.duties),
        "still open": sum(duty.state in ("ASSESSING", "APPLICABLE") for duty in story.duties),
    }
    said = name_list([f"{count} {what}" for what, count in counts.items() if count])
    return f"Of {counted(len(story.duties), 'reporting obligation')}: {said}. Rules are not legal advice."


def _of(story: Story, duty: Obligation) -> list[TimelineEvent]:
    return [event for event in story.of(*_DUTY) if event.data.get("rule") == duty.rule_key]


def _decisions(story: Story, duty: Obligation) -> list[int]:
    return [event.seq for event in story.of(EventKind.OBLIGATION_DECIDED) if event.data["regime"] == duty.regime][-1:]


def _is_about(event: TimelineEvent, duty: Obligation) -> bool:
    """Whether the entry tells of the due date that the duty has now."""
    return duty.due_at is not None and parse_rfc3339(event.data["due_at"]) == duty.due_at.replace(microsecond=0)


def _all(story: Story) -> list[int]:
    return numbers(story.of(*_DUTY, EventKind.OBLIGATION_DECIDED)) or story.seqs
