"""Import a status page's history or another system's log: `manage.py import_status_history northwind --shift`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from conductor.lib.canonical import sha256_hex
from conductor.lib.clock import now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_for_slug
from incidents.history.lifecycle import HistorySource, import_history

SHIPPED = Path(__file__).resolve().parents[2] / "data" / "slack-status-history-2019.json"
"""See incidents/data/README.md for its source and licence."""


class Command(BaseCommand):
    help = "Import a status page's history, or an incident log, as IMPORTED incidents. Twice imports nothing twice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", help="The tenant's short name")
        parser.add_argument("--file", type=Path, default=SHIPPED, help="Default: the history that ships with Conductor")
        parser.add_argument(
            "--key", default="slack-status", help="Short name of the source; makes records importable once"
        )
        parser.add_argument("--name", default="Slack status page", help="Who published the updates")
        parser.add_argument("--shift", action="store_true", help="Move all by whole weeks, so that it ends this week")
        parser.add_argument("--map", action="append", default=[], metavar="THEIRS=OURS", help="Rename a service")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id = tenant_id_for_slug(options["tenant"])
        if tenant_id is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        records, digest = _read(options["file"])
        moment = now()
        with tenant_scope(tenant_id):
            report = import_history(
                tenant_id=tenant_id,
                records=records,
                source=HistorySource(options["key"], options["name"], options["file"].name, digest),
                actor=Actor.system(channel="cli"),
                now=moment,
                mapping=dict(_pair(each) for each in options["map"]),
                shift_to_end_at=moment if options["shift"] else None,
            )
        for unreadable in report.rejected:
            self.stderr.write(f"{unreadable.row} was left out: {unreadable.reason}")
        self.stdout.write(f"{report.created} incidents, {report.updates} updates; {report.known} were there before")


def _read(path: Path) -> tuple[list[dict[str, Any]], str]:
    try:
        content = path.read_bytes()
        records = json.loads(content)
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    if not isinstance(records, list):
        raise CommandError(f"{path} is not a list of incidents")
    return records, sha256_hex(content)


def _pair(text: str) -> tuple[str, str]:
    theirs, sign, ours = text.partition("=")
    if not sign or not theirs or not ours:
        raise CommandError(f"--map takes THEIRS=OURS, not {text!r}")
    return theirs, ours
