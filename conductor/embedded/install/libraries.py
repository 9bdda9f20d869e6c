"""The system libraries that WeasyPrint loads: are they there, and how do they get there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from conductor.embedded.install import debian
from conductor.embedded.progress import Halt, Stage

SONAMES = (
    "libgobject-2.0.so.0",
    "libpango-1.0.so.0",
    "libpangoft2-1.0.so.0",
    "libharfbuzz.so.0",
    "libharfbuzz-subset.so.0",
    "libfontconfig.so.1",
)
_PROBE = """
import ctypes, sys
for name in sys.argv[1:]:
    try:
        ctypes.CDLL(name)
    except OSError:
        print(name)
"""


def ensure(root: Path, *, stage: Stage) -> None:
    """Afterwards a child with `search_path(root)` as LD_LIBRARY_PATH can load every library, or Halt is raised."""
    if not missing(root):
        stage.result = "found in .sys/libraries" if search_path(root) else "found"
        return
    if not debian.available():
        raise Halt(
            f"PDF documents need libraries that this system lacks: {', '.join(missing(root))}.\n"
            "Install Pango (1.44 or later) and HarfBuzz with the system's package manager, then try again."
        )
    debian.provide(debian.PANGO, purpose="PDF documents need Pango", folder=root / ".sys/libraries", stage=stage)
    if lacking := missing(root):
        raise Halt(f"Still missing: {', '.join(lacking)}. Run this, then try again:\n\n    {debian.command()}")
    stage.result = "unpacked" if search_path(root) else "installed"


def missing(root: Path) -> list[str]:
    """Return the names of the libraries that a child of ours cannot load."""
    own = root / ".venv/bin/python"
    done = subprocess.run(
        [str(own if own.exists() else sys.executable), "-I", "-S", "-c", _PROBE, *SONAMES],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **variables(root)},
    )
    return done.stdout.split()


def search_path(root: Path) -> str:
    """Return the folders of libraries unpacked beside the project, joined by colons; empty where there are none."""
    base = root / ".sys/libraries"
    folders = [*base.glob("usr/lib/*-linux-*"), *base.glob("lib/*-linux-*")]
    return ":".join(map(str, sorted(folders)))


def variables(root: Path) -> dict[str, str]:
    """Return LD_LIBRARY_PATH for children (the loader reads it before Python starts), or nothing."""
    own = search_path(root)
    inherited = os.environ.get("LD_LIBRARY_PATH", "")
    if not own or inherited.startswith(own):
        return {}
    return {"LD_LIBRARY_PATH": f"{own}:{inherited}" if inherited else own}
