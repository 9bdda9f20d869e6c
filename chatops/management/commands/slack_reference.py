"""`manage.py slack_reference`: the reference of the command, from its vocabulary."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from chatops.reference import reference_page, reference_path


class Command(BaseCommand):
    """Prints the page, or writes it to docs/reference/slack-commands.md."""

    help = "Print or write docs/reference/slack-commands.md."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--write", action="store_true", help="Write the file instead of printing it")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["write"]:
            self.stdout.write(reference_page(), ending="")
            return
        path = reference_path()
        path.write_text(reference_page(), encoding="utf-8")
        self.stdout.write(f"Wrote {path.relative_to(path.parents[2])}.")
