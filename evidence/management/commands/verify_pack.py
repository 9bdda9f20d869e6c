"""`manage.py verify_pack FILE`: the pack's own verifier, with its options and its exit status."""

from __future__ import annotations

import sys
from argparse import REMAINDER
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from evidence.pack_format import verify


class Command(BaseCommand):
    help = (
        "Verify an Evidence Pack (ZIP, or the folder it was unpacked to). "
        "Exit status: 0 verified, 1 not verified, 2 could not run, 3 consistent but signer unknown."
    )
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Hand every argument to the verifier: its options are the documented ones."""
        sys.exit(verify.main(argv[2:]))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("arguments", nargs=REMAINDER)

    def handle(self, *args: Any, **options: Any) -> str | None:
        """For `call_command`: raise SystemExit with the verifier's status unless it is 0."""
        if status := verify.main(list(options["arguments"])):
            sys.exit(status)
        return None
