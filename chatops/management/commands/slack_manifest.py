"""`manage.py slack_manifest`: the manifest to paste into Slack's "Create an app from a manifest"."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatops.slack.workspace.manifest import as_yaml, manifest
from conductor.lib.errors import Refused


class Command(BaseCommand):
    """Prints the manifest for this installation's address and command."""

    help = "Print the Slack app manifest for CONDUCTOR_BASE_URL and CONDUCTOR_SLACK_COMMAND."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=("yaml", "json"), default="yaml")
        parser.add_argument("--command", default=settings.SLACK_COMMAND, help="Name of the command, with its slash")
        parser.add_argument("--base-url", default=settings.CONDUCTOR_BASE_URL, help="Where Slack reaches Conductor")
        parser.add_argument("--name", default="Maestro Conductor", help="The app's name, at most 35 characters")
        parser.add_argument("--socket-mode", action="store_true", help="For installations that Slack cannot reach")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = manifest(
                base_url=options["base_url"],
                command=options["command"],
                name=options["name"],
                socket_mode=options["socket_mode"],
            )
        except Refused as refused:
            raise CommandError(f"{refused.detail} {options['command']} is not one.") from refused
        as_json = json.dumps(made, ensure_ascii=False, indent=2) + "\n"
        self.stdout.write(as_json if options["format"] == "json" else as_yaml(made), ending="")
        if not options["socket_mode"] and not options["base_url"].startswith("https://"):
            self.stderr.write("Slack only calls https addresses: set CONDUCTOR_BASE_URL, or use --base-url.")
