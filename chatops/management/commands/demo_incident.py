"""`manage.py demo_incident`: what `make demo-incident` runs once web, worker and beat are up."""

from __future__ import annotations

import logging
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatops.demo.doors import Api, DoorShut, Slack, wait_for_door
from chatops.demo.main_job import TENANT, api_token, browsers
from chatops.demo.people import TEAM
from chatops.demo.replay import STAGES, replay
from chatops.demo.response import Hands
from conductor.embedded.progress import Progress


class Command(BaseCommand):
    """Ends with the path of the approved postmortem's PDF."""

    help = "Replay a recorded outage through Slack, alerts and the console, and kill a worker in the middle."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--minute", type=float, default=0.1, help="Seconds that a minute of the outage takes")
        parser.add_argument("--seconds", type=float, default=180, help="Longest wait for any one thing")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.CONDUCTOR_DEMO or not settings.SLACK_SIGNING_SECRET:
            raise CommandError("The replay belongs to the demonstration: run make demo-incident.")
        logging.getLogger("httpx").setLevel(logging.WARNING)
        base_url = settings.CONDUCTOR_BASE_URL.rstrip("/")
        try:
            wait_for_door(base_url, seconds=options["seconds"])
            with api_token() as token:
                slack = Slack(base_url, TEAM, settings.SLACK_COMMAND, settings.SLACK_SIGNING_SECRET)
                replayed = replay(
                    hands=Hands(Api(base_url, TENANT, token), slack, browsers(base_url)),
                    out=Path(settings.CONDUCTOR_HOME) / "out",
                    progress=Progress(total=STAGES),
                    seconds=options["seconds"],
                    minute_seconds=options["minute"],
                )
        except DoorShut as shut:
            raise CommandError(str(shut)) from shut
        self.stdout.write(f"\n  {replayed.code}  worker {replayed.killed} was killed, nothing was lost")
        self.stdout.write(f"  Postmortem  {replayed.postmortem_pdf}\n")
