"""What the severity words of monitoring systems mean here.

The label `sev` (`1` to `4`, or `SEV1` to `SEV4`) decides; else the label `severity` or `priority`, by the words of the
source and then by those below. "none" is no incident. A word that nobody has mapped is SEV3, and the incident says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from incidents.models.choices import Severity

NONE = "none"
"""The word for an alert that is no incident."""
WORDS: dict[str, Severity] = {
    **dict.fromkeys(("sev1", "p0", "p1", "emergency", "emerg", "disaster", "catastrophic", "blocker"), Severity.SEV1),
    **dict.fromkeys(("sev2", "p2", "critical", "crit", "fatal", "alert", "page", "high", "major"), Severity.SEV2),
    **dict.fromkeys(("urgent", "severe"), Severity.SEV2),
    **dict.fromkeys(("sev3", "p3", "error", "err", "warning", "warn", "medium", "average"), Severity.SEV3),
    **dict.fromkeys(("moderate",), Severity.SEV3),
    **dict.fromkeys(("sev4", "p4", "p5", "minor", "low", "info", "information", "informational"), Severity.SEV4),
    **dict.fromkeys(("notice", "debug"), Severity.SEV4),
}
UNCLEAR = Severity.SEV3
"""For an alert whose severity is missing or a word that nobody has mapped: seen, not shouted."""


@dataclass(frozen=True)
class Reading:
    """The severity that an alert asks for, and how surely."""

    severity: Severity | None
    """None where the sender says that it is no incident."""
    unmapped: str = ""
    """The sender's word, where nothing says what it means."""


def key_of(word: str) -> str:
    """Return the word as it is looked up: in lower case, `SEV-1`, `sev 1` and `sev_1` as `sev1`."""
    folded = " ".join(word.casefold().split())
    joined = folded.replace("-", "").replace("_", "").replace(" ", "")
    return joined if joined[:-1] in {"sev", "p"} and joined[-1:].isdigit() else folded


def severity_of(labels: Mapping[str, str], words: Mapping[str, str] | None = None) -> Reading:
    """Return the severity that the labels ask for; `words` are the source's own, word to severity or "none"."""
    stated = key_of(labels.get("sev", "")).removeprefix("sev")
    if f"SEV{stated}" in Severity.values:
        return Reading(Severity(f"SEV{stated}"))
    word = (labels.get("severity") or labels.get("priority") or "")[:40]
    key = key_of(word)
    own = (words or {}).get(key)
    if own is not None:
        return Reading(None if own == NONE else Severity(own))
    if key == NONE:
        return Reading(None)
    return Reading(WORDS.get(key, UNCLEAR), "" if key in WORDS else word.strip())
