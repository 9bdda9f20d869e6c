"""Files that only their owner may read: keys and secrets on disk."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

ANY_ACCESS_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO
WRITE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def is_open_to_others(path: Path, *, forbidden: int = ANY_ACCESS_BY_OTHERS) -> bool:
    """Return whether group or others have any of the `forbidden` mode bits. Raise OSError if there is no such file."""
    return bool(path.stat().st_mode & forbidden)


def write_once(*, path: Path, data: bytes) -> None:
    """Put `data` at `path` (0600) whole or not at all; a file that is there already wins."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # mkstemp creates it 0600
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(name, path)
    except FileExistsError:
        return
    finally:
        os.unlink(name)
