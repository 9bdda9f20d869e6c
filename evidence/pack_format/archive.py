"""The pack as a ZIP: written in one form only, and read only in that form.

Entries are stored, not compressed, sorted, and carry one fixed date and mode: the same files give the same
bytes on every machine, a flipped byte anywhere is visible, and there is nothing in it that could explode.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Final

from evidence.pack_format.verify import MAX_BYTES, path_problems

_DATE: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o100644 << 16
_UNIX: Final = 3


class ArchiveRefused(ValueError):
    """A ZIP is not one that a pack may be: unsafe, ambiguous, compressed, damaged, or not in canonical form."""


def write_archive(*, base: str, files: Mapping[str, bytes]) -> bytes:
    """Return the ZIP of `files` in the folder `base`; raise ArchiveRefused for paths unsafe anywhere."""
    _require_safe(list(files))
    _require_safe([base])
    if sum(map(len, files.values())) > MAX_BYTES:
        raise ArchiveRefused(f"a pack holds at most {MAX_BYTES} bytes")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name in sorted(f"{base}/{path}" for path in files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system, entry.external_attr = _UNIX, _MODE
            archive.writestr(entry, files[name.removeprefix(f"{base}/")])
    return target.getvalue()


def read_archive(data: bytes) -> tuple[str, dict[str, bytes]]:
    """Return (folder, files) of a ZIP that `write_archive` could have written; raise ArchiveRefused otherwise.

    Nothing is unpacked before it is known to be stored, plain and within bounds.
    """
    if len(data) > MAX_BYTES:
        raise ArchiveRefused(f"a pack holds at most {MAX_BYTES} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            for entry in entries:
                _require_plain(entry)
            _require_safe([entry.filename for entry in entries])
            if sum(entry.file_size for entry in entries) > len(data):
                raise ArchiveRefused("the entries overlap")
            found = {entry.filename: archive.read(entry) for entry in entries}
    except ArchiveRefused:
        raise
    except (zipfile.BadZipFile, struct.error, EOFError, OSError, RuntimeError, ValueError) as error:
        # zipfile has no one exception for a damaged archive.
        raise ArchiveRefused(f"not a readable ZIP: {error}") from error
    bases = {name.partition("/")[0] for name in found}
    if len(bases) != 1 or any("/" not in name for name in found):
        raise ArchiveRefused("a pack has exactly one folder at its top")
    base = bases.pop()
    files = {name.removeprefix(f"{base}/"): content for name, content in found.items()}
    if write_archive(base=base, files=files) != data:
        raise ArchiveRefused("the ZIP is not in canonical form")
    return base, files


def _require_plain(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & 0x1:
        raise ArchiveRefused(f"{entry.filename} is encrypted")
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
        raise ArchiveRefused(f"{entry.filename} is compressed")
    if entry.external_attr != _MODE or entry.create_system != _UNIX:
        raise ArchiveRefused(f"{entry.filename} is not a plain file")


def _require_safe(paths: list[str]) -> None:
    if problems := path_problems(paths):
        raise ArchiveRefused("; ".join(f"{each.file!r} {each.text}" for each in problems))
