"""What people put on the record of an incident besides what they say in Slack, each in the console as themselves.

Impact, replies and milestones while it lasts; afterwards what they learned, which somebody else approves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chatops.demo.console import Console
from chatops.demo.doors import DoorShut

SignIn = Callable[[str], Console]
"""`sign_in("jonas")`: a browser of that person."""
WRITER, APPROVER = "jonas", "amara"


@dataclass(frozen=True)
class Assessment:
    """How bad it is, and what has to be reported."""

    impact: str
    urgency: str
    """With the impact these give the severity, by the response policy's matrix."""
    yes: tuple[str, ...] = ()
    """The questions that are answered with yes; all others with no."""
    not_reportable: dict[str, str] = field(default_factory=dict)
    """Why it is not reported, by the regime that the replies arm."""
    began_before: timedelta = timedelta(minutes=8)
    """How long before now the harm began."""
    noticed_before: timedelta | None = timedelta(minutes=3)
    """How long before now it was noticed; None where an alert has said that."""


@dataclass(frozen=True)
class Lessons:
    """What people write into the postmortem, by section."""

    factors: str
    helped: str
    harder: str
    lessons: str


QUESTIONS = ("personal_data", "financial_service", "essential_service", "malicious")


@dataclass(frozen=True)
class People:
    """The two who work on one incident, signed in."""

    writer: Console
    approver: Console
    page: str
    """The incident's, which ends in a slash."""

    @classmethod
    def at(cls, *, sign_in: SignIn, tenant: str, code: str) -> People:
        """Sign both in."""
        return cls(sign_in(WRITER), sign_in(APPROVER), f"/t/{tenant}/incidents/{code}/")

    def assess(self, assessment: Assessment, *, now: datetime) -> None:
        """Say who is hit, since when and when it was noticed; answer every question; sign what is not reported."""
        replies = {each: "YES" if each in assessment.yes else "NO" for each in QUESTIONS}
        hit = {"impact": assessment.impact, "urgency": assessment.urgency, "reason": ""}
        self.writer.submit(f"{self.page}answers/", {**replies, **hit})
        for regime, reason in assessment.not_reportable.items():
            fields = {"regime": regime, "applies": "no", "reason": reason}
            self.approver.submit(f"{self.page}duty/", fields)
        self.happened("impact_started", now - assessment.began_before)
        if assessment.noticed_before is not None:
            self.happened("detected", now - assessment.noticed_before)

    def happened(self, milestone: str, at: datetime) -> None:
        """State when a milestone was."""
        moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        self.writer.submit(f"{self.page}milestones/{milestone}/", {"at": moment, "reason": ""})

    def write_up(self, lessons: Lessons, *, version: int) -> int:
        """Write what was learned into the draft of that version, ask for a review; return the version to approve."""
        page = f"{self.page}postmortem/"
        for part, text in vars(lessons).items():
            self.writer.submit(f"{page}{part}/edit/", {"version": str(version), "text": text})
            version += 1
        self.writer.submit(f"{page}review/", {"version": str(version)})
        return version

    def approve(self, *, version: int) -> None:
        """Approve and publish the version. Raise DoorShut unless it is published then."""
        page = f"{self.page}postmortem/"
        self.approver.submit(f"{page}approval/", {"version": str(version)})
        self.approver.submit(f"{page}publication/", {"version": str(version)})
        if "Published by" not in self.approver.read(page):
            raise DoorShut(f"version {version} is not published")
