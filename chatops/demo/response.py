"""The main job's first half: an alert and a Slack command declare, people respond in Slack, a postmortem comes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatops.demo.alerts import CHECKOUT, notification
from chatops.demo.doors import Api, DoorShut, Slack, wait_until
from chatops.demo.evidence import Evidence, sealed_of
from chatops.demo.record import Assessment, Lessons, People, SignIn
from conductor.embedded.progress import Progress
from conductor.lib.clock import now, parse_rfc3339

RESPONDER, COMMANDER = "U0JONAS", "U0AMARA"
"""Slack user ids of the seed."""
DECLARATION = "declare sev2 Payouts are stuck in the ledger queue --service ledger-core --env production"
FIRST = (
    (RESPONDER, "ack {code}"),
    (COMMANDER, "assign {code} ic"),
    (RESPONDER, "update {code} Payouts wait in ledger-events since the 4.12 rollout; the backlog is growing"),
)
"""Said before anybody knows the cause."""
SECOND = (
    (RESPONDER, "update {code} Consumers stopped after 4.12 changed the name of their group; nothing is lost"),
    (COMMANDER, "decide {code} We roll back and do not fail over: the replica is behind by minutes"),
    (RESPONDER, "mitigated {code} Rolled back to 4.11, the backlog drains"),
)
"""Said once the cause is found."""
THIRD = (
    (RESPONDER, "followup {code} Alert when a consumer group has no members <@U0JONAS> due 14d detect"),
    (COMMANDER, "followup {code} Refuse a rollout that renames a consumer group <@U0PRIYA> due 30d prevent"),
    (RESPONDER, "monitoring {code} Watching backlog and payout latency"),
    (COMMANDER, "resolved {code} Backlog is empty, payouts are on time"),
)
"""Said once the harm has ended."""
RESPONSE = (*FIRST, *SECOND, *THIRD)
"""Who says what, in this order. {code} is the incident's."""
ASSESSMENT = Assessment(
    impact="SOME",
    urgency="STOPPED",
    yes=("financial_service",),
    not_reportable={
        "DORA": "Some merchants were paid minutes late, nothing was lost: below the criteria of a major incident."
    },
)
LESSONS = Lessons(
    factors=(
        "Release 4.12 gave the consumers' group another name, so the new ones did not take over from the old.\n\n"
        "The rollout's check looked at whether the processes live, and not at whether they read."
    ),
    helped="The release before was kept ready, so that the rollback took one command.",
    harder="No alert watches a group without members; the backlog alone was noticed, minutes later.",
    lessons="A name that two releases share is part of their contract: the rollout compares it from now on.",
)


@dataclass(frozen=True)
class Responded:
    """What the first half left behind."""

    alert_incident: str
    slack_incident: str
    slack_number: int
    postmortem_pdf: Path
    unapproved: Evidence
    """The bundle that was sealed of the incident before its postmortem was written up and approved."""


@dataclass(frozen=True)
class Hands:
    """What a half acts with."""

    api: Api
    slack: Slack
    sign_in: SignIn


def respond(*, hands: Hands, out: Path, progress: Progress, seconds: float) -> Responded:
    """Run the first half; raise DoorShut where anything is not as it must be."""
    api, slack = hands.api, hands.slack
    with progress.stage("alert") as stage:
        alerted = _alert(api)
        stage.result = f"Alertmanager's webhook declared {alerted}"
    with progress.stage("slack command") as stage:
        code = _declare(slack)
        stage.result = f"a signed {slack.command} declared {code}"
    with progress.stage("response") as stage:
        number = int(code.removeprefix("INC-"))
        people = People.at(sign_in=hands.sign_in, tenant=api.tenant, code=code)
        _say(slack, FIRST, code)
        people.assess(ASSESSMENT, now=now())
        people.happened("identified", now())
        _say(slack, SECOND, code)
        people.happened("impact_ended", now())
        _say(slack, THIRD, code)
        moments = _resolved(api, number)
        stage.result = f"{code} acknowledged, assessed, {', '.join(moments)}"
    with progress.stage("postmortem") as stage:
        draft = wait_until(
            f"the postmortem of {code}", lambda: _rendered(api.find(f"/incidents/{number}/postmortem")), seconds=seconds
        )
        # What is sealed before anybody has written it up says so; the next bundle supersedes it.
        unapproved = sealed_of(api, code, seconds=seconds, conclusion="EXCEPTIONS")
        version = people.write_up(LESSONS, version=int(draft["version"]))
        people.approve(version=version)
        pdf = _approved_pdf(api, number, code, out, seconds)
        stage.result = f"version {version} approved and published, {pdf.stat().st_size // 1024} kB of PDF"
    return Responded(alerted, code, number, pdf, unapproved)


def _say(slack: Slack, sayings: Iterable[tuple[str, str]], code: str) -> None:
    for user, text in sayings:
        slack.say(user=user, text=text.format(code=code))


def _alert(api: Api) -> str:
    answer = api.post("/alerts/alertmanager", notification(CHECKOUT, now=now()))
    (disposition,) = answer["dispositions"]
    if not disposition["incident"]:
        raise DoorShut(f"the alert became no incident: {disposition['reason']}")
    return str(disposition["incident"])


def _declare(slack: Slack) -> str:
    message = slack.say(user=RESPONDER, text=DECLARATION)
    found = re.match(r"INC-\d+", message["text"])
    if found is None or message["response_type"] != "in_channel":
        raise DoorShut(f"{slack.command} {DECLARATION}: {message['text']}")
    return found[0]


def _resolved(api: Api, number: int) -> list[str]:
    """Return the milestones that the incident has; raise DoorShut unless it has all of them, in order."""
    incident: dict[str, Any] = api.get(f"/incidents/{number}")
    names = ["acknowledged", "mitigated", "monitoring", "resolved"]
    said = {name: incident[f"{name}_at"] for name in names}
    moments = [parse_rfc3339(moment) for moment in said.values() if moment]
    if incident["status"] != "RESOLVED" or len(moments) != len(names) or moments != sorted(moments):
        raise DoorShut(f"INC-{number} is {incident['status']}, with {said}")
    return names[1:]


def _approved_pdf(api: Api, number: int, code: str, out: Path, seconds: float) -> Path:
    path = f"/incidents/{number}/postmortem"
    wait_until(f"the approved postmortem of {code}", lambda: _published(api.find(path)), seconds=seconds)
    pdf = api.download(f"{path}.pdf", out / f"{code}-postmortem.pdf")
    if not pdf.read_bytes().startswith(b"%PDF-"):
        raise DoorShut(f"{pdf} is not a PDF")
    return pdf


def _published(draft: dict[str, Any] | None) -> dict[str, Any] | None:
    return draft if draft and draft["status"] == "PUBLISHED" and draft["pdf_digest"] else None


def _rendered(draft: dict[str, Any] | None) -> dict[str, Any] | None:
    # The draft of the mitigation comes first; the one that counts is of the resolved incident.
    return draft if draft and draft["pdf_digest"] and draft["is_final"] else None
