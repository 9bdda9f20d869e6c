"""Replays the recorded outage through Slack, Alertmanager's door and the console, and kills a worker in the middle."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from chatops.demo.alerts import Firing, notification
from chatops.demo.doors import Api, DoorShut, Slack, wait_until
from chatops.demo.evidence import sealed_of
from chatops.demo.outage import SERVICE, Outage, pause_before, recorded_outage, sayings
from chatops.demo.record import Assessment, Lessons, People
from chatops.demo.response import RESPONDER, Hands
from chatops.demo.workers import kill_a_worker
from conductor.embedded.progress import Progress, Stage
from conductor.lib.clock import now

STAGES = 7
ALERT_BEFORE = timedelta(minutes=3)
ASSESSMENT = Assessment(impact="MOST", urgency="DEGRADING", began_before=timedelta(minutes=9), noticed_before=None)
HELPED = "The new process could be paused by itself, and everything but search went on meanwhile."
HARDER = "Nothing showed which functions depend on the new process, so they were found one after the other."
LEARNED = "Search can be paused without harm to the rest; that it could was not written down anywhere."
FOLLOW_UP = "followup {code} Start a new process for search data on one cluster first <@U0JONAS> due 14d prevent"


@dataclass(frozen=True)
class Replayed:
    """What the replay left behind."""

    code: str
    killed: int
    """Process id of the worker that was killed."""
    version: int
    postmortem_pdf: Path


def replay(*, hands: Hands, out: Path, progress: Progress, seconds: float, minute_seconds: float) -> Replayed:
    """Replay the outage; a minute of it takes `minute_seconds`. Raise DoorShut where anything is not as it must be."""
    outage = recorded_outage()
    with progress.stage("alert") as stage:
        code = _alert(hands.api, outage.title)
        stage.result = f"Alertmanager's webhook declared {code}"
    number = int(code.removeprefix("INC-"))
    people = People.at(sign_in=hands.sign_in, tenant=hands.api.tenant, code=code)
    with progress.stage("response") as stage:
        killed = _respond(hands.slack, people, outage, code, stage, seconds, minute_seconds)
        stage.result = f"{len(outage.notes)} notes in Slack, {code} resolved, a worker killed once"
    with progress.stage("draft") as stage:
        draft = _final(hands.api, number, seconds)
        statements = sum(len(each["blocks"]) for each in draft["sections"])
        stage.result = f"version {draft['version']}, {statements} statements"
    with progress.stage("review") as stage:
        lessons = Lessons(outage.afterwards, HELPED, HARDER, LEARNED)
        version = people.write_up(lessons, version=int(draft["version"]))
        people.approve(version=version)
        stage.result = f"version {version} approved and published in the console"
    with progress.stage("postmortem") as stage:
        pdf = _approved_pdf(hands.api, number, code, out, seconds)
        stage.result = f"{pdf.stat().st_size // 1024} kB of PDF"
    with progress.stage("evidence") as stage:
        stage.result = sealed_of(hands.api, code, seconds=seconds, conclusion="NO_EXCEPTIONS").sentence
    with progress.stage("runs") as stage:
        stage.result = _settled(hands.api, seconds)
    return Replayed(code, killed, version, pdf)


def _alert(api: Api, title: str) -> str:
    """Fire the recorded notification about this outage; each replay is an alert of its own."""
    firing = Firing("SearchErrorRate", SERVICE, "critical", title, ALERT_BEFORE)
    body = notification(firing, now=now(), run=f"{time.time_ns():016x}")
    (disposition,) = api.post("/alerts/alertmanager", body)["dispositions"]
    if not disposition["incident"]:
        raise DoorShut(f"the alert became no incident: {disposition['reason']}")
    return str(disposition["incident"])


def _respond(
    slack: Slack, people: People, outage: Outage, code: str, stage: Stage, seconds: float, minute_seconds: float
) -> int:
    """Say everything in Slack at its time, and put the rest on the record; return the killed worker's process id."""
    killed = 0
    for n, note in enumerate(outage.notes):
        time.sleep(pause_before(outage, n, minute_seconds=minute_seconds))
        if n == len(outage.notes) - 2:
            killed = kill_a_worker(seconds=seconds)
            stage.say(f"worker {killed} was killed (-9); another one has taken over")
        if n == len(outage.notes) - 1:
            people.happened("impact_ended", now())
            slack.say(user=RESPONDER, text=FOLLOW_UP.format(code=code))
        for user, text in sayings(outage, n):
            slack.say(user=user, text=text.format(code=code))
        if n == 0:
            people.assess(ASSESSMENT, now=now())
        if n == len(outage.notes) // 2:
            people.happened("identified", now())
        stage.say(f"+{str(note.after)[:-3]:>5}  {note.text[:80]}")
    return killed


def _final(api: Api, number: int, seconds: float) -> dict[str, Any]:
    def probe() -> dict[str, Any] | None:
        found: dict[str, Any] | None = api.find(f"/incidents/{number}/postmortem")
        return found if found and found["is_final"] and found["pdf_digest"] else None

    return wait_until(f"the final draft of INC-{number}", probe, seconds=seconds)


def _approved_pdf(api: Api, number: int, code: str, out: Path, seconds: float) -> Path:
    def probe() -> dict[str, Any] | None:
        found: dict[str, Any] | None = api.find(f"/incidents/{number}/postmortem")
        return found if found and found["status"] == "PUBLISHED" and found["pdf_digest"] else None

    wait_until(f"the approved postmortem of {code}", probe, seconds=seconds)
    pdf = api.download(f"/incidents/{number}/postmortem.pdf", out / f"{code}-postmortem-approved.pdf")
    if not pdf.read_bytes().startswith(b"%PDF-"):
        raise DoorShut(f"{pdf} is not a PDF")
    return pdf


def _settled(api: Api, seconds: float) -> str:
    """Return how the runs ended, once none is at work any more: the killed worker has lost none of them."""

    def probe() -> list[dict[str, Any]] | None:
        runs: list[dict[str, Any]] = api.get("/runs?limit=100")["items"]
        at_work = [each for each in runs if each["status"] in {"QUEUED", "RUNNING"} and not each.get("wake_at")]
        return None if at_work else runs

    runs = wait_until("the end of every run", probe, seconds=seconds)
    failed = [each["code"] for each in runs if each["status"] == "FAILED"]
    if failed:
        raise DoorShut(f"failed: {', '.join(failed)}")
    waiting = sum(each["status"] == "WAITING" for each in runs)
    return f"{len(runs) - waiting} ended, {waiting} wait for their time, 0 failed"
