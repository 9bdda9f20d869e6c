"""A small file system of its own that can be filled up and emptied. Mounting it needs root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FILLER = "filler"


class SmallDisk:
    """A mounted tmpfs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def free_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Take the space that is left, but for so much."""
        with (self.folder / FILLER).open("ab") as filler:
            filler.write(bytes(max(self.free_bytes - leave_bytes, 0)))

    def empty(self) -> None:
        """Give back what `fill` took."""
        (self.folder / FILLER).unlink()


@contextmanager
def small_disk(folder: Path, *, megabytes: int, owner: Path | None = None) -> Iterator[SmallDisk]:
    """Mount a tmpfs of that size; it belongs to whoever owns `owner`. Skip the test where that is not permitted."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a file system needs root")
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    try:
        if owner is not None:
            told = owner.stat()
            os.chown(folder, told.st_uid, told.st_gid)
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
