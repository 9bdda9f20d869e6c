"""`manage.py import_graph --tenant northwind resources.csv edges.csv`: import resources and dependencies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from conductor.graph.importer import import_resources, lines_of
from conductor.lib.clock import now
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_for_slug


class Command(BaseCommand):
    help = "Import resources and edges from CSV or JSON files; exits 1 if any row was rejected."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument("--tenant", required=True, help="the tenant's short name")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id = tenant_id_for_slug(options["tenant"])
        if tenant_id is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        rejected = 0
        for path in options["files"]:
            media_type = "application/json" if path.suffix == ".json" else "text/csv"
            with tenant_scope(tenant_id):
                try:
                    report = import_resources(
                        tenant_id=tenant_id,
                        content=path.read_bytes(),
                        media_type=media_type,
                        actor=Actor.system(channel="cli"),
                        now=now(),
                        source=path.name,
                    )
                except (Refused, OSError) as error:
                    raise CommandError(f"{path}: {error}") from error
            self.stdout.write(f"{path.name}:")
            for line in lines_of(report):
                self.stdout.write(f"  {line}")
            rejected += len(report.rejected)
        if rejected:
            raise CommandError(f"{rejected} rows were rejected; the others are in.", returncode=1)
