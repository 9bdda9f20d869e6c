"""The main job's first half: an alert and a Slack command declare, people respond in Slack, a postmortem comes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatops.demonstration.alerts import CHECKOUT, notification
from chatops.demonstration.doors import Api, DoorShut, Slack, wait_until
from conductor.embedded.progress import Progress
from conductor.lib.clock import now, parse_rfc3339

RESPONDER, COMMANDER = "U0JONAS", "U0AMARA"
"""Slack user ids of the seed."""
DECLARATION = "declare sev2 Payouts are stuck in the ledger queue --service ledger-core --env production"
RESPONSE = (
    (RESPONDER, "ack {code}"),
    (COMMANDER, "assign {code} ic"),
    (RESPONDER, "update {code} Consumers of ledger-events stopped after the 4.12 rollout; the backlog is growing"),
    (COMMANDER, "decide {code} We roll back and do not fail over: the replica is behind by minutes"),
    (RESPONDER, "mitigated {code} Rolled back to 4.11, the backlog drains"),
    (RESPONDER, "monitoring {code} Watching backlog and payout latency"),
    (COMMANDER, "resolved {code} Backlog is empty, payouts are on time"),
)
"""Who says what, in this order. {code} is the incident's."""


@dataclass(frozen=True)
class Responded:
    """What the first half left behind."""

    alert_incident: str
    slack_incident: str
    slack_number: int
    postmortem_pdf: Path


def respond(*, api: Api, slack: Slack, out: Path, progress: Progress, seconds: float) -> Responded:
    """Run the first half; raise DoorShut where anything is not as it must be."""
    with progress.stage("alert") as stage:
        alerted = _alert(api)
        stage.result = f"Alertmanager's webhook declared {alerted}"
    with progress.stage("slack command") as stage:
        code = _declare(slack)
        stage.result = f"a signed {slack.command} declared {code}"
    with progress.stage("response") as stage:
        number = int(code.removeprefix("INC-"))
        for user, text in RESPONSE:
            slack.say(user=user, text=text.format(code=code))
        moments = _resolved(api, number)
        stage.result = f"{code} acknowledged, {', '.join(moments)}"
    with progress.stage("postmortem") as stage:
        pdf, version = _postmortem(api, number, code, out, seconds)
        stage.result = f"version {version} drafted, {pdf.stat().st_size // 1024} kB of PDF"
    return Responded(alerted, code, number, pdf)


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


def _postmortem(api: Api, number: int, code: str, out: Path, seconds: float) -> tuple[Path, int]:
    path = f"/incidents/{number}/postmortem"
    draft = wait_until(f"the postmortem of {code}", lambda: _rendered(api.find(path)), seconds=seconds)
    pdf = api.download(f"{path}.pdf", out / f"{code}-postmortem.pdf")
    if not pdf.read_bytes().startswith(b"%PDF-"):
        raise DoorShut(f"{pdf} is not a PDF")
    return pdf, int(draft["version"])


def _rendered(draft: dict[str, Any] | None) -> dict[str, Any] | None:
    # The draft of the mitigation comes first; the one that counts is of the resolved incident.
    return draft if draft and draft["pdf_digest"] and draft["is_final"] else None
