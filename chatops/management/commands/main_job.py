"""`manage.py main_job`: what `make up` runs once web, worker and beat are up. `--summary` shows the last one again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatops.demo import main_job, summary
from conductor.lib.clock import now


class Command(BaseCommand):
    """Ends with the console's address, a way in for each role, the documents and the verifier's verdict."""

    help = "Run one real incident and one real control through the web server at CONDUCTOR_BASE_URL."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--summary", action="store_true", help="Show the last result with new sign-in links")
        parser.add_argument("--seconds", type=float, default=180, help="Longest wait for any one thing")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.CONDUCTOR_DEMO:
            raise CommandError("The main job belongs to the demonstration: CONDUCTOR_DEMO=1 is not set.")
        if not settings.SLACK_SIGNING_SECRET:
            raise CommandError("CONDUCTOR_SLACK_SIGNING_SECRET is not set, so no Slack command can be signed.")
        base_url = settings.CONDUCTOR_BASE_URL.rstrip("/")
        if options["summary"]:
            result = summary.load()
            if result is None:
                raise CommandError("The main job has not run here yet.")
        else:
            result = main_job.run(base_url=base_url, seconds=options["seconds"])
            summary.save(result)
        summary.show(result, base_url=base_url, now=now(), write=self.stdout.write)
        if not result.is_good:
            raise CommandError("The main job failed.")
