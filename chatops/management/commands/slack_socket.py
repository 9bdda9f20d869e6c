"""`manage.py slack_socket`: Slack by a connection that we open, for installations that Slack cannot reach."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatops.slack.inbound.socket import NotConnected, connected
from conductor.tenancy.serving import serve_as


class Command(BaseCommand):
    """Listens until it is ended. Several may run: what comes twice is done once."""

    help = "Take requests from Slack by Socket Mode, with the app-level token of CONDUCTOR_SLACK_APP_TOKEN."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--token", default=settings.SLACK_APP_TOKEN, help="The app-level token, xapp-…")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["token"].startswith("xapp-"):
            raise CommandError("Set CONDUCTOR_SLACK_APP_TOKEN to the app-level token (xapp-…, connections:write).")
        serve_as("slack_socket")
        over = Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: over.set())
        try:
            with connected(app_token=options["token"], api_url=settings.SLACK_API_URL):
                self.stdout.write("Connected to Slack.")
                over.wait()
        except NotConnected as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write("Disconnected.")
