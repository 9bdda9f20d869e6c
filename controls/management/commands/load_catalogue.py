"""`manage.py load_catalogue`: bring the control catalogue up to the data files that this release ships."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from controls.catalogue import load_catalogue


class Command(BaseCommand):
    help = "Load the control catalogue (SOC 2, ISO 27001, NIST SP 800-53). Safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        report = load_catalogue()
        news = f"updated {', '.join(report.changed)}" if report.changed else "already up to date"
        self.stdout.write(
            f"{report.controls} controls of {report.frameworks} frameworks, {report.mappings} mappings: {news}"
        )
