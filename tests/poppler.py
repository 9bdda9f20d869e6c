"""Poppler's programs, which read our PDF documents as other people's tools do."""

from __future__ import annotations

import shutil
import subprocess

import pytest


def poppler(program: str, *arguments: object) -> str:
    """Return what the program printed; skip the test where Debian's poppler-utils is not installed."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} (Debian's poppler-utils) is not here")
    command = [program, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
