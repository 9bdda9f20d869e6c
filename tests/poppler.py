"""Poppler's programs, which read our PDF documents as other people's tools do."""

from __future__ import annotations

import subprocess

from tests.harness import counterparts


def poppler(program: str, *arguments: object) -> str:
    """Return what the program printed; skip the test where Debian's poppler-utils is not here."""
    counterparts.need("pdftotext")
    command = [program, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
