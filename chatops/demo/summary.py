"""What the main job leaves behind: a record of how it went, and where a person can look at it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User

from chatops.demo.people import GLOBEX, NORTHWIND
from conductor.tenancy.roles import Role
from conductor.tenancy.sessions.signin_links import issue_link

Write = Callable[[str], object]


@dataclass(frozen=True)
class Summary:
    """How the main job went. Written to var/main_job.json, read again by `main_job --summary`."""

    finished_at: str
    """RFC 3339."""
    seconds: float
    error: str = ""
    """Why it failed; empty if it did not."""
    incidents: list[str] = field(default_factory=list)
    """Codes: the alert's, then Slack's."""
    postmortem_pdf: str = ""
    response_evidence: list[str] = field(default_factory=list)
    """What the bundles of the incident from Slack concluded, the newest first."""
    bundle: str = ""
    pack_pdf: str = ""
    pack_zip: str = ""
    verdict: str = ""
    """The verifier's, in its words."""
    verify_command: str = ""

    @property
    def is_good(self) -> bool:
        return not self.error and self.verdict.startswith("VERIFIED")


def summary_path() -> Path:
    """Return where the summary is kept."""
    return Path(settings.CONDUCTOR_HOME) / "main_job.json"


def save(summary: Summary) -> None:
    """Keep the summary in place of the last one."""
    path = summary_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(summary), indent=2) + "\n", encoding="utf-8")


def load() -> Summary | None:
    """Return the last summary; None if the main job never ran here, or its record cannot be read."""
    try:
        return Summary(**json.loads(summary_path().read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def show(summary: Summary, *, base_url: str, now: datetime, write: Write) -> None:
    """Write what a person needs next: the console, a way in for each role, the documents, the verdict."""
    write("")
    write(f"  Console     {base_url}")
    write("")
    write("  Sign in, each link once and within twelve hours:")
    for label, name, path in sign_in_links(now=now):
        write(f"    {label:<16}{name:<20}{base_url}{path}")
    write("")
    for label, value in (
        ("Postmortem", summary.postmortem_pdf),
        ("Evidence", summary.pack_pdf),
        ("Pack", summary.pack_zip),
    ):
        if value:
            write(f"  {label:<12}{value}")
    for n, sentence in enumerate(summary.response_evidence):
        write(f"  {'' if n else 'Response':<12}{sentence}")
    write(f"  {'Verifier':<12}{summary.verdict or 'did not run'}")
    if summary.verify_command:
        write(f"  {'again by':<12}{summary.verify_command}")
    if summary.error:
        write(f"  {'FAILED':<12}{summary.error}")
    write("")


def sign_in_links(*, now: datetime) -> list[tuple[str, str, str]]:
    """Return (role, name, path) of a new one-time link for each role, and for a member of another tenant."""
    chosen = {person.role: person for person in reversed(NORTHWIND)}
    people = [(Role(role).label, chosen[role]) for role in Role.values]
    people.append(("Another tenant", GLOBEX[0]))
    links = []
    for label, person in people:
        user = User.objects.filter(username=person.username).first()
        if user is not None:
            links.append((label, user.get_full_name(), issue_link(user=user, now=now)))
    return links
