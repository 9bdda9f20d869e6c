"""The sentences about evidence: of which controls it was sealed around the incident, what it found, what is missing.

Each rests on the entry that vouches for what was read, and names the bundle with the digest that verifies it.
"""

from __future__ import annotations

from collections.abc import Callable

from conductor.lib.clock import parse_rfc3339
from incidents.models.choices import EventKind
from incidents.postmortem.control_findings import ControlFinding, FindingState, count_of
from incidents.postmortem.draft.blocks import Block, block, counted, numbers, when
from incidents.postmortem.record import Story
from incidents.record.wording import name_list

_ORDER = (
    FindingState.FAILED,
    FindingState.MISSING,
    FindingState.STALE,
    FindingState.INCONCLUSIVE,
    FindingState.UNSEALED,
    FindingState.AWAITED,
    FindingState.PASSED,
)
"""What needs a reader first."""


def proven(story: Story) -> list[Block]:
    """How many controls had evidence, then a statement for each bundle, or lack of one."""
    read = numbers(story.of(EventKind.CONTROLS_READ))[-1:]
    if not story.findings or not read:
        return []
    ordered = sorted(story.findings, key=lambda finding: _ORDER.index(FindingState(finding["state"])))
    return [
        block(_balance(story.findings), read),
        *(block(statement(finding), [*read, *_attached(story, finding)]) for finding in ordered),
    ]


def statement(finding: ControlFinding) -> str:
    """Return what the finding says, in words."""
    said = _SAYINGS[FindingState(finding["state"])](finding)
    controls = "; ".join(f"{each['name']} {name_list(each['codes'])}" for each in finding["controls"])
    digest = f" Manifest SHA-256 {finding['manifest_digest'][:16]}…" if finding["manifest_digest"] else ""
    return f"{said} {'Control' if count_of(finding) == 1 else 'Controls'}: {controls}.{digest}"


def _balance(findings: list[ControlFinding]) -> str:
    totals: dict[str, int] = {}
    for finding in findings:
        totals[finding["state"]] = totals.get(finding["state"], 0) + count_of(finding)
    said = [f"{totals[state]} {words[totals[state] != 1]}" for state, words in _WORDS.items() if state in totals]
    return f"Of {counted(sum(totals.values()), 'control')} bound at the time, {name_list(said)}."


_WORDS = {
    FindingState.PASSED: ("has evidence without exceptions", "have evidence without exceptions"),
    FindingState.FAILED: ("has evidence with exceptions", "have evidence with exceptions"),
    FindingState.INCONCLUSIVE: ("has evidence without a conclusion", "have evidence without a conclusion"),
    FindingState.UNSEALED: ("has evidence that is not sealed yet", "have evidence that is not sealed yet"),
    FindingState.AWAITED: ("waits for the evidence of this response", "wait for the evidence of this response"),
    FindingState.STALE: ("has only evidence that was too old", "have only evidence that was too old"),
    FindingState.MISSING: ("has none", "have none"),
}
"""What one control, and what several do."""


def _passed(finding: ControlFinding) -> str:
    return f"Operated: {_bundle(finding)} found no exceptions in {counted(finding['checks'], 'check')}."


def _failed(finding: ControlFinding) -> str:
    failed = len(finding["exceptions"])
    out_of = f"{failed} of {counted(finding['checks'], 'check')}"
    said = f"Failed: {_bundle(finding)} found {'an exception' if failed == 1 else 'exceptions'} in {out_of}"
    return f"{said}: {'; '.join(finding['exceptions'])}." if failed else f"Failed: {_bundle(finding)} has exceptions."


def _inconclusive(finding: ControlFinding) -> str:
    return f"Not known: {_bundle(finding)} was sealed without a conclusion."


def _unsealed(finding: ControlFinding) -> str:
    return f"Not known: {finding['about']} ({finding['bundle']}) is not sealed yet."


def _awaited(finding: ControlFinding) -> str:
    return "Not known yet: the evidence of this response is collected once its final postmortem is rendered."


def _stale(finding: ControlFinding) -> str:
    return (
        f"Missing: {_bundle(finding)} is the newest evidence, and counted for {counted(finding['counts_days'], 'day')}."
    )


def _missing(finding: ControlFinding) -> str:
    return f"Missing: no evidence of “{finding['about']}” was sealed by then."


_SAYINGS: dict[FindingState, Callable[[ControlFinding], str]] = {
    FindingState.PASSED: _passed,
    FindingState.FAILED: _failed,
    FindingState.INCONCLUSIVE: _inconclusive,
    FindingState.UNSEALED: _unsealed,
    FindingState.AWAITED: _awaited,
    FindingState.STALE: _stale,
    FindingState.MISSING: _missing,
}


def _bundle(finding: ControlFinding) -> str:
    return f"{finding['about']} ({finding['bundle']}, to {when(parse_rfc3339(finding['until']))})"


def _attached(story: Story, finding: ControlFinding) -> list[int]:
    """The entries that tell of the bundle itself."""
    told = story.of(EventKind.EVIDENCE_ATTACHED)
    return [event.seq for event in told if finding["ref"] and event.data.get("ref") == finding["ref"]]
