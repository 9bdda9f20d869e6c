"""Who may look into the folder of all data: its owner. Logs and documents are nobody else's business."""

from __future__ import annotations

import os
from pathlib import Path

UMASK = 0o077
FOLDERS = ("log", "out", "files", "marks", "fonts")
"""What a checkout of an earlier release may have left readable. PostgreSQL, keys and artifacts keep their own modes."""


def make_private(home: Path, *, named: bool) -> None:
    """Make `home`, and close it and the folders in it to others; a folder that somebody `named` stays as it is.

    For root, PostgreSQL runs under another account, which has to pass through: it may, and may not list.
    """
    if not home.exists() or not named:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for folder in (home / name for name in FOLDERS):
        if folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.geteuid():
            folder.chmod(0o700)


def append_privately(path: Path) -> int:
    """Open the file for appending, readable by its owner only, even where an earlier release made it; return it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.fchmod(handle, 0o600)
    return handle
