"""`manage.py policy_bundle`: the built-in rules as a bundle for an OPA that is to answer in their place."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from conductor.policy.bundle import policy_bundle
from conductor.policy.opa import write_bundle


class Command(BaseCommand):
    """Writes the bundle and prints its revision, which is the digest that decisions carry."""

    help = "Write the built-in rules as an OPA bundle (docs/how-to/write-and-simulate-a-policy.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, default=Path("bundle.tar.gz"), help="File to write")

    def handle(self, *args: Any, **options: Any) -> None:
        bundle = policy_bundle()
        options["out"].write_bytes(write_bundle(bundle))
        self.stdout.write(f"{options['out'].name}: revision {bundle.digest}, {len(bundle.files)} files")
