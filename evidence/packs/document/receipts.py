"""Receipts as sentences: "Cora Commander declared INC-17". Machine names are for machines; the ZIP has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from conductor.console.format.values import clock_time, day, is_machine, number
from conductor.ledger.models import Receipt

PRINTED = 300
"""Lines of a list that the document prints; the file is the evidence, the page its picture."""
FEW = 3
"""Receipts of one act by one actor in a row, from which on they share a line."""
_NAMED = 3
"""Files that such a line names."""
_SENTENCES = {
    "evidence.bundle.opened": "{actor} opened {subject}",
    "evidence.bundle.collecting": "{actor} began to collect files for {subject}",
    "evidence.artifact.attached": "{actor} attached {path}",
    "evidence.bundles.findings.recorded": "{actor} recorded what the checks found",
    "evidence.bundle.sealed": "{actor} sealed {subject}",
    "evidence.bundle.abandoned": "{actor} abandoned {subject}",
    "evidence.pack.requested": "{actor} asked for the pack {subject}",
    "evidence.pack.generated": "{actor} made the pack {subject}",
    "evidence.pack.verified": "{actor} verified the pack {subject}",
    "evidence.pack.failed": "The pack {subject} could not be made",
    "conductor.run.started": "{actor} started {subject}",
    "conductor.run.decided": "{actor} decided on {subject}",
    "conductor.run.retried": "{actor} tried {subject} again",
    "conductor.run.cancelled": "{actor} cancelled {subject}",
    "conductor.run.succeeded": "{subject} finished",
    "conductor.run.failed": "{subject} failed",
    "conductor.step.succeeded": "{subject} succeeded",
    "conductor.step.failed": "{subject} failed",
    "incidents.incident.declared": "{actor} declared {subject}",
    "incidents.incident.acknowledged": "{actor} acknowledged {subject}",
    "incidents.incident.mitigated": "{actor} called {subject} mitigated",
    "incidents.incident.monitoring_started": "{actor} began to watch {subject}",
    "incidents.incident.resolved": "{actor} resolved {subject}",
    "incidents.incident.reopened": "{actor} opened {subject} again",
    "incidents.update.posted": "{actor} posted an update on {subject}",
    "incidents.postmortem.drafted": "{actor} drafted the postmortem of {subject}",
    "incidents.postmortem.rendered": "{actor} had the postmortem of {subject} drawn",
    "adapters.digest.notarized": "{actor} had a digest time-stamped by {subject}",
}
_MANY = {
    "evidence.artifact.attached": "{actor} attached {count} files: {paths}",
    "conductor.step.succeeded": "{count} steps succeeded: {first} to {last}",
}


def told(receipts: Iterable[Receipt]) -> dict[str, Any]:
    """Return the lines of section L, in the order of the log, and how many more there are than are printed."""
    lines = list(_lines(receipts))
    return {"lines": lines[:PRINTED], "more": number(len(lines) - PRINTED) if len(lines) > PRINTED else ""}


def sentence(receipt: Receipt) -> str:
    """Return what the receipt says, without a machine name."""
    known = _SENTENCES.get(receipt.action)
    if known is None:
        return _in_general(receipt)
    path = str(receipt.body.get("path") or receipt.subject_name)
    return known.format(actor=receipt.actor_name, subject=receipt.subject_name, path=path)


def _in_general(receipt: Receipt) -> str:
    """Return "INC-17: status changed, by Cora Commander" for an act that has no sentence of its own."""
    *_app, noun, verb = receipt.action.split(".")
    what = f"{noun} {verb}".replace("_", " ")
    return f"{receipt.subject_name}: {what}, by {receipt.actor_name}"


def _lines(receipts: Iterable[Receipt]) -> Iterator[dict[str, str]]:
    for (action, _actor, _how), group in groupby(
        receipts, key=lambda each: (each.action, each.actor, each.authenticated)
    ):
        listed = list(group)
        if len(listed) >= FEW and action in _MANY:
            yield _line(listed[0], listed[-1], _together(action, listed))
        else:
            yield from (_line(each, each, sentence(each)) for each in listed)


def _together(action: str, receipts: list[Receipt]) -> str:
    paths = [str(each.body.get("path", each.subject_name)) for each in receipts]
    rest = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return _MANY[action].format(
        actor=receipts[0].actor_name,
        count=number(len(receipts)),
        paths=", ".join(paths[:_NAMED]) + rest,
        first=receipts[0].subject_name,
        last=receipts[-1].subject_name,
    )


def _line(first: Receipt, last: Receipt, says: str) -> dict[str, str]:
    entry = str(first.leaf_index) if first is last else f"{first.leaf_index} to {last.leaf_index}"
    return {
        "entry": entry,
        "day": day(first.occurred_at),
        "at": clock_time(first.occurred_at),
        "says": says,
        "how": "" if is_machine(first.actor) else first.authenticated,
    }
